"""Whether blobs may be removed now. Who copies a data folder holds removals back, so that nothing goes in between."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Removals:
    """A lock file between the sweepers and those who copy; the lock of a process that dies is let go of."""

    def __init__(self, path: Path) -> None:
        """Name the lock file, which is made where it is missing."""
        self._path = path

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Remove nothing while the block runs; it begins when what is being removed now is gone. Raises OSError."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def allowed(self) -> Iterator[bool]:
        """Tell whether the block may remove blobs; nobody begins to copy before it has ended."""
        try:
            descriptor = self._open()
        except OSError:  # where no file can be made, this is not the moment to remove any
            yield False
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        home = self._path.parent.stat()
        if os.geteuid() == 0 and home.st_uid != 0:
            os.fchown(descriptor, home.st_uid, home.st_gid)  # the server, which is not root, takes turns with us
        return descriptor
