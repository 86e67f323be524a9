"""The pass over every record of a store."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from rolecall.directory.records import DirectoryError
from rolecall.store.interface import Entry, Snapshot
from rolecall.store.keys import pack, unpack
from rolecall.store.paging import walk
from rolecall.trail.configured import decode_trail
from rolecall.trail.segments import events_in
from rolecall.upkeep import findings, identities, objects, secrets
from rolecall.upkeep.look import SKEW, Check, Look, shown

_PAGE = 512
_TELL_EVERY = 4096


def _configured_trail(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    trail = decode_trail(value)
    if (trail.account, trail.region, trail.name) != parts:
        look.find(findings.MISPLACED, shown(key))


def _nothing(_look: Look, _key: bytes, _parts: tuple[str, ...], _value: bytes) -> None:
    """Find nothing wrong with a record, whatever it holds."""


STORE: Mapping[str, Check] = {
    **identities.CHECKS,
    **secrets.CHECKS,
    **objects.CHECKS,
    "configured-trail": _configured_trail,
    "probe": _nothing,
}
"""What each kind of record in the store is held against, by the first part of its key."""


class Examined(NamedTuple):
    """A store's records, examined."""

    look: Look
    orphans: list[bytes]
    """The keys of entries that surely nothing names."""


def examine_store(
    view: Snapshot, now: datetime, told: Callable[[int], None] = lambda _count: None, *, sealed: bool = True
) -> Examined:
    """Examine every record of one state of the store. Where not `sealed`, secrets are left alone: there are no keys."""
    look = Look(view, now)
    checks = STORE if sealed else {name: check for name, check in STORE.items() if name not in secrets.SEALED}
    _each(look, checks, told)
    identities.counts(look)
    if sealed:
        secrets.ring(look)
    orphans = objects.leftovers(look)
    if look.latest is not None and look.latest > now + SKEW:
        look.find(
            findings.CLOCK, f"something was made at {look.latest:%Y-%m-%d %H:%M:%S} UTC, it is {now:%Y-%m-%d %H:%M:%S}"
        )
    return Examined(look, orphans)


def examine_trail(view: Snapshot, now: datetime, told: Callable[[int], None] = lambda _count: None) -> Look:
    """Examine every record of one state of the trail."""
    look = Look(view, now)
    _each(look, TRAIL, told)
    return look


def _each(look: Look, checks: Mapping[str, Check], told: Callable[[int], None]) -> None:
    for count, entry in enumerate(walk(look.view, b"", page=_PAGE)):
        _one(look, checks, entry)
        if count % _TELL_EVERY == 0:
            told(count)


def _one(look: Look, checks: Mapping[str, Check], entry: Entry) -> None:
    parts = tuple(part.decode("utf-8", "surrogateescape") for part in unpack(entry.key))
    kind = parts[0] if parts else ""
    look.kinds[kind] += 1
    check = checks.get(kind)
    if check is None:
        if kind not in secrets.SEALED:
            look.find(findings.UNKNOWN, shown(entry.key))
        return
    try:
        check(look, entry.key, parts[1:], entry.value)
    except (msgspec.MsgspecError, ValueError, IndexError, zlib.error, DirectoryError) as reason:
        look.find(findings.UNREADABLE, f"{shown(entry.key)}: {reason}")


_SUFFIX = 16


def _segment(_look: Look, _key: bytes, _parts: tuple[str, ...], value: bytes) -> None:
    events_in(value)


def _index(look: Look, key: bytes, _parts: tuple[str, ...], _value: bytes) -> None:
    if look.view.get(pack("segment") + key[-_SUFFIX:]) is None:
        look.find(findings.DANGLING, shown(key[:-_SUFFIX]))


TRAIL: Mapping[str, Check] = {"segment": _segment, "by": _index, "by-sums": _index}
"""What each kind of record in the trail is held against."""
