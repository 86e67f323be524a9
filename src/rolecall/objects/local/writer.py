"""Writing a blob."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rolecall.objects.interface import ObjectsUnavailable
from rolecall.objects.local.folder import Descriptor, Folder, unavailable

MOST_GATHERED = 1024 * 1024
"""Pieces are kept until they are this many bytes, and go to a thread together."""
LEAST_GATHERED = 128 * 1024
MEMORY = 32 * 1024 * 1024
"""What all blobs that are being written may gather; where they are many, each hands on smaller loads."""


class LocalBlobWriter:
    """A blob on its way into the folder.

    One load of pieces is written by a thread while the next is gathered, so a fault may show at a later `write`, or
    at `commit`. What is smaller than a load takes one way to a thread in all, at `commit`.
    """

    _begun = 0
    """How many are being written."""

    def __init__(self, folder: Folder, executor: ThreadPoolExecutor, blob: str) -> None:
        """Begin `blob`. Its file is made when the first load is written."""
        LocalBlobWriter._begun += 1
        self._folder = folder
        self._executor = executor
        self._blob = blob
        self._descriptor: Descriptor | None = None
        self._gathered: list[bytes] = []
        self._size = 0
        self._under_way: Future[None] | None = None
        self._is_over = False
        self._is_spoilt = False

    @property
    def load(self) -> int:
        """How many bytes are best written at once."""
        return max(LEAST_GATHERED, min(MOST_GATHERED, MEMORY // max(1, LocalBlobWriter._begun)))

    async def write(self, piece: bytes) -> None:
        """Append `piece`. Raises ObjectsUnavailable."""
        self._refuse_if_over()
        self._gathered.append(piece)
        self._size += len(piece)
        if self._size >= self.load:
            await self._settle()
            self._under_way = self._executor.submit(self._store, self._take())

    async def append(self, pieces: Sequence[bytes], see: Callable[[bytes], object]) -> None:
        """Append `pieces` in a thread, shown to `see` there, and wait for it. Raises ObjectsUnavailable."""
        self._refuse_if_over()
        await self._settle()
        self._under_way = self._executor.submit(self._show_and_store, self._take(), pieces, see)
        await self._settle()

    async def commit(self) -> str:
        """Make the blob durable and visible, and return its id. Raises ObjectsUnavailable, after which it is gone."""
        self._refuse_if_over()
        try:
            await self._settle()
        except ObjectsUnavailable:
            await self.abort()
            raise
        self._end()
        keeping = self._executor.submit(self._keep, self._take())
        try:
            await asyncio.wrap_future(keeping)
        except asyncio.CancelledError:
            # Nobody will ever name this blob, whether or not the thread still comes to keep it.
            self._executor.submit(self._drop, keeping)
            raise
        return self._blob

    async def abort(self) -> None:
        """Drop what was written. Never raises; after `commit`, or again, it does nothing."""
        if self._is_over:
            return
        self._end()
        self._gathered = []
        if self._descriptor is None and self._under_way is None:
            return
        try:
            dropping = self._executor.submit(self._drop, self._under_way)
        except RuntimeError:  # the engine was closed
            self._drop(None)
            return
        await asyncio.shield(asyncio.wrap_future(dropping))

    def _end(self) -> None:
        self._is_over = True
        LocalBlobWriter._begun -= 1

    async def _settle(self) -> None:
        """Wait for the load that is being written."""
        if self._is_spoilt:
            raise ObjectsUnavailable("A part of this blob could not be written.")
        if self._under_way is None:
            return
        try:
            await asyncio.wrap_future(self._under_way)
        except BaseException:
            self._is_spoilt = True
            raise
        self._under_way = None

    def _take(self) -> list[bytes]:
        pieces, self._gathered, self._size = self._gathered, [], 0
        return pieces

    def _refuse_if_over(self) -> None:
        if self._is_over:
            raise RuntimeError("This blob was committed or dropped; nothing more can be done to it.")

    def _store(self, pieces: list[bytes]) -> None:
        """Append to the file. Runs in a thread, never twice at a time."""
        try:
            self._append(pieces)
        except OSError as fault:
            raise unavailable(fault) from fault

    def _show_and_store(self, before: list[bytes], pieces: Sequence[bytes], see: Callable[[bytes], object]) -> None:
        if before:
            self._store(before)
        for piece in pieces:
            see(piece)
            self._store([piece])

    def _append(self, pieces: list[bytes]) -> Descriptor:
        if self._descriptor is None:
            self._descriptor = self._folder.open_incoming(self._blob)
        self._folder.files.write(self._descriptor.number, pieces)
        return self._descriptor

    def _keep(self, pieces: list[bytes]) -> None:
        try:
            self._folder.keep(self._blob, self._append(pieces))
        except OSError as fault:
            self._remove()
            raise unavailable(fault) from fault
        finally:
            self._descriptor = None

    def _drop(self, under_way: Future[None] | None) -> None:
        """Remove the file, once no other thread is at it."""
        if under_way is not None and not under_way.cancel():
            under_way.exception()
        self._descriptor = None
        self._remove()

    def _remove(self) -> None:
        for path in (self._folder.incoming(self._blob), self._folder.path(self._blob)):
            with contextlib.suppress(OSError):
                self._folder.files.unlink(path)
