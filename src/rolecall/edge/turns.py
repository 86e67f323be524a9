"""Whose turn it is: requests that wait are begun one of each client after the other, however many each has sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from rolecall.clock import monotonic

AT_ONCE = 0.0005
"""Seconds of beginning requests before the sockets are looked at again."""

Start = Callable[[], None]


class Turns:
    """Queues, one for each client that has something waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with nothing waiting."""
        self._loop = loop
        self._queues: dict[str, deque[Start]] = {}
        self._order: deque[str] = deque()
        self._is_due = False

    def __len__(self) -> int:
        """Return how many requests wait."""
        return sum(map(len, self._queues.values()))

    def enter(self, client: str, start: Start) -> None:
        """Have `start` called when it is its client's turn."""
        queue = self._queues.get(client)
        if queue is None:
            self._queues[client] = deque((start,))
            self._order.append(client)
        else:
            queue.append(start)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self.run)

    def run(self) -> None:
        """Begin what waits, in turns, for at most `AT_ONCE`."""
        order, queues, now = self._order, self._queues, monotonic
        until = now() + AT_ONCE
        while order:
            client = order.popleft()
            queue = queues[client]
            start = queue.popleft()
            if queue:
                order.append(client)
            else:
                del queues[client]
            start()
            if order and now() > until:
                self._loop.call_soon(self.run)
                return
        self._is_due = False
