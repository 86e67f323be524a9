"""What all connections of one worker share: the application, the watch over their deadlines, and their number."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable
from email.utils import format_datetime
from math import inf

from rolecall.clock import Clock
from rolecall.config import Settings
from rolecall.edge.accepting import MAX_ARRIVING, Acceptor
from rolecall.edge.connection import Connection
from rolecall.edge.edge import Edge
from rolecall.edge.origin import Proxies
from rolecall.edge.turns import Turns
from rolecall.measures import Measures
from rolecall.message import Request

WATCH_SECONDS = 0.5
HANDSHAKE_SECONDS = 15.0
MAX_CONNECTIONS = 10_000
FILES_EACH = 3
"""How many file descriptors a connection may need: a download has two for its socket and one for its file."""
TOLERANCE = 1.125
"""A worker with so many times another one's connections leaves the next connection to that one."""
FILES_KEPT = 256
"""How many file descriptors connections leave to the store, to objects and to the program."""

_CONNECTIONS = "rolecall_connections"


class _Crowd:
    """The connections of one address, resting and busy, each longest first."""

    __slots__ = ("busy", "resting")

    def __init__(self) -> None:
        self.resting: dict[Connection, None] = {}
        self.busy: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self.resting) + len(self.busy)

    def first(self) -> Connection:
        """Return the one to hang up on: it has rested longest or, where none rests, been busy longest."""
        return next(iter(self.resting or self.busy))


class Listening:
    """The connections of one worker. Made and used on its event loop."""

    def __init__(
        self,
        edge: Edge,
        settings: Settings,
        clock: Clock,
        *,
        sender_of: Callable[[Request], str] = lambda request: request.client,
        measures: Measures | None = None,
    ) -> None:
        """Nothing is listened to before `serve`. `sender_of` tells whose turn a request takes."""
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._crowds: dict[str, _Crowd] = {}
        self._acceptor: Acceptor | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._most = MAX_CONNECTIONS
        self.proxies = Proxies(settings.trusted_proxies)
        self.turns = Turns(self._loop)
        self.body_timeout = settings.body_timeout
        self.stopping = False
        self.date = ""
        self.now = self._loop.time
        self.answer = edge.answer
        self.sender_of = sender_of
        self._measures = measures or Measures()
        self._look()

    async def serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept connections from `listener`, a bound socket that other processes may accept from too."""
        free = _descriptors() - FILES_KEPT
        arriving = min(MAX_ARRIVING, free // 4)
        self._most = min(MAX_CONNECTIONS, (free - arriving) // FILES_EACH)
        handshake = None if tls is None else HANDSHAKE_SECONDS

        async def take(connection: socket.socket) -> None:
            await self._loop.connect_accepted_socket(
                lambda: Connection(self), connection, ssl=tls, ssl_handshake_timeout=handshake
            )

        self._acceptor = Acceptor(listener, take, self._is_ahead, arriving)

    def _is_ahead(self) -> bool:
        """Tell whether another worker has clearly fewer connections, and so should have the next one."""
        self._measures.set(_CONNECTIONS, self.connections)
        return self.connections > min(self._measures.elsewhere(_CONNECTIONS), default=inf) * TOLERANCE

    async def stop(self, seconds: float) -> None:
        """Accept no more, let answers under way finish for at most `seconds`, then hang up."""
        self.stopping = True
        if self._acceptor is not None:
            self._acceptor.close()
        for connection in list(self._connections):
            connection.stop()
        until = self.now() + seconds
        while self._connections and self.now() < until:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)
        if self._watch is not None:
            self._watch.cancel()
        for connection in list(self._connections):
            connection.abort()

    @property
    def connections(self) -> int:
        """How many connections are open, those in their handshake included."""
        return len(self._connections) + (self._acceptor.arriving if self._acceptor is not None else 0)

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self.turns)

    def refused(self) -> None:
        """Count what was no request."""
        self._measures.count("rolecall_http_refused_total")

    def opened(self, connection: Connection) -> None:
        """Count a new connection. Beyond the limit, close one of the address that has the most."""
        self._connections.add(connection)
        self._measures.set(_CONNECTIONS, self.connections)
        self._crowds.setdefault(connection.block, _Crowd()).resting[connection] = None
        if len(self._connections) > self._most:
            first = max(self._crowds.values(), key=len).first()
            self.closed(first)
            first.abort()

    def rests(self, connection: Connection, rests: bool) -> None:
        """Note which connections have nothing to do, in the order in which they began to rest."""
        crowd = self._crowds.get(connection.block)
        if crowd is not None and connection in self._connections:
            before, after = (crowd.busy, crowd.resting) if rests else (crowd.resting, crowd.busy)
            before.pop(connection, None)
            after[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self._connections.discard(connection)
        self._measures.set(_CONNECTIONS, self.connections)
        crowd = self._crowds.get(connection.block)
        if crowd is not None:
            crowd.resting.pop(connection, None)
            crowd.busy.pop(connection, None)
            if not crowd:
                del self._crowds[connection.block]

    def _look(self) -> None:
        """Tell every connection whose deadline has passed; run again half a second later."""
        self.date = (
            f"date: {format_datetime(self._clock.now().replace(microsecond=0), usegmt=True)}\r\nserver: Rolecall\r\n"
        )
        now = self.now()
        for connection in [one for one in self._connections if one.deadline < now]:
            connection.expired()
        self._watch = self._loop.call_later(WATCH_SECONDS, self._look)


def _descriptors() -> int:
    """Raise the limit of open files as far as the system lets this process, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted
