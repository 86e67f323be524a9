"""A request's head: what two readers could understand differently is refused, the rest becomes a Request."""

from __future__ import annotations

import re
from functools import lru_cache

from rolecall.edge.origin import Origin
from rolecall.message import Body, Headers, Request

MAX_LINES = 100
MAX_TARGET = 65_534
MAX_HEAD = 256 * 1024
"""The most that one head may take, in bytes."""

_LONGEST_KEPT = 64
"""Of the names that are remembered, in bytes: a head may hold one of a quarter of a megabyte."""
_HOST = re.compile(r"(?:\[[0-9A-Za-z:.%_~-]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")
"""A name or an address, and a port: what answers show of it must not be read as anything else (RFC 9112, 3.2)."""
_FRAMING = frozenset({"host", "transfer-encoding", "content-length"})


class BadHead(Exception):
    """A head that is refused: the status, and AWS's code and sentence for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """See the class."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def malformed() -> BadHead:
    """Return S3's refusal of what is no HTTP request."""
    return BadHead(400, "BadRequest", "An error occurred when parsing the HTTP request.")


def too_long() -> BadHead:
    """Return S3's refusal of a head that is too long."""
    message = "Your request header and query parameters exceed the maximum allowed size."
    return BadHead(431, "RequestHeaderSectionTooLarge", message)


def target_too_long() -> BadHead:
    """Return the refusal of a target that is too long."""
    return BadHead(414, "URITooLong", "The request's target exceeds the maximum allowed length.")


class Head:
    """A head while it comes, line by line."""

    __slots__ = ("lines", "target")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.target = b""
        self.lines: list[tuple[bytes, bytes]] = []

    def line(self, name: bytes, value: bytes) -> None:
        """Take in a header line. Raises BadHead for one too many."""
        if len(self.lines) >= MAX_LINES:
            raise too_long()
        self.lines.append((name, value))

    def request(self, method: str, version: str, body: Body, origin: Origin) -> Request:
        """Return the request. Raises BadHead where it could be understood in two ways."""
        if len(self.target) > MAX_TARGET:
            raise target_too_long()
        raw_path, _, raw_query = self.target.partition(b"?")
        headers = tuple([(_name(name), value.decode("latin-1").strip(" \t")) for name, value in self.lines])
        client, secure = origin.of(headers)
        request = Request(method, raw_path, raw_query, headers, body, secure, origin.tls_version, client)
        if not _unambiguous(request, version):
            raise malformed()
        return request


def _name(name: bytes) -> str:
    return _read_name(name) if len(name) <= _LONGEST_KEPT else _read_name.__wrapped__(name)


@lru_cache(maxsize=1024)
def _read_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _unambiguous(request: Request, version: str) -> bool:
    by_name = request.by_name
    if len(by_name) != len(request.headers) and _repeats_framing(request.headers):
        return False
    host = by_name.get("host")
    if host and _HOST.fullmatch(host.strip(" \t")) is None:
        return False
    if version == "1.1":
        if not host:
            return False
    elif version != "1.0" or "transfer-encoding" in by_name:
        return False
    encoding = by_name.get("transfer-encoding")
    if encoding is not None and (encoding.lower() != "chunked" or "content-length" in by_name):
        return False
    return request.raw_path.startswith(b"/") and b"#" not in request.raw_path and b"#" not in request.raw_query


def _repeats_framing(headers: Headers) -> bool:
    """Tell whether a header comes twice of which two readers could take different ones."""
    names = [name for name, _ in headers if name in _FRAMING]
    return len(names) != len(set(names))
