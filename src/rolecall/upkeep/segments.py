"""Which bytes the records of one state name."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.buckets.segments import Segment
from rolecall.buckets.uploads import decode_part
from rolecall.buckets.versions import decode_version
from rolecall.store.interface import Snapshot
from rolecall.store.keys import pack
from rolecall.store.paging import walk

_PAGE = 512


def segments_in(view: Snapshot) -> Iterator[Segment]:
    """Yield the segments of every object version and of every part of an upload under way."""
    for kind in ("current", "version"):
        for entry in walk(view, pack(kind), page=_PAGE):
            yield from decode_version(entry.value).segments
    for entry in walk(view, pack("part"), page=_PAGE):
        yield from decode_part(entry.value).segments


def blobs_in(view: Snapshot) -> dict[str, int]:
    """Return the blobs that one state names, each with its size in bytes."""
    return {segment.source: segment.length for segment in segments_in(view) if not segment.inline}
