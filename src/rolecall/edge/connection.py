"""One connection: requests come in, answers go out, one after the other, and no wait is for ever."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from math import inf
from typing import Protocol

from rolecall.edge.answer import head_of
from rolecall.edge.driving import drive
from rolecall.edge.exchange import Exchange, id_of, unavailable
from rolecall.edge.origin import Origin, Proxies, plain
from rolecall.edge.receiver import Receiver
from rolecall.edge.turns import Turns
from rolecall.edge.writer import Writer
from rolecall.identifiers import address_block
from rolecall.message import FileBody, Request, Response, ServiceError

HEAD_SECONDS = 15.0
"""How long a head may take from its first byte to its last."""
IDLE_SECONDS = 75.0
"""How long a connection may rest between two requests."""
READ_SECONDS = 60.0
"""How long a client may take to read the least part of an answer."""
LINGER_SECONDS = 5.0
LINGER_BYTES = 32 * 1024 * 1024
"""How much of an unread body is dropped after an early answer, so that clients see the answer and no broken pipe."""
REFUSED_BYTES = 4 * 1024 * 1024
"""How much is dropped after what was no request."""
LEAST_BYTES = 4096
"""How much of a body must come in the time that one piece may take."""

_log = logging.getLogger("rolecall.edge")


class House(Protocol):
    """What the connections of one worker share."""

    proxies: Proxies
    turns: Turns
    body_timeout: float
    date: str
    """The answer's Date and Server lines."""
    stopping: bool

    async def answer(self, request: Request) -> Response:
        """Answer a request; never raises."""
        ...

    def sender_of(self, request: Request) -> str:
        """Return whose turn a request takes."""
        ...

    def refused(self) -> None:
        """Hear of what was no request."""
        ...

    def now(self) -> float:
        """Return seconds of the event loop's clock."""
        ...

    def opened(self, connection: Connection) -> None:
        """Hear of a new connection."""
        ...

    def rests(self, connection: Connection, rests: bool) -> None:
        """Hear whether a connection has nothing to do."""
        ...

    def closed(self, connection: Connection) -> None:
        """Hear that a connection is gone."""
        ...


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, house: House) -> None:
        """Nothing happens before the transport is there."""
        self._house = house
        self._current: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._holds: set[str] = set()
        self._linger_left = 0
        self._mark = 0
        self._expire: Callable[[], None] = self._close
        self._transport: asyncio.Transport
        self._receiver: Receiver
        self._writer: Writer
        self.block = ""
        """The address of the other end, or the block that is one sender's."""
        self.deadline = inf
        """When `expired` is to be called."""

    # What the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream's, always
        """Begin: a head is expected."""
        self._transport = transport
        peer, tls = transport.get_extra_info("peername"), transport.get_extra_info("ssl_object")
        address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        version = None if tls is None else str(tls.version()).removeprefix("TLSv")
        self.block = address_block(plain(address))
        self._receiver = Receiver(self, Origin(address, version, self._house.proxies), self._arrived)
        self._writer = Writer(transport, self._waits_to_write)
        self._house.opened(self)
        self._wait(HEAD_SECONDS, self._close)

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        if self._linger_left:
            self._linger_left -= len(data)
            if self._linger_left <= 0:
                self._transport.abort()
                return
        if not self._receiver.deaf:
            self._receiver.feed(data)
            self._heard()

    def _heard(self) -> None:
        current = self._current
        if current is None:
            if self._waiting:
                self._next()
            elif self._receiver.in_head and self._expire != self._late:
                self._house.rests(self, False)
                self._wait(HEAD_SECONDS, self._late)
        elif self._linger_left and current.body.ended:
            self._linger_left = 0
            if current.keep_alive:
                self._go_on()
            else:
                self._close()
        if self._waiting or (self._receiver.deaf and not self._linger_left):
            self._hold("order", True)

    def eof_received(self) -> bool:
        """Hear that the client sends no more; what it asked it still hears, where the transport can do that."""
        self._receiver.end()
        return self._current is not None and not self._linger_left and self._transport.can_write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """Hear that the connection is gone: whoever reads its body or writes to it is told."""
        del error
        self._receiver.end()
        self._writer.lost()
        self._waiting.clear()
        self.deadline = inf
        self._house.closed(self)

    def pause_writing(self) -> None:
        """Hear that the client reads too slowly."""
        self._writer.full(True)

    def resume_writing(self) -> None:
        """Hear that the client has read."""
        self._writer.full(False)

    # What the body says

    def wanted(self) -> None:
        """Ask for the body, and let it not stall."""
        exchange = self._current
        if exchange is None or exchange.request is None:
            return
        body = exchange.body
        if not exchange.asked:
            exchange.asked = True
            expects = exchange.request.by_name.get("expect", "").lower() == "100-continue"
            if expects and not exchange.old and not body.arrived:
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._expire != self._stalled or body.arrived - self._mark >= LEAST_BYTES:
            self._mark = body.arrived
            self._wait(self._house.body_timeout, self._stalled)

    def held(self, full: bool) -> None:
        """Stop reading from the socket, or go on, as the body's reader wants."""
        self._hold("body", full)

    # What the watch says

    def expired(self) -> None:
        """Hear that the deadline has passed."""
        self.deadline = inf
        self._expire()

    def stop(self) -> None:
        """Close now, or after the answer that is under way."""
        if self._current is None:
            self._close()

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()

    # The life of an exchange

    def _arrived(self, exchange: Exchange) -> None:
        self._waiting.append(exchange)

    def _next(self) -> None:
        self._current = exchange = self._waiting.popleft()
        self.deadline = inf
        self._house.rests(self, False)
        if exchange.request is None:
            self._house.refused()
            self._house.turns.enter("", self._begin)
        else:
            self._house.turns.enter(self._house.sender_of(exchange.request), self._begin)

    def _begin(self) -> None:
        exchange = self._current
        if exchange is not None and not self._writer.is_lost:
            drive(self._run(exchange))

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except ConnectionError:  # the client is gone, which is its right: no line of the log for each
            self._transport.abort()
        except Exception:  # noqa: BLE001 - a worker has many other connections
            _log.exception("a request could not be answered")
            self._transport.abort()
        self._finish(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        """Answer, with 503 where the first bytes of a body cannot be read. Raises ConnectionError to break off."""
        response = exchange.refusal
        if response is None and exchange.request is not None:
            response = await self._house.answer(exchange.request)
        if response is None:
            return
        try:
            await self._send(exchange, response)
        except ConnectionError:
            raise
        except Exception as error:
            if not self._writer.is_lost:
                how = "broke off" if exchange.is_answered else "cannot begin"
                _log.error("the answer to request %s %s: %r", id_of(response), how, error)
            if exchange.is_answered:
                raise ConnectionAbortedError from error  # only breaking off tells the client
            await self._send(exchange, unavailable(response))

    async def _send(self, exchange: Exchange, response: Response) -> None:
        hangs_up = _has(response, "connection")  # which only ever closes
        keeps = exchange.keep_alive and not hangs_up and not exchange.unasked and not self._house.stopping
        exchange.keep_alive = keeps
        body = response.body
        if isinstance(body, bytes):
            silent = exchange.head_only or response.status in {204, 304}
            length = None if silent else len(body)
            head = head_of(response.status, response.headers, self._more(exchange, keeps, response), length)
            self._begin_answer(exchange, head if silent else head + body)
            if self._writer.is_full:
                await self._writer.drained()
            return
        if isinstance(body, FileBody):
            await self._send_file(exchange, response, body)
        else:
            await self._send_stream(exchange, response, body)

    async def _send_file(self, exchange: Exchange, response: Response, body: FileBody) -> None:
        """Send a file, which is opened before the head says that it is there."""
        file = os.open(body.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if body.size and not exchange.head_only:
                await self._writer.find(file, body.start)
            more = self._more(exchange, exchange.keep_alive, response)
            self._begin_answer(exchange, head_of(response.status, response.headers, more, body.size))
            if not exchange.head_only:
                await self._writer.send_file(file, body.start, body.size)
        finally:
            os.close(file)

    async def _send_stream(self, exchange: Exchange, response: Response, body: AsyncIterator[bytes]) -> None:
        """Send pieces, the first of which is there before the head says that they are."""
        known = _has(response, "content-length")
        chunked = not known and not exchange.old
        try:
            first = b"" if exchange.head_only else await anext(body, b"")
            exchange.keep_alive = exchange.keep_alive and (known or chunked)
            more = self._more(exchange, exchange.keep_alive, response)
            more = "transfer-encoding: chunked\r\n" + more if chunked else more
            self._begin_answer(exchange, head_of(response.status, response.headers, more, None))
            if not exchange.head_only:
                await self._send_pieces(first, body, chunked=chunked)
        finally:
            await _close(body)

    async def _send_pieces(self, first: bytes, others: AsyncIterator[bytes], *, chunked: bool) -> None:
        writer = self._writer
        piece: bytes | None = first
        while piece is not None:
            if writer.is_lost:
                return
            if piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if writer.is_full:
                await writer.drained()
            piece = await anext(others, None)
        if chunked:
            writer.write(b"0\r\n\r\n")

    def _begin_answer(self, exchange: Exchange, head: bytes) -> None:
        exchange.is_answered = True
        self._writer.write(head)

    def _more(self, exchange: Exchange, keeps: bool, response: Response) -> str:
        """Return the lines that end a head."""
        if keeps:
            return f"{self._house.date}connection: keep-alive\r\n\r\n" if exchange.old else self._house.date + "\r\n"
        if _has(response, "connection"):
            return self._house.date + "\r\n"
        return f"{self._house.date}connection: close\r\n\r\n"

    def _finish(self, exchange: Exchange) -> None:
        """End an exchange: go on to the next, wait for the rest of a body nobody read, or close."""
        body = exchange.body
        if self._writer.is_lost:
            body.drop()
        elif exchange.keep_alive and body.ended:
            self._go_on()
        elif exchange.request is not None and body.is_whole:
            self._close()
        else:
            self._linger(exchange)

    def _linger(self, exchange: Exchange) -> None:
        """Drop what still comes, within bounds: who closes on unread bytes takes the answer from the client."""
        self._linger_left = REFUSED_BYTES if exchange.request is None else LINGER_BYTES
        self._wait(LINGER_SECONDS, self._close)
        exchange.body.drop()
        if not exchange.keep_alive and self._transport.can_write_eof():
            self._transport.write_eof()
        self._hold("order", False)

    def _go_on(self) -> None:
        self._current = None
        if self._waiting:
            self._next()
            self._hold("order", bool(self._waiting))
        elif self._receiver.deaf or self._house.stopping:
            self._close()
        else:
            in_head = self._receiver.in_head
            self._wait(HEAD_SECONDS if in_head else IDLE_SECONDS, self._late if in_head else self._close)
            self._house.rests(self, True)

    # Waiting and closing

    def _wait(self, seconds: float, expire: Callable[[], None]) -> None:
        self._expire = expire
        self.deadline = self._house.now() + seconds

    def _hold(self, why: str, hold: bool) -> None:
        """Read no more as long as there is a reason not to."""
        if (why in self._holds) is hold:
            return
        held = bool(self._holds)
        self._holds ^= {why}
        if self._writer.is_lost or held is bool(self._holds):
            return
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _waits_to_write(self, waits: bool) -> None:
        if waits:
            self._wait(READ_SECONDS, self.abort)
        else:
            self.deadline = inf

    def _stalled(self) -> None:
        exchange = self._current
        if exchange is None or exchange.body.ended:
            return
        if not exchange.body.waits:
            self._wait(self._house.body_timeout, self._stalled)
            return
        exchange.keep_alive = False
        exchange.body.fail(
            ServiceError(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period.",
                400,
                headers=(("connection", "close"),),
            )
        )

    def _late(self) -> None:
        self._close()

    def _close(self) -> None:
        self._transport.close()


def _has(response: Response, header: str) -> bool:
    return header in [name for name, _ in response.headers]


async def _close(body: AsyncIterator[bytes]) -> None:
    closing = getattr(body, "aclose", None)
    if closing is not None:
        await closing()
