"""One look at one state of a store: what was found, and what is remembered for the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from rolecall.buckets.segments import Segment
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.store.interface import Snapshot, StoreUnavailable
from rolecall.store.keys import unpack
from rolecall.upkeep import findings
from rolecall.upkeep.findings import Finding, Trouble

SKEW = timedelta(minutes=5)
"""How far clocks may be apart."""
YOUNG = timedelta(days=1)
"""What is younger may be on its way."""
_WIDEST = 200


class Look:
    """What one pass over the records sees."""

    def __init__(self, view: Snapshot, now: datetime) -> None:
        """Look at one state, at the moment `now`."""
        self.view = view
        self.now = now
        self.found: list[Finding] = []
        self.kinds: Counter[str] = Counter()
        """How many records of each kind were seen."""
        self.tallies: Counter[tuple[str, str]] = Counter()
        """How many of what each account really has."""
        self.blobs: dict[str, tuple[int, bytes]] = {}
        """The blobs that records name: the size, and the record's key."""
        self.inline: set[str] = set()
        self.bytes = 0
        """How many bytes the records name."""
        self.doomed: set[str] = set()
        self.uploads: set[str] = set()
        self.bits: list[str] = []
        """The names of the entries that hold small objects' bytes."""
        self.part_owners: set[str] = set()
        self.latest: datetime | None = None

    def find(self, trouble: Trouble, subject: str) -> None:
        """Note a trouble."""
        self.found.append(Finding(trouble, subject[:_WIDEST]))

    def readable(self, text: str, subject: str) -> None:
        """See that a policy's text can be read."""
        try:
            parse(text)
        except PolicyUnreadable as reason:
            self.find(findings.POLICY_UNREADABLE, f"{subject}: {reason}")

    def opens(self, key: bytes, subject: str) -> bytes | None:
        """Return a secret, or note that it does not open."""
        try:
            return self.view.get_secret(key)
        except StoreUnavailable:
            self.find(findings.SEALED, subject)
            return None

    def dated(self, moment: datetime) -> None:
        """Remember the latest moment that anything was made at."""
        if self.latest is None or moment > self.latest:
            self.latest = moment

    def holds(self, segment: Segment, record: bytes) -> None:
        """Remember which record a run of bytes belongs to."""
        self.bytes += segment.length
        if segment.inline:
            if segment.source in self.inline:
                self.find(findings.BYTES_DOOMED, shown(record))
            self.inline.add(segment.source)
        elif segment.source in self.blobs:
            self.find(findings.BYTES_DOOMED, f"{shown(record)} and {shown(self.blobs[segment.source][1])}")
        else:
            self.blobs[segment.source] = (segment.length, record)


Check = Callable[[Look, bytes, tuple[str, ...], bytes], None]
"""Examines one record: its key, its key's parts behind the first as text, its value."""


def number_in(part: str) -> int:
    """Return the number that a part of a key holds."""
    return int.from_bytes(part.encode("utf-8", "surrogateescape"), "big")


def shown(key: bytes) -> str:
    """Return a record's key as a person may read it."""
    return "/".join(_text(part) for part in unpack(key))


def _text(part: bytes) -> str:
    text = part.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else f"#{int.from_bytes(part, 'big')}"
