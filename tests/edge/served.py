"""The connections of a worker in this process, with an application of the test's own, and raw sockets to them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.edge import Edge, Listening
from rolecall.message import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
HOST = b"Host: localhost\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST


class Served:
    """Where the application is served."""

    def __init__(self, listening: Listening, port: int) -> None:
        self.listening = listening
        self.port = port

    def connect(self, timeout: float = 10.0, *, receive_buffer: int = 0, source: str = "") -> socket.socket:
        """Return a connected socket."""
        connection = socket.socket()
        if source:
            connection.bind((source, 0))
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(timeout)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(self, sent: bytes, *, half_close: bool = True) -> bytes:
        """Send, and return everything that comes back until the server closes."""
        with self.connect() as connection:
            try:
                connection.sendall(sent)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            return everything(connection)

    def wait_until_idle(self) -> None:
        """Return when no connection is counted."""
        until = time.monotonic() + 20
        while self.listening.connections and time.monotonic() < until:
            time.sleep(0.001)
        assert self.listening.connections == 0


def everything(connection: socket.socket) -> bytes:
    """Return what comes until the other end closes, however it does."""
    found = bytearray()
    try:
        while piece := connection.recv(1 << 20):
            found += piece
    except ConnectionError:
        pass
    return bytes(found)


@contextmanager
def served(
    handler: Handler,
    *,
    sender_of: Callable[[Request], str] = lambda request: request.client,
    tls: ssl.SSLContext | None = None,
    **settings: float,
) -> Iterator[Served]:
    """Serve `handler` on a free port, on an event loop in a thread, until the block ends."""
    ready: threading.Event = threading.Event()
    kept: list[tuple[Listening, asyncio.AbstractEventLoop, asyncio.Event]] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)

    async def serve() -> None:
        told = Settings(data=Path("nowhere"), **settings)  # type: ignore[arg-type]
        listening = Listening(Edge(handler, None, told), told, SystemClock(), sender_of=sender_of)
        await listening.serve(listener, tls)
        stop = asyncio.Event()
        kept.append((listening, asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        await listening.stop(1.0)

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    port = listener.getsockname()[1]
    thread.start()
    assert ready.wait(10)
    listening, loop, stop = kept[0]
    try:
        yield Served(listening, port)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        listener.close()


async def echo(request: Request) -> Response:
    """Answer with the request's line and body."""
    body = b"".join([piece async for piece in request.body.chunks()])
    line = b"%s %s?%s " % (request.method.encode(), request.raw_path, request.raw_query)
    return Response(200, (), line + body)
