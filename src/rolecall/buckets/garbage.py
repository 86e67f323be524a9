"""The blobs that nothing refers to any more: those a transaction let go of, and those whose transaction never came.

A blob that a record let go of is noted in the same transaction and removed after a grace period, in which readers who
began before may still open it. A blob that was committed just before a crash, so that no record names it, is found by
comparing what is on disk with what is named, twice with the grace period between: what is being written at one moment
is named at the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import msgspec

from rolecall.buckets.segments import Segment
from rolecall.buckets.uploads import decode_part
from rolecall.buckets.versions import decode_version
from rolecall.objects.interface import Objects
from rolecall.store.interface import Entry, Store, Transaction
from rolecall.store.keys import micros, pack, unpack

GRACE = timedelta(minutes=15)

_PAGE = 256
_decode_blobs = msgspec.msgpack.Decoder(list[str]).decode


async def sweep(store: Store, objects: Objects, now: datetime, *, grace: timedelta = GRACE) -> int:
    """Remove the blobs that were let go of longer than `grace` ago; return how many.

    Several processes may sweep at once. Raises ObjectsUnavailable, StoreUnavailable; what was not removed stays noted.
    """
    removed = 0
    while due := _due(store, now - grace):
        for entry in due:
            blobs = _decode_blobs(entry.value)
            for blob in blobs:
                await objects.delete(blob)
            removed += len(blobs)
        await store.write(partial(_forget, due))
    return removed


def _forget(done: list[Entry], transaction: Transaction) -> None:
    for entry in done:
        transaction.delete(entry.key)


def _due(store: Store, moment: datetime) -> list[Entry]:
    with store.view() as view:
        page = view.scan(pack("garbage"), limit=_PAGE)
    return [entry for entry in page if int.from_bytes(unpack(entry.key)[1], "big") <= micros(moment)]


def unnamed(store: Store, objects: Objects) -> set[str]:
    """Return the ids of the blobs that no record names, garbage neither; some may be just about to be named.

    What is on disk is listed before what is named, and what is current again at the end, for versions that move there
    meanwhile.
    """
    blobs = set(objects.ids())
    if blobs:
        blobs.difference_update(named(store))
    return blobs


def named(store: Store) -> Iterator[str]:
    """Yield the id of every blob that a record names, garbage included, some of them twice."""
    for kind in ("part", "current", "version", "current", "garbage"):
        for entry in store.long_scan(pack(kind)):
            yield from _named_by(kind, entry.value)


def _named_by(kind: str, value: bytes) -> list[str]:
    if kind == "garbage":
        return _decode_blobs(value)
    segments: tuple[Segment, ...] = decode_part(value).segments if kind == "part" else decode_version(value).segments
    return [segment.source for segment in segments if not segment.inline]


async def remove_unnamed(store: Store, objects: Objects, suspects: set[str]) -> int:
    """Remove those of `suspects`, found by `unnamed` at least a grace period ago, that are still not named."""
    still = suspects & await asyncio.to_thread(unnamed, store, objects) if suspects else suspects
    for blob in still:
        await objects.delete(blob)
    return len(still)


class Orphanage:
    """Looks for blobs that no record names, now and then, and removes those that stay so. One a process."""

    def __init__(self, *, every: timedelta = timedelta(hours=6), grace: timedelta = GRACE) -> None:
        """Look first when `tidy` is called first."""
        self._every = every
        self._grace = grace
        self._suspects: set[str] = set()
        self._looked: datetime | None = None
        self._judged = True

    async def tidy(self, store: Store, objects: Objects, now: datetime) -> int:
        """Look or remove, if it is time for either; return how many blobs were removed.

        Raises ObjectsUnavailable, StoreUnavailable.
        """
        if self._looked is None or now - self._looked >= self._every:
            self._suspects = await asyncio.to_thread(unnamed, store, objects)
            self._looked, self._judged = now, False
        elif not self._judged and now - self._looked >= self._grace:
            self._judged = True
            return await remove_unnamed(store, objects, self._suspects)
        return 0
