"""Requests for tests of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from tests.wire.botocore_half import Unread

from rolecall.message import Request, Response, ServiceError
from rolecall.wire.model import services
from rolecall.wire.route import needs_form, route, service_of, spoken_by
from rolecall.wire.routed import Routed
from rolecall.wire.speech import refusal, speech_of
from rolecall.wire.xml_input import MalformedXml, parse_document

DOMAINS = ("localhost", "s3.example.com")
FORM = "application/x-www-form-urlencoded"


def request(
    method: str, target: str, headers: Mapping[str, str] | None = None, *, host: str = "localhost:4500"
) -> Request:
    """Return a request for a raw target: path, and query after a question mark."""
    path, _, query = target.partition("?")
    lines = {"host": host, **(headers or {})}
    raw = tuple((name.lower(), value) for name, value in lines.items())
    return Request(
        method, path.encode("utf-8", "surrogateescape"), query.encode("utf-8", "surrogateescape"), raw, Unread()
    )


def signed(**headers: str) -> dict[str, str]:
    """Return headers of a request that carries a signature, which the wire does not look at."""
    return {"authorization": "AWS4-HMAC-SHA256 ...", **headers}


def form(service: str, body: str, *, headers: Mapping[str, str] | None = None) -> Routed:
    """Return a routed form of a query service."""
    made = request("POST", "/", signed(**{"content-type": FORM, **(headers or {})}))
    return route(made, service, body.encode(), DOMAINS)


def parameters(service: str, body: str) -> dict[str, object]:
    """Return what we read of a form."""
    routed = form(service, body)
    return speech_of(service).parse(routed, request("POST", "/"), None)


def s3(method: str, target: str, headers: Mapping[str, str] | None = None, *, host: str = "localhost:4500") -> Routed:
    """Return a routed request of S3."""
    return route(request(method, target, signed(**(headers or {})), host=host), "s3", None, DOMAINS)


def s3_parameters(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> dict[str, object]:
    """Return what we read of a request of S3."""
    made = request(method, target, headers)
    return speech_of("s3").parse(route(made, "s3", None, DOMAINS), made, body)


def refusal_of(error: ServiceError) -> tuple[str, int, str]:
    """Return what a refusal says."""
    return error.code, error.status, error.message


def text(response: Response) -> str:
    """Return the body of an answer."""
    assert isinstance(response.body, bytes)
    return response.body.decode()


def answers(request: Request, name: str, body: bytes | None) -> None:
    """Take a request through the wire; let through only ServiceError, and spell it."""
    assert spoken_by(request, DOMAINS) in services()
    assert service_of(request, name, DOMAINS) == name
    try:
        routed = route(request, name, body if needs_form(name, request) else None, DOMAINS)
        values = speech_of(routed.service).parse(routed, request, body)
        assert isinstance(values, dict)
        return
    except ServiceError as refused:
        error = refused
    assert 400 <= error.status < 500
    response = refusal(name, request, error, request_id="id", host_id="host")
    assert isinstance(response.body, bytes)
    if response.body and not dict(response.headers)["content-type"].endswith(("json", "1.1")):
        with suppress(MalformedXml):  # a reference to a character that XML has not
            parse_document(response.body)
