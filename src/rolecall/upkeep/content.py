"""Whether the bytes of objects are still those that were uploaded: their MD5 is the ETag that was told then.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (of a multipart upload: the MD5 of the parts' MD5s)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rolecall.buckets.segments import Segment
from rolecall.buckets.uploads import decode_part
from rolecall.buckets.versions import decode_version
from rolecall.store.interface import Snapshot
from rolecall.store.keys import pack, unpack

Bytes = Callable[[Segment], Iterator[bytes]]
"""Reads a segment, in pieces."""


class Content(NamedTuple):
    """The bytes of one record, and what they must be."""

    key: bytes
    """The record's key."""
    segments: tuple[Segment, ...]
    etag: str
    parts: tuple[int, ...]
    """The sizes of the parts that the ETag is made of; empty where it is of the whole."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(segment.length for segment in self.segments)


def content_of(key: bytes, value: bytes) -> Content | None:
    """Return what a record's bytes must be, or None for a record that has none."""
    kind = unpack(key)[0]
    if kind == b"part":
        part = decode_part(value)
        return Content(key, part.segments, part.etag, ())
    if kind not in {b"current", b"version"}:
        return None
    found = decode_version(value)
    sizes = tuple(part.size for part in found.parts) if "-" in found.etag else ()
    return None if found.delete_marker else Content(key, found.segments, found.etag, sizes)


def is_intact(content: Content, read: Bytes) -> bool:
    """Tell whether the bytes are those of the ETag. Raises what `read` raises."""
    if not content.parts:
        digest = hashlib.md5(usedforsecurity=False)
        for piece in _pieces(content.segments, read):
            digest.update(piece)
        return digest.hexdigest() == content.etag
    digests = list(_md5_of_parts(content, read))
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(content.parts)}" == content.etag


def still_there(view: Snapshot, key: bytes, value: bytes) -> bool:
    """Tell whether a record is still as it was read, there or among the older versions of its key."""
    if view.get(key) == value:
        return True
    parts = unpack(key)
    if parts[0] != b"current":
        return False
    wanted = decode_version(value)
    older = view.scan(pack("version", *parts[1:]))
    return any(decode_version(entry.value).sequence == wanted.sequence for entry in older)


def _pieces(segments: Sequence[Segment], read: Bytes) -> Iterator[bytes]:
    for segment in segments:
        yield from read(segment)


def _md5_of_parts(content: Content, read: Bytes) -> Iterator[bytes]:
    sizes = iter(content.parts)
    left, digest = next(sizes), hashlib.md5(usedforsecurity=False)
    for piece in _pieces(content.segments, read):
        rest = memoryview(piece)
        while rest:
            taken, rest = rest[:left], rest[left:]
            digest.update(taken)
            left -= len(taken)
            if not left:
                yield digest.digest()
                left, digest = next(sizes, 0), hashlib.md5(usedforsecurity=False)
                if not left and rest:
                    return
