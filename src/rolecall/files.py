"""The machine's files, as far as engines and key files need them: the one door to read, write, sync, name and unlink.

Engines take a `Files` as an argument, so that a test can let the disk fill up, fail, or lose what was not synced.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

if sys.platform == "darwin":
    import fcntl

_AT_ONCE = getattr(os, "RWF_NOWAIT", None)
"""Where the system has it: read what is in memory already, and do not wait for a disk."""


class Files(Protocol):
    """What engines do to files. Every method raises OSError."""

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """Open `path` and return its descriptor, which is not handed to child processes."""
        ...

    def read(self, descriptor: int, size: int, start: int) -> bytes:
        """Return at most `size` bytes from `start`, and none only at the end. May wait for a disk."""
        ...

    def read_at_once(self, descriptor: int, into: memoryview, start: int) -> int:
        """Fill `into` with what the system has in memory of the bytes from `start`, and return how many those are.

        Raises BlockingIOError where a disk must be asked, and another OSError where that cannot be known.
        """
        ...

    def write(self, descriptor: int, pieces: Sequence[bytes]) -> None:
        """Append all of `pieces`."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return when the file's bytes and size would survive a loss of power."""
        ...

    def close(self, descriptor: int) -> None:
        """Close the descriptor."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Give `source` the name `target`, in one step, replacing what has that name."""
        ...

    def link(self, source: str, target: str) -> None:
        """Give the file `source` the second name `target`, which is free."""
        ...

    def unlink(self, path: str) -> None:
        """Remove the name `path`."""
        ...

    def make_folder(self, path: str) -> bool:
        """Make the folder `path`, for the owner alone, and tell whether it was missing."""
        ...

    def sync_folder(self, path: str) -> None:
        """Return when the names in the folder would survive a loss of power."""
        ...


class RealFiles:
    """The operating system's files."""

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """Open `path`, close-on-exec."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def read(self, descriptor: int, size: int, start: int) -> bytes:
        """Read at a place."""
        return os.pread(descriptor, size, start)

    def read_at_once(self, descriptor: int, into: memoryview, start: int) -> int:
        """Read at a place, where the system can be asked not to wait."""
        if _AT_ONCE is None:
            raise BlockingIOError
        return os.preadv(descriptor, [into], start, _AT_ONCE)

    def write(self, descriptor: int, pieces: Sequence[bytes]) -> None:
        """Append all of `pieces`, in as many calls as the system wants."""
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Sync bytes and size; on macOS through the drive's own cache too, which fsync there leaves out."""
        if sys.platform == "darwin":
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close the descriptor."""
        os.close(descriptor)

    def rename(self, source: str, target: str) -> None:
        """Rename atomically."""
        Path(source).replace(target)

    def link(self, source: str, target: str) -> None:
        """Make a hard link."""
        os.link(source, target)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        Path(path).unlink()

    def make_folder(self, path: str) -> bool:
        """Make a folder with mode 0700."""
        try:
            Path(path).mkdir(mode=0o700)
        except FileExistsError:
            return False
        return True

    def sync_folder(self, path: str) -> None:
        """Sync a folder's names."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(files: Files, path: Path, content: bytes) -> None:
    """Replace `path` by a file of mode 0600 that holds `content`, durable when this returns, or leave it as it was."""
    fresh = f"{path}.new"
    descriptor = files.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        files.write(descriptor, [content])
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.rename(fresh, str(path))
    files.sync_folder(str(path.parent))
