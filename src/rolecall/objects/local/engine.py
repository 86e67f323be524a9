"""Objects in a local folder."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rolecall.files import Files, RealFiles
from rolecall.objects.interface import BlobDamaged, BlobMissing
from rolecall.objects.local.folder import Descriptor, Folder, unavailable
from rolecall.objects.local.reader import BlobReader, show_at_once
from rolecall.objects.local.writer import LocalBlobWriter

_THREADS = 16
_ID_BYTES = 16


class LocalObjects:
    """An `Objects` engine: a file a blob, in a folder that any number of processes may use.

    A blob's id is 128 random bits in hexadecimal, so none is ever used again.
    """

    def __init__(self, root: Path, *, sync: bool = True, files: Files | None = None) -> None:
        """Use the folder `root`, making it where it is missing. Raises ObjectsUnavailable.

        Without `sync`, what was committed survives the process but not a loss of power.
        """
        self._files = files or RealFiles()
        try:
            self._folder = Folder(root, self._files, sync=sync)
        except OSError as fault:
            raise unavailable(fault) from fault
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="rolecall-objects")

    def create(self) -> LocalBlobWriter:
        """Begin a blob."""
        return LocalBlobWriter(self._folder, self._executor, secrets.token_hex(_ID_BYTES))

    def read(self, blob: str, start: int, length: int, *, size: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` bytes of the blob from `start`.

        Raises BlobMissing, and BlobDamaged where it is too short already or not of this `size`, before the first
        piece is asked for.
        """
        descriptor, found = self._open(blob)
        if found < start + length or found != (found if size is None else size):
            raise BlobDamaged(f"The blob `{blob}` has {found} bytes, not {start + length if size is None else size}.")
        return BlobReader(descriptor, self._executor, start, length)

    def show(self, blob: str, size: int, take: Callable[[memoryview], object]) -> bool:
        """Show the whole blob to `take` if it is in the system's memory, and tell whether it was.

        Raises BlobMissing, BlobDamaged where it is not of this `size`, ObjectsUnavailable.
        """
        descriptor, found = self._open(blob)
        if found != size:
            raise BlobDamaged(f"The blob `{blob}` has {found} bytes, not {size}.")
        return show_at_once(descriptor, size, take)

    def whole_file(self, blob: str, *, size: int | None = None) -> str | None:
        """Return the path of the blob's file, or None where it is missing. Raises BlobDamaged, ObjectsUnavailable."""
        try:
            found = self.size(blob)
        except BlobMissing:
            return None
        if found != (found if size is None else size):
            raise BlobDamaged(f"The blob `{blob}` has {found} bytes, not {size}.")
        return self._folder.path(blob)

    async def delete(self, blob: str) -> None:
        """Remove the blob, if it is there. Raises ObjectsUnavailable."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._unlink, blob)

    def sweep(self) -> int:
        """Remove what processes that are gone began and did not commit; return how many. Raises ObjectsUnavailable."""
        try:
            return self._folder.sweep()
        except OSError as fault:
            raise unavailable(fault) from fault

    def ids(self) -> Iterator[str]:
        """Yield the id of every committed blob, in no order."""
        for shard in self._folder.shards():
            yield from (entry.name for entry in os.scandir(shard))

    def size(self, blob: str) -> int:
        """Return the blob's size in bytes. Raises BlobMissing, ObjectsUnavailable."""
        try:
            return Path(self._folder.path(blob)).stat().st_size
        except FileNotFoundError:
            raise BlobMissing(f"There is no blob `{blob}`.") from None
        except OSError as fault:
            raise unavailable(fault) from fault

    def close(self) -> None:
        """Finish what is being written and stop the threads."""
        self._executor.shutdown()

    def _open(self, blob: str) -> tuple[Descriptor, int]:
        """Open a blob, and tell its size. Raises BlobMissing, ObjectsUnavailable."""
        try:
            descriptor = Descriptor(self._files, self._folder.path(blob), os.O_RDONLY)
            return descriptor, os.fstat(descriptor.number).st_size
        except FileNotFoundError:
            raise BlobMissing(f"There is no blob `{blob}`.") from None
        except OSError as fault:
            raise unavailable(fault) from fault

    def _unlink(self, blob: str) -> None:
        try:
            self._files.unlink(self._folder.path(blob))
        except FileNotFoundError:
            return
        except OSError as fault:
            raise unavailable(fault) from fault
