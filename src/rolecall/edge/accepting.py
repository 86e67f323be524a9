"""Accepting: of the connections that arrive, each worker takes its share, and none waits for those that never arrive.

Clients keep their connections, so whoever takes a connection does its work from then on. A burst of them would be taken
by the worker that is awake first, and the others would stand idle.

Over TLS a connection has arrived when its handshake is done, which who means harm never does.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress

from rolecall.edge.origin import plain
from rolecall.identifiers import address_block

MOMENT = 0.005
"""Seconds that a worker with more connections than another leaves it the next ones."""
AFTERWARDS = 2
"""How many it takes then, if they are still there: the other one may be stuck."""
REST = 0.1
"""Seconds without accepting after the system had no descriptor or no memory for one more."""
MAX_ARRIVING = 1_000
"""How many connections of a worker may be in their handshake; one more ends the oldest of the address with the most."""

_log = logging.getLogger("rolecall.edge")


class Acceptor:
    """Takes connections from a listening socket that other processes take from too. Made on the event loop."""

    def __init__(
        self,
        listener: socket.socket,
        take: Callable[[socket.socket], Coroutine[object, object, object]],
        is_ahead: Callable[[], bool],
        most: int = MAX_ARRIVING,
    ) -> None:
        """Begin. `is_ahead` tells whether another one should have the next connection, `most` how many may arrive."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._take = take
        self._is_ahead = is_ahead
        self._pause: asyncio.TimerHandle | None = None
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._arriving: dict[str, dict[socket.socket, None]] = {}
        """By address, the oldest first."""
        self._count = 0
        listener.setblocking(False)
        self._loop.add_reader(listener, self._ready)

    @property
    def arriving(self) -> int:
        """How many connections were taken and are not open yet."""
        return self._count

    def close(self) -> None:
        """Take no more, and end what has not arrived."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for crowd in self._arriving.values():
            for connection in crowd:
                _hang_up(connection)

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
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("no connection can be accepted for a moment: %s", error)
                self._wait(REST)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection, address_block(plain(str(address[0])))))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, connection: socket.socket, block: str) -> None:
        self._begin(connection, block)
        try:
            await self._take(connection)
        except (OSError, TimeoutError):  # it is gone, or spoke no TLS
            connection.close()
        finally:
            self._end(connection, block)

    def _begin(self, connection: socket.socket, block: str) -> None:
        """Count one that arrives. Beyond the limit, end the oldest of the address that has the most."""
        self._arriving.setdefault(block, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            block, crowd = max(self._arriving.items(), key=lambda one: len(one[1]))
            oldest = next(iter(crowd))
            self._end(oldest, block)
            _hang_up(oldest)

    def _end(self, connection: socket.socket, block: str) -> None:
        """Count one no more that has arrived, or never will."""
        crowd = self._arriving.get(block, {})
        if connection in crowd:
            del crowd[connection]
            self._count -= 1
            if not crowd:
                del self._arriving[block]


def _hang_up(connection: socket.socket) -> None:
    """End a connection whose handshake waits, which sees that as the other end's going."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
