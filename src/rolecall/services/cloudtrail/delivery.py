"""Delivery of events to the buckets of trails, as gzip files under CloudTrail's names.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html

Each trail's events are delivered span by span. Who delivers a span has claimed it in the store, so that two workers do
not deliver the same; the span's end is kept before its first file is written, and files are named after trail, region
and span, so that whoever takes over after a crash writes the very same files again. What explains decisions is left
out: who reads the bucket may not be allowed to read the policies.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from rolecall.buckets.bucket import bucket
from rolecall.buckets.segments import Segment, keep_inline
from rolecall.buckets.versions import ObjectVersion, add
from rolecall.clock import Clock
from rolecall.objects.interface import Objects
from rolecall.services.cloudtrail.destination import folder, lets_in
from rolecall.store.interface import Store, Transaction
from rolecall.trail import Event, Question, Trail
from rolecall.trail.configured import ConfiguredTrail, configured_trail, configured_trails, put_trail
from rolecall.trail.selectors import facts_of, wants

LAG = timedelta(seconds=15)
"""How old events are before they are delivered: by then every worker has written down what it knows."""
SPAN = timedelta(minutes=15)
LEASE = timedelta(minutes=5)
MOST = 20_000
"""Events of one span, and so of one file."""
_PAGE = 1000
_INLINE = 32 * 1024
_EXPLAINING = ("explanation", "conditionKeys", "change")

_log = logging.getLogger("rolecall.cloudtrail")


class LogFile(msgspec.Struct, frozen=True):
    """A file to be delivered."""

    key: str
    content: bytes


class Delivery:
    """Delivers what is due. Safe to be run by several workers at once, and to be stopped at any moment."""

    def __init__(self, store: Store, objects: Objects, trail: Trail, clock: Clock) -> None:
        """Deliver from `trail` into buckets of `store` and `objects`."""
        self._store = store
        self._objects = objects
        self._trail = trail
        self._clock = clock
        self._me = secrets.token_hex(8)

    async def once(self) -> int:
        """Deliver a span of each trail that has one due; return how many files that were. Raises StoreError."""
        with self._store.view() as view:
            due = [one for one in configured_trails(view) if self._end(one, self._clock.now()) is not None]
        return sum([await self._deliver(one) for one in due])

    def _end(self, trail: ConfiguredTrail, now: datetime) -> datetime | None:
        """Return the end of the span that is due, None where none is, or where somebody is at it."""
        if trail.delivered is None or (trail.claimed_until is not None and trail.claimed_until > now):
            return None
        last = now - LAG
        if not trail.logging:
            if trail.stopped is None:
                return None
            last = min(last, trail.stopped)
        end = trail.pending or min(last, trail.delivered + SPAN)
        return end if end > trail.delivered else None

    async def _deliver(self, trail: ConfiguredTrail) -> int:
        now = self._clock.now()
        claimed = await self._store.write(lambda transaction: self._claim(transaction, trail, now))
        if claimed is None or claimed.pending is None or claimed.delivered is None:
            return 0
        sized = await self._sized(claimed)
        if sized is None:
            return 0
        claimed, events = sized
        files = await asyncio.to_thread(files_of, claimed, events)
        delivered = 0
        for file in files:
            problem = await self._write(claimed, file)
            if problem:
                await self._store.write(partial(self._finish, mine=claimed, problem=problem))
                return delivered
            delivered += 1
        await self._store.write(partial(self._finish, mine=claimed, problem="", wrote=bool(files)))
        return delivered

    def _claim(self, transaction: Transaction, trail: ConfiguredTrail, now: datetime) -> ConfiguredTrail | None:
        found = configured_trail(transaction, trail.account, trail.region, trail.name)
        end = self._end(found, now) if found is not None else None
        if found is None or end is None:
            return None
        claimed = msgspec.structs.replace(found, pending=end, claimed_by=self._me, claimed_until=now + LEASE)
        put_trail(transaction, claimed)
        return claimed

    async def _sized(self, trail: ConfiguredTrail) -> tuple[ConfiguredTrail, list[Event]] | None:
        """Return a span's events; a span that has too many is made shorter first. None: it is not ours any more."""
        while True:
            events = await asyncio.to_thread(self._events, trail)
            begin, end = trail.delivered, trail.pending
            if len(events) <= MOST or begin is None or end is None or end - begin < timedelta(milliseconds=1):
                return trail, events
            shorter = await self._store.write(partial(self._shorten, mine=trail, end=begin + (end - begin) / 2))
            if shorter is None:
                return None
            trail = shorter

    def _shorten(self, transaction: Transaction, mine: ConfiguredTrail, end: datetime) -> ConfiguredTrail | None:
        """End a claimed span earlier; whatever else became of the trail meanwhile stays as it is."""
        found = self._claimed(transaction, mine)
        if found is None:
            return None
        shorter = msgspec.structs.replace(found, pending=end)
        put_trail(transaction, shorter)
        return shorter

    def _claimed(self, transaction: Transaction, mine: ConfiguredTrail) -> ConfiguredTrail | None:
        """Return the trail as it is now, None where somebody else has the span by now, or nobody."""
        found = configured_trail(transaction, mine.account, mine.region, mine.name)
        if found is None or found.claimed_by != self._me or found.pending != mine.pending:
            return None
        return found

    def _events(self, trail: ConfiguredTrail) -> list[Event]:
        """Return the events of a span, the oldest first; one more than fit where there are more."""
        if trail.delivered is None:
            return []
        since = trail.delivered + timedelta(microseconds=1)
        found: list[Event] = []
        before: tuple[datetime, str] | None = None
        while len(found) <= MOST:
            page = self._trail.find(Question(trail.account, since, trail.pending, before=before), _PAGE)
            found += page
            if len(page) < _PAGE:
                break
            before = (page[-1].time, page[-1].event_id)
        return found[::-1]

    async def _write(self, trail: ConfiguredTrail, file: LogFile) -> str:
        """Put a file into the bucket; return what was in the way, in S3's words, or nothing."""
        with self._store.view() as view:
            home = bucket(view, trail.bucket)
        if home is None:
            return "NoSuchBucket"
        if not lets_in(home, trail):
            return "AccessDenied"
        now = self._clock.now()
        blob = await self._blob(file.content) if len(file.content) > _INLINE else None

        def work(transaction: Transaction) -> bool:
            there = bucket(transaction, trail.bucket)
            if there is None or there.created != home.created:
                return False
            whole = Segment(blob, len(file.content)) if blob else keep_inline(transaction, file.content, now)
            draft = ObjectVersion(
                file.key,
                now.replace(microsecond=0),
                size=len(file.content),
                etag=hashlib.md5(file.content, usedforsecurity=False).hexdigest(),
                segments=(whole,),
                headers={"content_type": "application/json", "content_encoding": "gzip"},
            )
            add(transaction, there, draft, now)
            return True

        return "" if await self._store.write(work) else "NoSuchBucket"

    async def _blob(self, content: bytes) -> str:
        writer = self._objects.create()
        try:
            await writer.write(content)
            return await writer.commit()
        except BaseException:
            await writer.abort()
            raise

    def _finish(self, transaction: Transaction, mine: ConfiguredTrail, problem: str, *, wrote: bool = False) -> None:
        """Let go of a span, delivered or not. Where somebody else has it by now, or nobody, nothing changes."""
        found = self._claimed(transaction, mine)
        if found is None:
            return
        now = self._clock.now()
        free = msgspec.structs.replace(found, claimed_by="", claimed_until=None, last_error=problem)
        if problem:
            _log.warning("events of the trail %s are not delivered: %s", mine.arn, problem)
            put_trail(transaction, msgspec.structs.replace(free, last_attempt=now))
            return
        done = msgspec.structs.replace(free, delivered=mine.pending, pending=None)
        put_trail(transaction, msgspec.structs.replace(done, last_delivery=now, last_attempt=now) if wrote else done)


