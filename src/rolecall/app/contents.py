"""Reading the bytes of every object of a folder, and holding them against what was uploaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from rolecall.app import copies
from rolecall.app.progress import Progress
from rolecall.buckets.segments import Segment
from rolecall.objects.local import BlobFiles
from rolecall.store.interface import Snapshot
from rolecall.store.keys import pack
from rolecall.store.sqlite import Inspection
from rolecall.upkeep import findings
from rolecall.upkeep.content import Content, content_of, is_intact, still_there
from rolecall.upkeep.findings import Finding
from rolecall.upkeep.look import shown

_AT_ONCE = 64


class _Item(NamedTuple):
    value: bytes
    """The record as it was read."""
    content: Content
    inline: dict[str, bytes]
    """Its bytes that lie in the store, as far as they are there."""


class ContentCheck:
    """One reading of everything. Records are read in pages, each a state of its own, so that no state stays open."""

    def __init__(self, store: Inspection, files: BlobFiles, progress: Progress, whole: int) -> None:
        """Read the records of `store` and the blobs in `files`, about `whole` bytes."""
        self._store = store
        self._files = files
        self._progress = progress
        self._whole = whole
        self.read = 0
        """How many bytes were read so far."""

    def run(self) -> Iterator[Finding]:
        """Yield the objects whose bytes changed. Missing and cut files are found elsewhere. Raises StoreError."""
        with copies.workers() as workers:
            for page in self._pages():
                for item, is_sound in zip(page, workers.map(self._is_sound, page), strict=True):
                    self.read += item.content.size
                    if not is_sound and self._still_there(item):
                        yield Finding(findings.BYTES_CHANGED, shown(item.content.key))
                self._progress.tell("bytes of objects", self.read, max(self._whole, self.read))

    def _pages(self) -> Iterator[list[_Item]]:
        for kind in ("current", "version", "part"):
            start: bytes | None = pack(kind)
            while start is not None:
                with self._store.view() as view:
                    entries = view.scan(pack(kind), start=start, limit=_AT_ONCE)
                    found = [_item(view, entry.key, entry.value) for entry in entries]
                yield [item for item in found if item is not None]
                start = entries[-1].key + b"\x00" if len(entries) == _AT_ONCE else None

    def _is_sound(self, item: _Item) -> bool:
        def read(segment: Segment) -> Iterator[bytes]:
            if segment.inline:
                yield item.inline[segment.source]
            else:
                yield from copies.pieces_of(self._files.path(segment.source))

        if any(not self._is_whole(segment, item) for segment in item.content.segments):
            return True  # told already, as missing or cut
        try:
            return is_intact(item.content, read)
        except copies.Unreadable:
            return False

    def _is_whole(self, segment: Segment, item: _Item) -> bool:
        if segment.inline:
            return len(item.inline.get(segment.source, b"")) == segment.length
        return self._files.size(segment.source) == segment.length

    def _still_there(self, item: _Item) -> bool:
        with closing(Inspection(self._store.path)) as newest, newest.view() as view:
            return still_there(view, item.content.key, item.value)


def _item(view: Snapshot, key: bytes, value: bytes) -> _Item | None:
    try:
        content = content_of(key, value)
    except ValueError:
        return None  # a record that cannot be decoded, which the pass over the records has told of
    if content is None:
        return None
    stored = {one.source: view.get(pack("data", one.source)) for one in content.segments if one.inline}
    return _Item(value, content, {source: found for source, found in stored.items() if found is not None})
