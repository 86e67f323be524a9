"""The protocol that a service speaks, so that nobody else has to know which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rolecall.message import Request, Response, ServiceError
from rolecall.wire import json_rpc, query, rest_json, rest_xml
from rolecall.wire.model import service
from rolecall.wire.route import accepts_json
from rolecall.wire.routed import Addressee, Routed


class Speech(Protocol):
    """What every protocol can do."""

    def parse(self, routed: Routed, request: Request, body: bytes | None) -> dict[str, object]:
        """Return the operation's parameters by their names in snake_case. Raises ServiceError."""
        ...

    def answer(self, routed: Routed, result: Mapping[str, object], *, request_id: str, host_id: str) -> Response:
        """Return the answer that carries `result`."""
        ...

    def refuse(self, error: ServiceError, to: Addressee) -> Response:
        """Return the answer that says `error`."""
        ...


_SPEECHES: Mapping[str, Speech] = {
    "query": query,
    "rest-xml": rest_xml,
    "json": json_rpc,
    "rest-json": rest_json,
}


def speech_of(name: str) -> Speech:
    """Return the protocol of the service `name`. Raises KeyError where no such service is served."""
    return _SPEECHES[service(name).protocol]


def refusal(service_name: str, request: Request, error: ServiceError, *, request_id: str, host_id: str) -> Response:
    """Return the answer that says `error` to `request`, in the protocol of the service `service_name`."""
    to = Addressee(service_name, request_id, host_id, request.method == "HEAD", accepts_json(request))
    return speech_of(service_name).refuse(error, to)