def files_of(trail: ConfiguredTrail, events: Sequence[Event]) -> list[LogFile]:
    """Return the files that hold those of some events that a trail wants, one a region."""
    by_region: dict[str, list[str]] = {}
    for event in events:
        facts = facts_of(event.record)
        if wants(trail, facts):
            by_region.setdefault(facts.aws_region, []).append(_plain(event.record))
    end = trail.pending or trail.delivered
    if end is None:
        return []
    return [LogFile(_key(trail, region, end), _packed(records)) for region, records in sorted(by_region.items())]


def _packed(records: Sequence[str]) -> bytes:
    return gzip.compress(f'{{"Records":[{",".join(records)}]}}'.encode(), mtime=0)


def _key(trail: ConfiguredTrail, region: str, end: datetime) -> str:
    unique = hashlib.sha256(f"{trail.arn} {region} {trail.delivered} {end}".encode()).hexdigest()[:16]
    name = f"{trail.account}_CloudTrail_{region}_{end:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{folder(trail)}CloudTrail/{region}/{end:%Y/%m/%d}/{name}"


def _plain(record: str) -> str:
    """Return a record without what explains its decisions."""
    if not any(f'"{name}":' in record for name in _EXPLAINING):
        return record
    told = msgspec.json.decode(record)
    additional = told.get("additionalEventData") or {}
    for entry in additional.get("decision") or []:
        for name in _EXPLAINING:
            entry.pop(name, None)
    return msgspec.json.encode(told).decode()
