"""The bytes of an object for who reads them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from urllib.parse import quote

from rolecall.buckets.segments import Segment, SegmentMissing, read_inline
from rolecall.buckets.versions import Checksum, ObjectVersion
from rolecall.message import FileBody, Request, ResponseBody, ServiceError
from rolecall.objects.interface import BlobDamaged, Objects
from rolecall.services.s3.checksums import FULL_OBJECT
from rolecall.services.s3.ranges import Range
from rolecall.store.interface import Snapshot
from rolecall.wire.checksums import ALGORITHMS, Digest

_CHECKED = 64 * 1024
"""Up to so many bytes are held against their checksum whenever all of them are read. Larger ones go from file to
socket without coming by here, and reading them for this alone made a GET of 1 MiB two thirds dearer."""
_QUICK = frozenset({"CRC32", "CRC32C", "CRC64NVME"})
_AHEAD = 64
"""How many blobs of an object are looked at before its first byte is sent."""

_log = logging.getLogger("rolecall.objects")

Content = list["bytes | tuple[Segment, int, int]"]
"""Bytes, and runs of blobs (segment, start, length), in order."""


def _content_of(view: Snapshot, found: ObjectVersion, part: Range) -> Content:
    """Return where the bytes of `part` are; what lies in the store is read at once, of the same state as the record."""
    content: Content = []
    skip, left = part.start, part.length
    for segment in found.segments:
        if not left:
            break
        if skip >= segment.length:
            skip -= segment.length
            continue
        length = min(segment.length - skip, left)
        if segment.inline:
            whole = read_inline(view, segment)
            content.append(whole if length == segment.length else whole[skip : skip + length])
        else:
            content.append((segment, skip, length))
        skip, left = 0, left - length
    return content


def read_content(view: Snapshot, found: ObjectVersion, part: Range) -> Content:
    """Return where the bytes of `part` are. Raises ServiceError ServiceUnavailable where they are gone."""
    try:
        return _content_of(view, found, part)
    except SegmentMissing as error:
        raise damaged(found, error) from error


def body_of(objects: Objects, content: Content, checksum: Checksum | None = None) -> ResponseBody:
    """Return the body of an answer. Its first blob is opened now, so that one that is gone is known before the head.

    Of a `checksum` that covers all of it, what is small is held against it: before the first byte is sent where it is
    in memory, before the last one otherwise. Raises BlobMissing, BlobDamaged.
    """
    if not content:
        return b""
    first = content[0]
    if len(content) == 1:
        if isinstance(first, bytes):
            return _held(first, checksum)
        segment, _, length = first
        if checksum is not None and length <= _CHECKED and length == segment.length:
            digest = ALGORITHMS[checksum.algorithm].new()
            if not objects.show(segment.source, length, digest.update):
                return _held_stream(_open(objects, first), checksum)
            _compare(digest, checksum)
        path = objects.whole_file(segment.source, size=length) if length == segment.length else None
        if path is not None:
            return FileBody(path, length)
        return _open(objects, first)
    opened = None if isinstance(first, bytes) else _open(objects, first)
    _look_ahead(objects, content)
    return _stream(objects, content, opened)


def whole_checksum(found: ObjectVersion, part: Range) -> Checksum | None:
    """Return the checksum to hold an answer against, where it is of all that is answered and quick to calculate."""
    checksum = found.checksum
    quick = checksum is not None and checksum.algorithm in _QUICK and checksum.kind == FULL_OBJECT
    return checksum if quick and part.length == found.size else None


def _held(content: bytes, checksum: Checksum | None) -> bytes:
    if checksum is not None:
        digest = ALGORITHMS[checksum.algorithm].new()
        digest.update(content)
        _compare(digest, checksum)
    return content


async def _held_stream(pieces: AsyncIterator[bytes], checksum: Checksum) -> AsyncIterator[bytes]:
    """Yield the pieces, each when the next one is there, and the last one when the checksum has held."""
    digest = ALGORITHMS[checksum.algorithm].new()
    waiting = b""
    async for piece in pieces:
        if waiting:
            yield waiting
        digest.update(piece)
        waiting = piece
    _compare(digest, checksum)
    yield waiting


def _compare(digest: Digest, checksum: Checksum) -> None:
    found = base64.b64encode(digest.digest()).decode("ascii")
    if found != checksum.value:
        said = f"The {checksum.algorithm} of the bytes is {found}, not {checksum.value}."
        _log.error("an object's bytes were changed behind our back: %s `rolecall doctor` names it", said)
        raise BlobDamaged(said)


def _open(objects: Objects, run: tuple[Segment, int, int]) -> AsyncIterator[bytes]:
    segment, start, length = run
    return objects.read(segment.source, start, length, size=segment.length)


def _look_ahead(objects: Objects, content: Content) -> None:
    """See that the next blobs are there and whole, before an answer begins that could only be broken off."""
    for run in content[1:_AHEAD]:
        if not isinstance(run, bytes):
            found = objects.size(run[0].source)
            if found != run[0].length:
                raise BlobDamaged(f"The blob `{run[0].source}` has {found} bytes, not {run[0].length}.")


def pieces_of(objects: Objects, content: Content) -> AsyncIterator[bytes]:
    """Yield the bytes for someone who keeps them: a copy."""
    return _stream(objects, content, None)


async def _stream(objects: Objects, content: Content, opened: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    for run in content:
        if isinstance(run, bytes):
            yield run
            continue
        pieces, opened = opened or _open(objects, run), None
        async for piece in pieces:
            yield piece


def damaged(found: ObjectVersion, reason: Exception) -> ServiceError:
    """Return the refusal for an object whose bytes are gone or not as long as they were, and tell the log."""
    said = f"the bytes of {found.key!r} are damaged: {reason!r}"
    _log.error("%s; `rolecall doctor` says more", said)
    return ServiceError("ServiceUnavailable", "Service is unable to handle request.", 503, reason=said)


def address_of(request: Request, bucket: str, key: str) -> str:
    """Return the address of an object as answers show it, at the host that the client called."""
    scheme = "https" if request.secure else "http"
    return f"{scheme}://{request.header('host') or 'localhost'}/{bucket}/{quote(key)}"
