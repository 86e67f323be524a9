"""Memory for large documents of senders who have proved nothing yet, and may never end what they send."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from rolecall.access.limits import slow_down
from rolecall.identifiers import address_block
from rolecall.message import Body, Request

SMALL = 32 * 1024
"""Documents of up to so many bytes need no room: nearly all that is meant seriously."""
MOST = 64 * 1024 * 1024
"""Bytes that all others together may take, beyond what is small of each."""
MOST_EACH = MOST // 4
"""Those of one address, so that no one sender takes it all."""


class Room:
    """What is taken of it at this moment. One a process."""

    def __init__(self) -> None:
        """Begin with all of it free."""
        self._taken: Counter[str] = Counter()
        self._total = 0

    def body_of(self, request: Request, service: str) -> Body:
        """Return the body of `request`, read within the room that there is.

        Reading raises `service`'s ServiceError for too many requests where there is no more.
        """
        declared = request.by_name.get("content-length")
        if declared is not None and declared.isdigit() and len(declared) < len(str(SMALL)):
            return request.body
        return _Body(self, request, service)

    def take(self, sender: str, size: int) -> bool:
        """Take some bytes, and tell whether they were there."""
        if self._total + size > MOST or self._taken[sender] + size > MOST_EACH:
            return False
        self._total += size
        self._taken[sender] += size
        return True

    def give(self, sender: str, size: int) -> None:
        """Give bytes back."""
        self._total -= size
        self._taken[sender] -= size
        if not self._taken[sender]:
            del self._taken[sender]


class _Body:
    """A body whose bytes beyond the first ones take room until its reader has it whole or gives up."""

    def __init__(self, room: Room, request: Request, service: str) -> None:
        self._room = room
        self._body = request.body
        self._sender = address_block(request.client)
        self._service = service

    async def chunks(self) -> AsyncIterator[bytes]:
        read = taken = 0
        try:
            async for piece in self._body.chunks():
                read += len(piece)
                if read > SMALL:
                    if not self._room.take(self._sender, len(piece)):
                        raise slow_down(self._service)
                    taken += len(piece)
                yield piece
        finally:
            self._room.give(self._sender, taken)
