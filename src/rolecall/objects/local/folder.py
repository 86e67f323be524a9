"""The folder: where blobs lie, and the syncs of its parts."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from pathlib import Path

from rolecall.files import Files
from rolecall.objects.interface import ObjectsUnavailable

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Descriptor:
    """An open file, closed when the last one who holds this lets go of it.

    A thread in the middle of a read or write holds it too, so that no number is closed, and given to another file,
    under its feet when the coroutine that started it is cancelled.
    """

    __slots__ = ("_files", "number")

    def __init__(self, files: Files, path: str, flags: int) -> None:
        """Open `path`. Raises OSError."""
        self._files = files
        self.number = -1
        self.number = files.open(path, flags)

    def read(self, size: int, start: int) -> bytes:
        """Return at most `size` bytes from `start`. Raises OSError."""
        return self._files.read(self.number, size, start)

    def read_at_once(self, into: memoryview, start: int) -> int:
        """Fill `into` with bytes from `start` that are in memory, and return how many. Raises OSError."""
        return self._files.read_at_once(self.number, into, start)

    def __del__(self) -> None:
        if self.number >= 0:
            with contextlib.suppress(OSError):
                self._files.close(self.number)


class Folder:
    """A root with `incoming`, where blobs are written, and 256 shards, where they are kept.

    The shards are made at the start and not when first used: a shard that one process made and has not synced yet,
    another would find, and trust.
    """

    def __init__(self, root: Path, files: Files, *, sync: bool) -> None:
        """Make what is missing of the folder, durably. Raises OSError."""
        self.files = files
        self.is_synced = sync
        self._root = str(root)
        self._incoming = f"{root}/incoming"
        self._shards = {name: Turns(f"{root}/{name}") for name in (f"{number:02x}" for number in range(256))}
        made = [
            files.make_folder(path)
            for path in (self._root, self._incoming, *(f"{root}/{name}" for name in self._shards))
        ]
        if sync:
            files.sync_folder(self._root)
            if made[0]:
                files.sync_folder(str(root.parent))

    def path(self, blob: str) -> str:
        """Return where the committed blob lies."""
        return f"{self._root}/{blob[:2]}/{blob}"

    def incoming(self, blob: str) -> str:
        """Return where the blob is written before it is committed."""
        return f"{self._incoming}/{blob}"

    def open_incoming(self, blob: str) -> Descriptor:
        """Begin a blob's file, locked for as long as it is open, so that no sweep takes it for left behind."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = Descriptor(self.files, self.incoming(blob), flags)
        fcntl.flock(descriptor.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor

    def keep(self, blob: str, descriptor: Descriptor) -> None:
        """Give the blob its final name: first its bytes are made durable, then the name. Raises OSError."""
        if self.is_synced:
            self.files.sync(descriptor.number)
        self.files.rename(self.incoming(blob), self.path(blob))
        if self.is_synced:
            self._shards[blob[:2]].sync(self.files)

    def sweep(self) -> int:
        """Remove the files in `incoming` that no living process writes. Raises OSError."""
        removed = 0
        for entry in os.scandir(self._incoming):
            descriptor = Descriptor(self.files, entry.path, os.O_WRONLY)
            try:
                fcntl.flock(descriptor.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self.files.unlink(entry.path)
            removed += 1
        return removed

    def shards(self) -> list[str]:
        """Return the paths of the shards."""
        return [f"{self._root}/{name}" for name in self._shards]


class Turns:
    """One folder's syncs, shared: whoever waits while one sync runs is served by the next one, together."""

    __slots__ = ("_asked", "_failed", "_lock", "_path", "_served", "_turn")

    def __init__(self, path: str) -> None:
        """Take turns at the folder `path`."""
        self._path = path
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._asked = 0
        self._served = 0
        self._failed = 0

    @property
    def waiting(self) -> int:
        """How many have asked and were neither served nor refused."""
        return self._asked - max(self._served, self._failed)

    def sync(self, files: Files) -> None:
        """Return when every name given before the call is durable. Raises OSError."""
        with self._lock:
            self._asked += 1
            ticket = self._asked
        with self._turn:
            if self._failed >= ticket > self._served:
                # Once it has told of a failure, the system takes what was not written for written.
                raise OSError(errno.EIO, os.strerror(errno.EIO), self._path)
            if self._served >= ticket:
                return
            upto = self._asked
            try:
                files.sync_folder(self._path)
            except OSError:
                self._failed = upto
                raise
            self._served = upto


def unavailable(fault: OSError) -> ObjectsUnavailable:
    """Return the room's error for one of the system's, with the reason in words."""
    reason = "the disk is full" if fault.errno in _FULL else f"{os.strerror(fault.errno or 0)}"
    return ObjectsUnavailable(f"Objects cannot be written or read: {reason}.")
