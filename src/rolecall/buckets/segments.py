"""A record's bytes: segments, each an immutable blob among the objects, or bytes kept in the store itself.

Small bytes lie in the store, under a key of their own so that listings stay light, and are written by the transaction
that makes the record: one sync covers both. A blob belongs to one record; when the record goes, the blob is noted as
garbage by the same transaction and removed later, so that nothing referenced is ever missing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import micros, pack

_encode = msgspec.msgpack.Encoder().encode


class SegmentMissing(Exception):
    """Bytes that a record names are not in the store: the data folder was damaged."""


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A run of bytes: all of a blob, or all of an entry of the store."""

    source: str
    """The blob's id, or the entry's where `inline`."""
    length: int
    """The number of bytes that the object has here."""
    inline: bool = False


def keep_inline(transaction: Transaction, content: bytes, now: datetime) -> Segment:
    """Keep bytes in the store. Their keys grow with time, so that new ones lie together."""
    source = f"{micros(now):015x}{secrets.token_hex(8)}"
    transaction.put(pack("data", source), content)
    return Segment(source, len(content), inline=True)


def read_inline(view: Snapshot, segment: Segment) -> bytes:
    """Return bytes kept in the store. Raises SegmentMissing."""
    content = view.get(pack("data", segment.source))
    if content is None or len(content) != segment.length:
        raise SegmentMissing(segment.source)
    return content


def discard(transaction: Transaction, segments: Sequence[Segment], now: datetime) -> None:
    """Let go of the segments of a record that this transaction removes or replaces.

    Views keep what they see, so bytes in the store go at once; blobs wait for the sweeper.
    """
    blobs = [segment.source for segment in segments if not segment.inline]
    for segment in segments:
        if segment.inline:
            transaction.delete(pack("data", segment.source))
    if blobs:
        transaction.put(pack("garbage", micros(now), secrets.token_bytes(8)), _encode(blobs))
