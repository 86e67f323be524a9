"""Accepting: of the connections that arrive, each worker takes its share.

Clients keep their connections, so whoever takes a connection does its work from then on. A burst of them would be taken
by the worker that is awake first, and the others would stand idle.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine

MOMENT = 0.005
"""Seconds that a worker with more connections than another leaves it the next ones."""
AFTERWARDS = 2
"""How many it takes then, if they are still there: the other one may be stuck."""
REST = 0.1
"""Seconds without accepting after the system had no descriptor or no memory for one more."""

_log = logging.getLogger("rolecall.edge")


class Acceptor:
    """Takes connections from a listening socket that other processes take from too. Made on the event loop."""

    def __init__(
        self,
        listener: socket.socket,
        take: Callable[[socket.socket], Coroutine[object, object, object]],
        is_ahead: Callable[[], bool],
    ) -> None:
        """Begin. `is_ahead` tells whether another one should have the next connection."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._take = take
        self._is_ahead = is_ahead
        self._pause: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[object]] = set()
        listener.setblocking(False)
        self._loop.add_reader(listener, self._ready)

    @property
    def arriving(self) -> int:
        """How many connections were taken and are not open yet."""
        return len(self._arriving)

    def close(self) -> None:
        """Take no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _ready(self) -> None:
        if self._is_ahead():
            self._wait(MOMENT)
        else:
            self._accept(1)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._ready)
        self._accept(AFTERWARDS)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("no connection can be accepted for a moment: %s", error)
                self._wait(REST)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _open(self, connection: socket.socket) -> object:
        try:
            return await self._take(connection)
        except (OSError, TimeoutError):  # it is gone, or spoke no TLS
            connection.close()
            return None
