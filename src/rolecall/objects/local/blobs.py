"""The files of a folder of blobs, for who looks after them: nothing is made, locked or changed here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ID = re.compile(r"[0-9a-f]{32}")
_SHARD = re.compile(r"[0-9a-f]{2}")


class BlobFile(NamedTuple):
    """A committed blob's file."""

    blob: str
    size: int
    changed: float
    """When its bytes were written last, in seconds since 1970."""


class BlobFiles:
    """A folder as `LocalObjects` keeps it."""

    def __init__(self, root: Path) -> None:
        """Name the folder, which may be missing."""
        self.root = root

    def path(self, blob: str) -> Path:
        """Return where the blob lies, or would lie."""
        return self.root / blob[:2] / blob

    def size(self, blob: str) -> int | None:
        """Return the size of the blob's file in bytes, or None where there is none. Raises OSError."""
        try:
            return self.path(blob).stat().st_size
        except FileNotFoundError:
            return None

    def committed(self) -> Iterator[BlobFile]:
        """Yield every blob, in no order. Raises OSError."""
        for shard in self._shards():
            for entry in os.scandir(shard):
                if _ID.fullmatch(entry.name) and entry.name[:2] == shard.name:
                    try:
                        state = entry.stat()
                    except FileNotFoundError:
                        continue
                    yield BlobFile(entry.name, state.st_size, state.st_mtime)

    def begun(self) -> Iterator[Path]:
        """Yield the files of blobs that were begun and not committed, also by a server that still writes them."""
        incoming = self.root / "incoming"
        if incoming.is_dir():
            yield from (Path(entry.path) for entry in os.scandir(incoming))

    def strangers(self) -> Iterator[Path]:
        """Yield what lies among the blobs and is none of them."""
        for entry in os.scandir(self.root) if self.root.is_dir() else ():
            if entry.name == "incoming":
                continue
            if not (entry.is_dir() and _SHARD.fullmatch(entry.name)):
                yield Path(entry.path)
                continue
            for inner in os.scandir(entry.path):
                if not (_ID.fullmatch(inner.name) and inner.name[:2] == entry.name):
                    yield Path(inner.path)

    def _shards(self) -> Iterator[os.DirEntry[str]]:
        if self.root.is_dir():
            yield from (one for one in os.scandir(self.root) if one.is_dir() and _SHARD.fullmatch(one.name))
