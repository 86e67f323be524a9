"""The way out of a connection: bytes, files sent by the kernel, and waiting for a client that reads slowly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

PIECE = 256 * 1024
WINDOW = 1024 * 1024
"""How much of a file is handed to the kernel at once."""


class Writer:
    """Writes to one transport. `waiting` is told when the client must read before there is more to write."""

    def __init__(self, transport: asyncio.Transport, waiting: Callable[[bool], None]) -> None:
        """See the class."""
        self._transport = transport
        self._waiting = waiting
        self._is_full = False
        self._waiter: asyncio.Future[None] | None = None
        self.is_lost = False
        """The connection is gone; what is written goes nowhere."""

    def write(self, data: bytes) -> None:
        """Send `data`, or keep it until the client reads."""
        if not self.is_lost:
            self._transport.write(data)

    def full(self, full: bool) -> None:
        """Hear from the transport that it holds much, or little again."""
        self._is_full = full
        if not full:
            self._wake()

    def lost(self) -> None:
        """Hear that the connection is gone."""
        self.is_lost = True
        self._wake()

    @property
    def is_full(self) -> bool:
        """Whether the client must read first."""
        return self._is_full and not self.is_lost

    async def drained(self) -> None:
        """Wait until the client has read, or is gone."""
        while self.is_full:
            await self._wait()

    async def find(self, file: int, start: int) -> None:
        """Return when the first byte of a part of an open file is in memory. Raises OSError where it cannot be read."""
        if not _is_at_hand(file, start) and not await asyncio.to_thread(os.pread, file, 1, start):
            raise OSError("a file is shorter than it was said to be")

    async def send_file(self, file: int, start: int, size: int) -> None:
        """Send a part of an open file, by the kernel where it can. Raises OSError.

        Raises ConnectionError where the client is gone.
        """
        if self._transport.get_extra_info("ssl_object") is None and hasattr(os, "sendfile"):
            await self._send_by_kernel(file, start, size)
        else:
            await self._send_pieces(file, start, size)

    async def _send_pieces(self, file: int, start: int, size: int) -> None:
        end = start + size
        while start < end and not self.is_lost:
            piece = await asyncio.to_thread(os.pread, file, min(PIECE, end - start), start)
            if not piece:
                raise OSError("a file is shorter than it was said to be")
            start += len(piece)
            self.write(piece)
            await self.drained()

    async def _send_by_kernel(self, file: int, start: int, size: int) -> None:
        self._transport.set_write_buffer_limits(0)  # what the transport holds must be gone first, the head too
        await self.drained()
        if self.is_lost:
            return
        self._transport.set_write_buffer_limits()
        # The event loop allows nobody else to watch a transport's descriptor; it may watch a second one for it.
        descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        try:
            end = start + size
            while start < end:
                sent = await self._hand_over(descriptor, file, start, min(WINDOW, end - start))
                if sent == 0:
                    raise OSError("a file is shorter than it was said to be")
                start += sent
                await asyncio.sleep(0)  # whoever reads as fast as this writes must not keep others from their turn
        finally:
            os.close(descriptor)

    async def _hand_over(self, descriptor: int, file: int, start: int, size: int) -> int:
        """Hand some bytes to the kernel, and return how many."""
        while not self.is_lost:
            try:
                if _is_at_hand(file, start + size - 1):
                    return os.sendfile(descriptor, file, start, size)
                return await asyncio.to_thread(os.sendfile, descriptor, file, start, size)
            except BlockingIOError:
                await self._writable(descriptor)
        raise ConnectionResetError

    async def _writable(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        loop.add_writer(descriptor, self._wake)
        try:
            await self._wait()
        finally:
            loop.remove_writer(descriptor)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._waiting(True)
        try:
            await self._waiter
        finally:
            self._waiting(False)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _is_at_hand(file: int, place: int) -> bool:
    """Tell whether the byte at `place` can be read without waiting for the disk."""
    if not hasattr(os, "RWF_NOWAIT"):
        return True
    try:
        return os.preadv(file, [bytearray(1)], place, os.RWF_NOWAIT) == 1
    except OSError:
        return False
