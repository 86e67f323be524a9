"""The JSON protocol (`X-Amz-Target`, version 1.1) of CloudTrail."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.message import Request, Response, ServiceError
from rolecall.wire.json_values import Unfit, dumps, loads, read_structure, structure_plainer
from rolecall.wire.model import ServiceModel, service
from rolecall.wire.routed import Addressee, Routed
from rolecall.wire.violations import Violations


def parse(routed: Routed, request: Request, body: bytes | None) -> dict[str, object]:
    """Return the operation's parameters.

    Raises ServiceError ValidationException with every broken constraint, or SerializationException.
    """
    del request
    shape = routed.operation.input
    raw = (body if body is not None else routed.raw_body) or b""
    if shape is None:
        return {}
    violations = Violations()
    try:
        values = read_structure(shape, loads(raw) if raw.strip() else {}, "", violations)
    except Unfit as problem:
        raise ServiceError("SerializationException", str(problem)) from None
    if violations:
        raise violations.error("ValidationException")
    return values


def answer(routed: Routed, result: Mapping[str, object], *, request_id: str, host_id: str) -> Response:
    """Return the answer that carries `result`."""
    del host_id
    operation = routed.operation
    body = b"" if operation.output is None else dumps(structure_plainer(operation.output)(result))
    return Response(operation.status, (("x-amzn-requestid", request_id), _content_type(operation.model)), body)


def refuse(error: ServiceError, to: Addressee) -> Response:
    """Return the answer that says `error`."""
    headers = (("x-amzn-requestid", to.request_id), _content_type(service(to.service)), *error.headers)
    body = b"" if to.head else dumps({"__type": error.code, "message": error.message})
    return Response(error.status, headers, body)


def _content_type(model: ServiceModel) -> tuple[str, str]:
    return "content-type", f"application/x-amz-json-{model.record.metadata.json_version or '1.1'}"
