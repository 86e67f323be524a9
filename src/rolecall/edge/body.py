"""A request's body, between the connection that receives it and the handler that reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from rolecall.message import ServiceError

HELD = 128 * 1024
"""From this many bytes on that nobody has read, the connection reads no more (one read may bring 256 KiB)."""


class Source(Protocol):
    """The connection a body comes from."""

    def wanted(self) -> None:
        """Hear that the handler waits for bytes: `100 Continue` is due, and the clock of a stalled body runs."""
        ...

    def held(self, full: bool) -> None:
        """Hear whether to read no more, or to go on."""
        ...


class IncomingBody:
    """A body that is read once, piece by piece. No `100 Continue` is sent before somebody reads."""

    __slots__ = ("_dropping", "_error", "_held", "_pieces", "_source", "_waiter", "arrived", "begun", "ended")

    def __init__(self, source: Source) -> None:
        """Begin empty; the connection calls `feed`, `end` and `fail`."""
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: ServiceError | None = None
        self._dropping = False
        self.begun = False
        """Whether somebody reads it."""
        self.arrived = 0
        """How many bytes came so far."""
        self.ended = False
        """The last byte came, or none will."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the pieces as they come. Raises ServiceError IncompleteBody or RequestTimeout."""
        self.begun = True
        pieces = self._pieces
        while True:
            while pieces:
                piece = pieces.popleft()
                self._release(len(piece))
                yield piece
            if self._error is not None:
                raise self._error
            if self.ended:
                return
            self._waiter = asyncio.get_running_loop().create_future()
            self._source.wanted()
            await self._waiter

    def at_hand(self) -> bytes | None:
        """Return the whole body, where all of it has come and nobody has read of it; else None, and nothing is read."""
        if not self.ended or self.begun or self._error is not None:
            return None
        self.begun = True
        pieces = self._pieces
        whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._release(len(whole))
        return whole

    def feed(self, piece: bytes) -> None:
        """Take in a piece, or drop it where nobody will read it."""
        self.arrived += len(piece)
        if self._dropping:
            return
        self._pieces.append(piece)
        before, self._held = self._held, self._held + len(piece)
        if before < HELD <= self._held:
            self._source.held(True)
        self._wake()

    def end(self) -> None:
        """Hear that the body is complete."""
        self.ended = True
        self._wake()

    def fail(self, error: ServiceError) -> None:
        """Hear that nothing more will come; who reads is told why."""
        if not self.ended:
            self.ended = True
            self._error = error
            self._wake()

    def drop(self) -> None:
        """Let go of what came and of what will come."""
        self._dropping = True
        self._pieces.clear()
        if self._held >= HELD:
            self._source.held(False)
        self._held = 0

    @property
    def is_whole(self) -> bool:
        """Whether the body came to its proper end."""
        return self.ended and self._error is None

    @property
    def waits(self) -> bool:
        """Whether a reader waits for bytes."""
        return self._waiter is not None

    def _release(self, size: int) -> None:
        before, self._held = self._held, self._held - size
        if before >= HELD > self._held:
            self._source.held(False)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
