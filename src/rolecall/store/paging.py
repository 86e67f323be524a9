"""Long runs of keys, read a page at a time: no read holds more than a page, and none is left open."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.store.interface import Entry, Snapshot
from rolecall.store.keys import just_after


def walk(view: Snapshot, prefix: bytes, *, start: bytes | None = None, page: int) -> Iterator[Entry]:
    """Yield the entries whose keys begin with `prefix`, in order, from `start` on; `page` of them are read at once."""
    while True:
        entries = view.scan(prefix, start=start, limit=page)
        yield from entries
        if len(entries) < page:
            return
        start = just_after(entries[-1].key)
