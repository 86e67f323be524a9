"""Reading a blob, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from rolecall.objects.interface import BlobDamaged
from rolecall.objects.local.folder import Descriptor, unavailable

PIECE = 256 * 1024
"""The largest piece that is read at once."""

_LENT = 64 * 1024


class BlobReader:
    """The pieces of a part of a blob.

    What lies in the system's memory is copied on the event loop, which costs a fifth of the way to a thread and back;
    what has to come from the disk is read in a thread.
    """

    def __init__(self, descriptor: Descriptor, executor: Executor, start: int, length: int) -> None:
        """Read `length` bytes from `start`; the descriptor is let go of with the last of them."""
        self._descriptor: Descriptor | None = descriptor
        self._executor = executor
        self._next = start
        self._left = length
        self._buffer = bytearray(min(PIECE, length))

    def __aiter__(self) -> BlobReader:
        """Return this reader."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece. Raises BlobDamaged, ObjectsUnavailable."""
        descriptor = self._descriptor
        if descriptor is None or self._left <= 0:
            self._descriptor = None
            raise StopAsyncIteration
        wanted = min(PIECE, self._left)
        try:
            piece = self._at_once(descriptor, wanted) or await self._from_disk(descriptor, wanted)
        except OSError as fault:
            raise unavailable(fault) from fault
        if not piece:
            raise BlobDamaged(f"The blob ends {self._left} bytes before it should.")
        self._next += len(piece)
        self._left -= len(piece)
        if not self._left:
            self._descriptor = None
        return piece

    async def aclose(self) -> None:
        """Let go of the blob."""
        self._descriptor = None

    def _at_once(self, descriptor: Descriptor, wanted: int) -> bytes:
        """Return what is in memory of the next `wanted` bytes; nothing, where the disk must be asked."""
        if not self._buffer:
            return b""
        view = memoryview(self._buffer)[:wanted]
        try:
            count = descriptor.read_at_once(view, self._next)
        except BlockingIOError:
            return b""
        except OSError:  # this file system does not know the question
            self._buffer = bytearray()
            return b""
        return bytes(view[:count])

    async def _from_disk(self, descriptor: Descriptor, wanted: int) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._executor, descriptor.read, wanted, self._next)


def show_at_once(descriptor: Descriptor, size: int, take: Callable[[memoryview], object]) -> bool:
    """Show the first `size` bytes of a file to `take` as far as they are in memory, and tell whether they all were."""
    buffer = memoryview(bytearray(min(_LENT, size)))
    start = 0
    try:
        while start < size:
            count = descriptor.read_at_once(buffer, start)
            if not count:
                return False
            take(buffer[: min(count, size - start)])
            start += count
    except OSError:  # the disk must be asked, or this file system does not know the question
        return False
    return True
