"""Bytes in, exchanges out: heads and chunks are taken apart by llhttp, within bounds of our own."""

from __future__ import annotations

from collections.abc import Callable

import httptools

from rolecall.edge.body import IncomingBody, Source
from rolecall.edge.exchange import Exchange, refused
from rolecall.edge.head import MAX_HEAD, BadHead, Head, malformed, too_long
from rolecall.edge.origin import Origin
from rolecall.message import Request, ServiceError

MAX_BETWEEN = 64 * 1024
"""The most that chunk extensions and trailers may take between two pieces of a body, in bytes."""
WORTH_PASSING_BY = 64 * 1024
"""From so many bytes on the rest of a body of known length goes past the parser."""


class Receiver:
    """Takes one connection's bytes apart and hands the requests it finds to `arrived`, in order."""

    def __init__(self, source: Source, origin: Origin, arrived: Callable[[Exchange], None]) -> None:
        """`source` is told when a body is waited for or held too much."""
        self._source = source
        self._origin = origin
        self._arrived = arrived
        self._parser = httptools.HttpRequestParser(self)
        self._head: Head | None = None
        self._latest: Exchange | None = None
        self._is_open = False  # the latest exchange's body has not ended
        self._resumes = False
        self._passing = 0
        self._unread = 0
        self.deaf = False
        """Whether whatever else comes is ignored: the last request has come, or what came was no request."""

    @property
    def in_head(self) -> bool:
        """Whether a head has begun and is not complete."""
        return self._head is not None

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        if self._passing:
            data = self._pass_by(data)
            if not data or self.deaf:
                return
        while data:
            self._unread += len(data)
            data = self._parse(data)
        if self._unread > (MAX_HEAD if self._head else MAX_BETWEEN):
            self._break_off(too_long())
        elif self._is_open:
            self._look_ahead()

    def _parse(self, data: bytes) -> bytes:
        """Have bytes taken apart, and return those behind a head that offers another protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as failed:
            self._break_off(failed.__context__ if isinstance(failed.__context__, BadHead) else malformed())
        except httptools.HttpParserError:
            self._break_off(malformed())
        return b""

    def end(self) -> None:
        """Hear that the client sends no more."""
        self.deaf = True
        self._fail(
            "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header."
        )

    def on_message_begin(self) -> None:
        """Begin a head."""
        if not self._resumes:
            self._head = Head()
            self._unread = 0

    def on_url(self, part: bytes) -> None:
        """Take in a part of the target."""
        if self._head is not None:
            self._head.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header line. A trailer is dropped: what S3 knows of trailers stands inside aws-chunked."""
        if self._head is not None:
            self._head.line(name, value)

    def on_headers_complete(self) -> None:
        """Hand on the request, whose body is still to come."""
        self._unread = 0
        head = self._head
        if head is None:
            self._resumes = False
            return
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        if method == b"CONNECT":
            raise malformed()
        body = IncomingBody(self._source)
        request = head.request(method.decode(), version, body, self._origin)
        self._head = None
        self._latest = Exchange(request, body, keep_alive=parser.should_keep_alive(), old=version == "1.0")
        self._is_open = True
        self._arrived(self._latest)

    def on_body(self, piece: bytes) -> None:
        """Hand on a piece of the body."""
        self._unread = 0
        if self._latest is not None:
            self._latest.body.feed(piece)

    def on_message_complete(self) -> None:
        """End the body."""
        if not self._parser.should_upgrade():
            self._complete()

    def _complete(self) -> None:
        self._is_open = False
        self._unread = 0
        if self._latest is not None:
            self._latest.body.end()
            self.deaf = self.deaf or not self._latest.keep_alive

    def _look_ahead(self) -> None:
        """Have the rest of a long body of known length go past the parser, which would copy it."""
        if self._latest is None or self._latest.request is None:
            return
        length = self._latest.request.by_name.get("content-length")
        if length is not None and (left := int(length) - self._latest.body.arrived) > WORTH_PASSING_BY:
            self._passing = left

    def _pass_by(self, data: bytes) -> bytes:
        """Hand on body bytes as they are, and return what follows the body."""
        piece, rest = (data, b"") if len(data) <= self._passing else (data[: self._passing], data[self._passing :])
        self._passing -= len(piece)
        if self._latest is not None:
            self._latest.body.feed(piece)
        if not self._passing:
            self._parser = httptools.HttpRequestParser(self)
            self._complete()
        return rest

    def _ignore_upgrade(self, rest: bytes) -> bytes:
        """Go on with HTTP/1.1 where the client offered another protocol (RFC 9110, 7.8), and return what is left.

        llhttp stops there, before the body; a head with the same framing brings a second parser to the same place.
        """
        latest = self._latest
        if latest is None or latest.request is None:
            return b""
        if not self.deaf:
            self._parser = httptools.HttpRequestParser(self)
            self._resumes = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + _framing(latest.request) + b"\r\n")
        return b"" if self.deaf else rest

    def _break_off(self, bad: BadHead) -> None:
        """Ignore whatever else comes, and fail the body that is being read or, without one, answer the refusal."""
        if self.deaf:
            return
        self.deaf = True
        if self._is_open:
            self._fail(bad.code, bad.message)
        else:
            self._arrived(refused(bad, IncomingBody(self._source)))

    def _fail(self, code: str, message: str) -> None:
        if self._is_open and self._latest is not None:
            self._is_open = False
            self._latest.keep_alive = False
            self._latest.body.fail(ServiceError(code, message, 400, headers=(("connection", "close"),)))


def _framing(request: Request) -> bytes:
    """Return the header line that tells where a request's body ends."""
    for name in ("transfer-encoding", "content-length"):
        if (value := request.by_name.get(name)) is not None:
            return f"{name}: {value}\r\n".encode("latin-1")
    return b""
