"""Files and a SQLite VFS that tell a watcher what is done to the disk, before and after, and fail when it raises."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import apsw

from rolecall.files import RealFiles

_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class Watcher:
    """Told of everything; this one does nothing. What `before` raises, the operation raises."""

    def before(self, operation: str, path: str) -> None:
        """Take note that `operation` on `path` is about to be done."""

    def readable(self, path: str, size: int) -> int:
        """Return how many of the next `size` bytes a read of `path` may have."""
        return size

    def made(self, path: str, inode: int) -> None:
        """Take note of a new file, or with inode 0 of a new folder."""

    def wrote(self, inode: int, offset: int, content: bytes) -> None:
        """Take note of bytes written."""

    def cut(self, inode: int, size: int) -> None:
        """Take note of a new size."""

    def renamed(self, source: str, target: str) -> None:
        """Take note of a new name."""

    def linked(self, source: str, target: str) -> None:
        """Take note of a second name."""

    def unlinked(self, path: str) -> None:
        """Take note of a name that is gone."""

    def sync_begins(self) -> int:
        """Take note that a sync is about to be done; return what `synced` is to be called with."""
        return 0

    def synced(self, token: int, kind: str, inode: int) -> None:
        """Take note that the sync of a file's bytes has been done; `kind` says whose sync it was."""

    def synced_folder(self, token: int, path: str) -> None:
        """Take note that the sync of a folder's names has been done."""


class WatchedFiles(RealFiles):
    """Files under a watcher's eyes."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._paths: dict[int, str] = {}

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        self._watcher.before("open", path)
        is_new = bool(flags & os.O_CREAT) and not Path(path).exists()
        descriptor = super().open(path, flags, mode)
        self._paths[descriptor] = path
        if is_new:
            self._watcher.made(path, os.fstat(descriptor).st_ino)
        return descriptor

    def read(self, descriptor: int, size: int, start: int) -> bytes:
        path = self._paths[descriptor]
        self._watcher.before("read", path)
        return super().read(descriptor, self._watcher.readable(path, size), start)

    def read_at_once(self, descriptor: int, into: memoryview, start: int) -> int:
        path = self._paths[descriptor]
        self._watcher.before("read at once", path)
        return super().read_at_once(descriptor, into[: self._watcher.readable(path, len(into))], start)

    def write(self, descriptor: int, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._watcher.before("write", self._paths[descriptor])
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
            super().write(descriptor, [piece])
            self._watcher.wrote(os.fstat(descriptor).st_ino, offset, piece)

    def sync(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        self._watcher.before("sync", path)
        token = self._watcher.sync_begins()
        super().sync(descriptor)
        self._watcher.synced(token, "log" if path.endswith("-wal") else "blob", os.fstat(descriptor).st_ino)

    def rename(self, source: str, target: str) -> None:
        self._watcher.before("rename", target)
        super().rename(source, target)
        self._watcher.renamed(source, target)

    def link(self, source: str, target: str) -> None:
        self._watcher.before("link", target)
        super().link(source, target)
        self._watcher.linked(source, target)

    def unlink(self, path: str) -> None:
        self._watcher.before("unlink", path)
        super().unlink(path)
        self._watcher.unlinked(path)

    def make_folder(self, path: str) -> bool:
        self._watcher.before("make_folder", path)
        is_new = super().make_folder(path)
        if is_new:
            self._watcher.made(path, 0)
        return is_new

    def sync_folder(self, path: str) -> None:
        self._watcher.before("sync_folder", path)
        token = self._watcher.sync_begins()
        super().sync_folder(path)
        self._watcher.synced_folder(token, path)


class WatchedVFS(apsw.VFS):
    """SQLite's own files under a watcher's eyes. Shared memory and locks pass through."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        self._watcher = watcher
        super().__init__(name, "")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - apsw's name
        if name is None:  # nobody's but this connection's, and gone with it
            return apsw.VFSFile("", name, flags)
        return WatchedVFSFile(self._watcher, name, flags)

    def xDelete(self, path: str, syncdir: bool) -> None:  # noqa: N802 - apsw's name
        self._watcher.before("unlink", path)
        super().xDelete(path, syncdir)
        self._watcher.unlinked(path)
        if syncdir:
            self._watcher.synced_folder(self._watcher.sync_begins(), str(Path(path).parent))


class WatchedVFSFile(apsw.VFSFile):
    """One of SQLite's files."""

    def __init__(self, watcher: Watcher, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        self._watcher = watcher
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        watcher.before("open", self._path)
        is_new = not Path(self._path).exists()
        super().__init__("", name, flags)
        self._inode = Path(self._path).stat().st_ino
        self._owes_folder = is_new and bool(flags[0] & _JOURNALS)
        if is_new:
            watcher.made(self._path, self._inode)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - apsw's name
        self._watcher.before("read", self._path)
        return super().xRead(self._watcher.readable(self._path, amount), offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        self._watcher.before("write", self._path)
        super().xWrite(data, offset)
        self._watcher.wrote(self._inode, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's name
        self._watcher.before("write", self._path)
        super().xTruncate(newsize)
        self._watcher.cut(self._inode, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        """Sync. SQLite syncs the folder too, the first time, where it made a journal."""
        self._watcher.before("sync", self._path)
        token = self._watcher.sync_begins()
        super().xSync(flags)
        self._watcher.synced(token, "checkpoint", self._inode)
        if self._owes_folder:
            self._owes_folder = False
            self._watcher.synced_folder(token, str(Path(self._path).parent))
