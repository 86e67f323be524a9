"""One request of a connection, and how its answer must end."""

from __future__ import annotations

from xml.sax.saxutils import escape

from rolecall.edge.body import IncomingBody
from rolecall.edge.head import BadHead
from rolecall.message import Headers, Request, Response

_IDS = {"x-amz-request-id": "RequestId", "x-amz-id-2": "HostId"}


class Exchange:
    """A request whose head is complete, or the refusal of what was none."""

    __slots__ = ("asked", "body", "is_answered", "keep_alive", "old", "refusal", "request")

    def __init__(self, request: Request | None, body: IncomingBody, *, keep_alive: bool, old: bool) -> None:
        """`old`: HTTP/1.0, which has no chunks and closes the connection unless `keep-alive` is asked for."""
        self.request = request
        self.body = body
        self.keep_alive = keep_alive
        self.old = old
        self.refusal: Response | None = None
        self.asked = False
        """`100 Continue` was sent, or need not be."""
        self.is_answered = False
        """The head of the answer is out."""

    @property
    def unasked(self) -> bool:
        """Whether an `Expect` got no `100 Continue`: the next bytes may be the body or a new request."""
        request = self.request
        return request is not None and not self.body.ended and "expect" in request.by_name and not self.body.begun

    @property
    def head_only(self) -> bool:
        """Whether the answer has a head and no body."""
        return self.request is not None and self.request.method == "HEAD"


def refused(bad: BadHead, body: IncomingBody) -> Exchange:
    """Return the exchange that answers what is no request, in S3's words, and ends the connection."""
    exchange = Exchange(None, body, keep_alive=False, old=False)
    exchange.refusal = _document(bad.status, bad.code, bad.message)
    return exchange


def unavailable(instead_of: Response) -> Response:
    """Return S3's 503 ServiceUnavailable for an object whose bytes cannot be read now, with the request's ids."""
    ids = tuple((name, value) for name, value in instead_of.headers if name in _IDS)
    more = "".join(f"<{_IDS[name]}>{escape(value)}</{_IDS[name]}>" for name, value in ids)
    return _document(503, "ServiceUnavailable", "Service is unable to handle request.", more, ids)


def id_of(response: Response) -> str:
    """Return the id by which an answer's request is known."""
    return next((value for name, value in response.headers if name in _IDS), "")


def _document(status: int, code: str, message: str, more: str = "", headers: Headers = ()) -> Response:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>'
    )
    return Response(status, (("content-type", "application/xml"), *headers), text.encode())
