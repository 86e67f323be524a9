"""How events are kept and found: in segments, so that a burst of requests costs few writes.

A segment holds events of one process in the order of time, at most `SEGMENT` of them within `SPAN`. Its key's suffix
tells the time of its newest event, the newest segment first. By an attribute it is found over an index entry for each
of the values in it; where those are more than `FEW`, over one row of their checksums: two values with one checksum cost
no more than a look into a segment in vain.
"""

from __future__ import annotations

import hashlib
import heapq
import struct
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import methodcaller
from zlib import crc32

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import descending, micros, pack
from rolecall.store.paging import walk
from rolecall.trail.event import Event, Question, values_of

SEGMENT = 256
SPAN = timedelta(seconds=2)
FEW = 32

_SEGMENTS = pack("segment")
_PAGE = 8
_INDEX_PAGE = 256
_TIME = 8
_DIGEST = 8
_SUM = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Event]).decode
_LIGHTLY = 1
_as_bytes = methodcaller("encode", "utf-8", "surrogateescape")


def keep(transaction: Transaction, events: Sequence[Event]) -> None:
    """Keep events. Keeping the same ones again, in the same company, changes nothing."""
    ordered = sorted(events, key=lambda event: event.time)
    begin = 0
    for end in range(1, len(ordered) + 1):
        full = end - begin == SEGMENT
        if end == len(ordered) or full or ordered[end].time - ordered[begin].time > SPAN:
            _keep_segment(transaction, ordered[begin:end])
            begin = end


def find(view: Snapshot, question: Question, limit: int) -> list[Event]:
    """Return at most `limit` events that fit, the newest first."""
    found: list[Event] = []
    if limit > 0:
        for event in _in_order(view, question):
            found.append(event)
            if len(found) == limit:
                break
    return found


def expire(transaction: Transaction, edge: datetime, limit: int) -> int:
    """Remove at most `limit` of the oldest segments, those with no event of `edge` or later; return how many."""
    gone = 0
    for entry in transaction.scan(_SEGMENTS, limit=limit, reverse=True):
        suffix = entry.key[len(_SEGMENTS) :]
        if _newest_in(suffix) >= micros(edge):
            break
        for prefix in _entries_for(events_in(entry.value)):
            transaction.delete(prefix + suffix)
        transaction.delete(entry.key)
        gone += 1
    return gone


def events_in(packed: bytes) -> list[Event]:
    """Return the events of a segment as it is stored."""
    return _decode(zlib.decompress(packed))


def _keep_segment(transaction: Transaction, events: list[Event]) -> None:
    encoded = _encode(events)
    suffix = _time_part(micros(events[-1].time)) + hashlib.sha256(encoded).digest()[:_DIGEST]
    transaction.put(_SEGMENTS + suffix, zlib.compress(encoded, _LIGHTLY))
    for prefix, digests in _entries_for(events).items():
        transaction.put(prefix + suffix, digests)


def _entries_for(events: Sequence[Event]) -> dict[bytes, bytes]:
    """Return the prefixes of a segment's index entries, with what the entries hold."""
    entries: dict[bytes, bytes] = {}
    for attribute, values in values_of(events).items():
        values.discard("")
        if len(values) <= FEW:
            entries.update((_one(attribute, value), b"") for value in values)
        else:
            sums = sorted(map(crc32, map(_as_bytes, values)))
            entries[_many(attribute)] = struct.pack(f">{len(sums)}I", *sums)
    return entries


def _in_order(view: Snapshot, question: Question) -> Iterator[Event]:
    """Merge segments, which come by their newest event but may overlap, into one line of fitting events."""
    waiting: list[tuple[int, tuple[int, ...], Event]] = []
    for suffix, packed in _candidates(view, question):
        newest = _newest_in(suffix)
        if question.since is not None and newest < micros(question.since):
            break
        while waiting and -waiting[0][0] > newest:
            yield heapq.heappop(waiting)[2]
        for event in events_in(packed):
            if question.fits(event):
                heapq.heappush(waiting, (-micros(event.time), _backwards(event.event_id), event))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _candidates(view: Snapshot, question: Question) -> Iterator[tuple[bytes, bytes]]:
    """Yield suffix and events of the segments that may hold what is asked for, in order."""
    if question.attribute is None:
        yield from _rows(view, _SEGMENTS, question, _PAGE)
        return
    named = _rows(view, _one(question.attribute, question.value), question, _INDEX_PAGE)
    wanted = crc32(_as_bytes(question.value)).to_bytes(_SUM, "big")
    summed = (row for row in _rows(view, _many(question.attribute), question, _PAGE) if _holds(row[1], wanted))
    for suffix, _ in heapq.merge(named, summed, key=lambda row: row[0]):
        packed = view.get(_SEGMENTS + suffix)
        if packed is not None:
            yield suffix, packed


def _rows(view: Snapshot, prefix: bytes, question: Question, page_size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows under a prefix page by page, from the first segment that can hold an event asked for."""
    begins_at = question.begins_at()
    start = prefix if begins_at is None else prefix + _time_part(micros(begins_at + SPAN))
    for entry in walk(view, prefix, start=start, page=page_size):
        yield entry.key[len(prefix) :], entry.value


def _one(attribute: str, value: str) -> bytes:
    return pack("by", attribute, _digest(value))


def _many(attribute: str) -> bytes:
    return pack("by-sums", attribute)


def _digest(value: str) -> bytes:
    return hashlib.blake2b(_as_bytes(value), digest_size=_DIGEST).digest()


def _holds(sums: bytes, wanted: bytes) -> bool:
    place = sums.find(wanted)
    while place >= 0 and place % _SUM:
        place = sums.find(wanted, place + 1)
    return place >= 0


def _time_part(number: int) -> bytes:
    return descending(max(0, number)).to_bytes(_TIME, "big")


def _newest_in(suffix: bytes) -> int:
    return descending(int.from_bytes(suffix[:_TIME], "big"))


def _backwards(text: str) -> tuple[int, ...]:
    """Return what sorts texts of one length backwards."""
    return tuple(-ord(letter) for letter in text)
