"""ASGI to Request and Response back, our own unsigned paths, and what is refused before anything is read.

Plain ASGI, so that any server that keeps the raw path and the raw query exactly can carry it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from rolecall.clock import Clock
from rolecall.config import Settings
from rolecall.message import FileBody, Headers, Request, Response, ServiceError
from rolecall.wire.s3_routes import bucket_of_host

Scope = Mapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DISCARD_BYTES = 32 * 1024 * 1024
"""How much of an unread body is discarded after an early answer, so that clients see the answer and no broken pipe."""
DISCARD_SECONDS = 5.0
ANSWER_SECONDS = 0.05
"""How long an answer to a client that expects `100 Continue` has to reach the wire before its body is touched."""
PIECE = 256 * 1024

_FRAMING = frozenset({"host", "transfer-encoding", "content-length"})
_LINE_BREAK = re.compile("[\n\r\0]")

_log = logging.getLogger("rolecall.edge")


class Lifecycle(Protocol):
    """What starts and stops with a worker."""

    async def start(self) -> None:
        """Make ready to serve."""
        ...

    async def stop(self) -> None:
        """Finish and let go."""
        ...


class Edge:
    """The ASGI application."""

    def __init__(self, handle: Handler, lifecycle: Lifecycle, settings: Settings, clock: Clock) -> None:
        """`handle` answers every request that is not one of our own unsigned paths."""
        self._handle = handle
        self._lifecycle = lifecycle
        self._clock = clock
        self._body_timeout = settings.body_timeout
        self._domains = settings.base_domains
        self._proxies = [ipaddress.ip_network(network, strict=False) for network in settings.trusted_proxies]
        self._ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection: `http` or `lifespan`; others are closed."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._lifecycle.start()
                self._ready = True
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._ready = False
                await self._lifecycle.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Stream(receive, self._body_timeout)
        request = self._request(scope, body)
        if request is None:
            response = Response(400, (("connection", "close"),))
        elif self._is_own(request):
            response = self._own_path(request)
        else:
            response = await self._handle(request)
        unasked = request is not None and request.header("expect") is not None and not body.begun
        if unasked:
            response = replace(response, headers=(*response.headers, ("connection", "close")))
        await self._respond(response, scope, send)
        if unasked:
            # Some clients send their body without waiting to be asked. Touching it before the answer is out would ask.
            await asyncio.sleep(ANSWER_SECONDS)
        if not body.ended:
            await body.discard()

    def _is_own(self, request: Request) -> bool:
        """Tell whether a request is for a path of our own.

        No bucket is called `-`; but where the host names a bucket, the path is a key, and a key may be anything.
        """
        return request.raw_path.startswith(b"/-/") and bucket_of_host(request.header("host"), self._domains) is None

    def _own_path(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(405, (("allow", "GET, HEAD"),))
        if request.raw_path == b"/-/health":
            return Response(200, (("content-type", "text/plain"),), b"alive\n")
        if request.raw_path == b"/-/ready":
            return Response(*((200, (), b"ready\n") if self._ready else (503, (), b"not ready\n")))
        return Response(404)

    def _request(self, scope: Scope, body: _Stream) -> Request | None:
        """Return the request, or None for one whose head two readers could understand differently."""
        raw = scope["headers"]
        raw_path = scope.get("raw_path")
        query = scope["query_string"]
        if not isinstance(raw, Iterable) or not isinstance(raw_path, bytes) or not isinstance(query, bytes):
            return None
        headers = tuple([(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw])
        peer = scope.get("client")
        client = _plain(str(peer[0])) if isinstance(peer, (tuple, list)) and peer else ""
        secure = scope.get("scheme") == "https"
        if self._proxies:
            client, secure = self._behind_proxy(client, secure, headers)
        request = Request(
            method=str(scope["method"]),
            raw_path=raw_path,
            raw_query=query,
            headers=headers,
            body=body,
            secure=secure,
            client=client,
        )
        version = str(scope.get("http_version", "1.1"))
        body.ended = version.startswith("1.") and _has_no_body(request)
        return request if _unambiguous(request, version) else None

    def _behind_proxy(self, peer: str, secure: bool, headers: tuple[tuple[str, str], ...]) -> tuple[str, bool]:
        """Return address and security as trusted proxies tell them: the last address that no trusted proxy has."""
        if not self._trusts(peer):
            return peer, secure
        forwarded = ",".join(value for name, value in headers if name == "x-forwarded-for")
        client = peer
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            address = _address(hop)
            if address is None:
                break
            client = address
            if not self._trusts(client):
                break
        protocols = [value for name, value in headers if name == "x-forwarded-proto"]
        return client, secure or (len(protocols) == 1 and protocols[0].strip().lower() == "https")

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)

    async def _respond(self, response: Response, scope: Scope, send: Send) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
        headers.append((b"date", _date(self._clock.now().replace(microsecond=0))))
        headers.append((b"server", b"Rolecall"))
        head_only = scope["method"] == "HEAD" or response.status in {204, 304}
        body = response.body
        if isinstance(body, bytes) and not head_only:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if head_only or isinstance(body, bytes):
            await send(
                {"type": "http.response.body", "body": b"" if head_only or not isinstance(body, bytes) else body}
            )
            if isinstance(body, AsyncIterator):
                await _close(body)
        elif isinstance(body, FileBody):
            await _send_file(body, scope, send)
        else:
            await _send_pieces(body, send)


class _Stream:
    """A request body read from ASGI, once."""

    def __init__(self, receive: Receive, timeout: float) -> None:
        self._receive = receive
        self._timeout = timeout
        self.begun = False
        self.ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        while not self.ended:
            piece = await self._next()
            if piece:
                yield piece

    async def _next(self) -> bytes:
        self.begun = True
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._receive()
        except TimeoutError:
            self.ended = True
            raise ServiceError(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period.",
                400,
                headers=(("connection", "close"),),
            ) from None
        if message["type"] == "http.disconnect":
            self.ended = True
            raise ServiceError(
                "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header."
            )
        self.ended = not message.get("more_body", False)
        piece = message.get("body", b"")
        return piece if isinstance(piece, bytes) else b""

    async def discard(self) -> None:
        """Read what still comes and drop it, within bounds, after an answer that did not wait for it."""
        left = DISCARD_BYTES
        with suppress(ServiceError, TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.ended and left > 0:
                    left -= len(await self._next())


def _unambiguous(request: Request, version: str) -> bool:
    by_name = request.by_name
    if len(by_name) != len(request.headers) and _repeats_framing(request.headers):
        return False
    if version == "1.1" and not by_name.get("host"):
        return False
    encoding, length = by_name.get("transfer-encoding"), by_name.get("content-length")
    if encoding is not None and (encoding.strip().lower() != "chunked" or length is not None):
        return False
    if length is not None and not (length.isascii() and length.isdigit()):
        return False
    path = request.raw_path
    if b"#" in path or b"#" in request.raw_query or not path.startswith(b"/"):
        return False
    return _LINE_BREAK.search("".join(by_name.values())) is None


def _repeats_framing(headers: Headers) -> bool:
    """Tell whether a header comes twice of which two readers could take different ones."""
    names = [name for name, _ in headers if name in _FRAMING]
    return len(names) != len(set(names))


def _has_no_body(request: Request) -> bool:
    """Tell from the head whether no byte of a body can come."""
    by_name = request.by_name
    return "transfer-encoding" not in by_name and by_name.get("content-length", "0") == "0"


@lru_cache(maxsize=4)
def _date(second: datetime) -> bytes:
    return format_datetime(second, usegmt=True).encode()


def _address(hop: str) -> str | None:
    """Return the bare address of one entry of X-Forwarded-For, which may carry a port, or None if it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return _plain(str(ipaddress.ip_address(hop)))
    except ValueError:
        return None


def _plain(address: str) -> str:
    """Return an IPv4 address as itself that a socket for both kinds shows as `::ffff:192.0.2.7`.

    As IPv6 it would be in none of the IPv4 networks that policies deny and proxies are named by.
    """
    if not address.lower().startswith("::ffff:"):
        return address
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return address if mapped is None else str(mapped)


async def _send_pieces(body: AsyncIterator[bytes], send: Send) -> None:
    try:
        async for piece in body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        await _close(body)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_file(body: FileBody, scope: Scope, send: Send) -> None:
    extensions = scope.get("extensions")
    if isinstance(extensions, Mapping) and "http.response.pathsend" in extensions:
        await send({"type": "http.response.pathsend", "path": body.path})
        return
    await _send_pieces(_read_file(body.path), send)


async def _read_file(path: str) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(Path(path).open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _close(body: AsyncIterator[bytes]) -> None:
    closing = getattr(body, "aclose", None)
    if closing is not None:
        await closing()
