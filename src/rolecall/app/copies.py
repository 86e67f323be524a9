"""Copying files so that what was copied is known: every copy is synced, and its digest taken while it is made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from rolecall.files import Files
from rolecall.upkeep.manifest import Sum

PIECE = 1 << 20
THREADS = 4


class Unreadable(Exception):
    """A file is there and cannot be read."""


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as fault:
        raise Unreadable(f"`{path}` cannot be read: {fault.strerror}.") from fault


def sum_of(path: Path) -> Sum:
    """Read a file for its size and digest. Raises Unreadable."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces_of(path):
        digest.update(piece)
        size += len(piece)
    return Sum(size, digest.hexdigest())


def copy(files: Files, source: Path, target: Path) -> Sum:
    """Copy a file to a new one of mode 0600, durably, and return size and digest of what was read.

    Raises Unreadable for the source, OSError for the target.
    """
    digest, size = hashlib.sha256(), 0
    descriptor = files.open(str(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for piece in pieces_of(source):
            files.write(descriptor, [piece])
            digest.update(piece)
            size += len(piece)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    return Sum(size, digest.hexdigest())


def link(files: Files, source: Path, target: Path) -> bool:
    """Give a file a second name, and return whether the file systems let us."""
    with suppress(OSError):
        files.link(str(source), str(target))
        return True
    return False


def make_shards(files: Files, root: Path, blobs: Iterator[str]) -> None:
    """Make the folders that these blobs lie in. Raises OSError."""
    files.make_folder(str(root))
    for shard in sorted({blob[:2] for blob in blobs}):
        files.make_folder(str(root / shard))


def sync_tree(files: Files, root: Path) -> None:
    """Make the names in a folder and in all folders in it durable. Raises OSError."""
    for folder, _, _ in os.walk(root, topdown=False):
        files.sync_folder(folder)


def workers() -> ThreadPoolExecutor:
    """Return the threads that copy: digests and disks are both waited for without the interpreter's lock."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="rolecall-copy")
