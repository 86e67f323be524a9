"""Request and Response as plain values, and the error that becomes an AWS error answer.

Everything a signature covers is kept as the bytes that came: the raw path, the raw query and every header line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

Headers = Sequence[tuple[str, str]]


class Body(Protocol):
    """A request body that is read once, piece by piece. Nothing is read, no `100 Continue` sent, before `chunks`."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes as they come.

        Raises ServiceError IncompleteBody (400) when the client goes before the end, RequestTimeout (400) when a
        piece is too long in coming.
        """
        ...


def at_hand(body: Body) -> bytes | None:
    """Return the whole body where all of it has come and the body can say so; else None, and nothing is read."""
    take = getattr(body, "at_hand", None)
    whole: bytes | None = None if take is None else take()
    return whole


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as it came.

    Header names are lower case, values are latin-1 text; the order of lines with one name is kept.
    """

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: tuple[tuple[str, str], ...]
    body: Body
    secure: bool = False
    tls_version: str | None = None
    """`1.2` or `1.3` on TLS where the server knows it."""
    client: str = ""
    """The caller's IP address as text: the peer's, or what a trusted proxy said."""
    by_name: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fold the header lines by name: several lines of one name are joined by a comma."""
        folded: dict[str, str] = {}
        for name, value in self.headers:
            folded[name] = f"{folded[name]},{value}" if name in folded else value
        object.__setattr__(self, "by_name", folded)

    def header(self, name: str) -> str | None:
        """Return the value of the header `name` (lower case), several lines joined by a comma; None when absent."""
        return self.by_name.get(name)


@dataclass(frozen=True, slots=True)
class FileBody:
    """An answer's bytes that lie in a file, `size` of them from `start` on, which the kernel may send by itself."""

    path: str
    size: int
    start: int = 0


ResponseBody = bytes | AsyncIterator[bytes] | FileBody


class Response(msgspec.Struct, frozen=True):
    """One HTTP answer. An iterator as `body` is closed by whoever sends it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: ResponseBody = b""


class ServiceError(Exception):
    """A refusal in AWS's words, which the wire spells in the form of the protocol in use.

    `code` and `message` are AWS's, `status` the HTTP status; `fields` are further elements that S3 adds to an error
    (`BucketName`, `Resource` ...), `headers` further header lines of the answer; `reason` is what only the trail may
    say, never the caller.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Headers = (),
        reason: str = "",
    ) -> None:
        """See the class."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, str] = fields or {}
        self.headers: tuple[tuple[str, str], ...] = tuple(headers)
        self.reason = reason
