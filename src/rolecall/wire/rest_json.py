"""The REST-JSON protocol of Access Analyzer: paths and queries name the operation, bodies are JSON.

https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from rolecall.message import Request, Response, ServiceError
from rolecall.wire.json_values import Unfit, dumps, loads, read_structure, structure_plainer
from rolecall.wire.model import Member, OperationModel, Shape, service
from rolecall.wire.routed import Addressee, Routed
from rolecall.wire.scalars import READERS, Unreadable
from rolecall.wire.urlencoded import Undecodable, decode_pairs, decode_path
from rolecall.wire.violations import NOT_NULL, Violations, check_of

_INVALID = "ValidationException"
_CONTENT_TYPE = ("content-type", "application/json")
_LABEL = re.compile(r"\{(\w+)\}")
_FORBIDDEN = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
"""Errors that have the status 403 here; the JSON-RPC protocol answers them with 400."""


def route(request: Request, service_name: str, body: bytes | None) -> Routed:
    """Return the operation whose method and path a request has. Raises ServiceError UnknownOperationException."""
    path = request.raw_path or b"/"
    for operation, pattern in _patterns(service_name):
        if operation.method == request.method and (found := pattern.fullmatch(path)) is not None:
            return Routed(service_name, operation, labels=_decoded(found.groupdict()), raw_body=body)
    raise ServiceError("UnknownOperationException", "The method and path name no operation of this service.", 404)


@cache
def _patterns(service_name: str) -> Sequence[tuple[OperationModel, re.Pattern[bytes]]]:
    """Return the operations with the patterns of their paths, constant ones before those with labels."""
    found = list(service(service_name).operations.values())
    found.sort(key=lambda operation: operation.uri.count("{"))
    return [(operation, _pattern(operation.uri)) for operation in found]


def _pattern(uri: str) -> re.Pattern[bytes]:
    pieces = _LABEL.split(uri)
    text = "".join(f"(?P<{piece}>[^/]+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    return re.compile(text.encode() + b"/?")


def _decoded(labels: Mapping[str, bytes]) -> dict[str, str]:
    try:
        return {name: decode_path(value) for name, value in labels.items()}
    except Undecodable as problem:
        raise _cannot_parse(str(problem)) from None


def parse(routed: Routed, request: Request, body: bytes | None) -> dict[str, object]:
    """Return the operation's parameters.

    Raises ServiceError ValidationException with every broken constraint, or SerializationException.
    """
    shape = routed.operation.input
    if shape is None:
        return {}
    raw = (body if body is not None else routed.raw_body) or b""
    violations = Violations()
    try:
        values = read_structure(shape, loads(raw) if raw.strip() else {}, "", violations)
        pairs = decode_pairs(request.raw_query)
    except Unfit as problem:
        raise ServiceError("SerializationException", str(problem)) from None
    except Undecodable as problem:
        raise _cannot_parse(str(problem)) from None
    texts = {"uri": {name: [value] for name, value in routed.labels.items()}, "querystring": _grouped(pairs)}
    texts["header"] = {name: [value] for name, value in request.by_name.items()}
    for member in shape.members.values():
        if member.location in texts:
            _take(member, texts[member.location], values, violations, required=member.snake in shape.required)
    if violations:
        error = violations.error(_INVALID)
        raise ServiceError(_INVALID, error.message, fields={"reason": "fieldValidationFailed"})
    return values


def _cannot_parse(sentence: str) -> ServiceError:
    return ServiceError(_INVALID, sentence, fields={"reason": "cannotParse"})


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _take(
    member: Member, texts: Mapping[str, list[str]], values: dict[str, object], violations: Violations, *, required: bool
) -> None:
    """Read a member that travels as text beside the body."""
    given = texts.get(member.wire_name.lower() if member.location == "header" else member.wire_name)
    path = member.name[:1].lower() + member.name[1:]
    if not given:
        if required:
            violations.add(path, NOT_NULL)
        return
    shape = member.shape
    if shape.type == "list":
        value: object = [_scalar(shape.element.shape, text, path) for text in given]
    elif len(given) > 1:
        raise _cannot_parse(f"The parameter {member.wire_name} is given more than once.")
    else:
        value = _scalar(shape, given[0], path)
    check = check_of(shape)
    if check is not None:
        check(value, path, violations)
    values[member.snake] = value


def _scalar(shape: Shape, text: str, path: str) -> object:
    if shape.type == "string":
        return text
    try:
        return READERS[shape.type](text)
    except Unreadable as problem:
        raise ServiceError("SerializationException", f"The value at '{path}' is not {problem}.") from None


def answer(routed: Routed, result: Mapping[str, object], *, request_id: str, host_id: str) -> Response:
    """Return the answer that carries `result`."""
    del host_id
    operation = routed.operation
    body = b"" if operation.output is None else dumps(structure_plainer(operation.output)(result))
    return Response(operation.status, (("x-amzn-requestid", request_id), _CONTENT_TYPE), body)


def refuse(error: ServiceError, to: Addressee) -> Response:
    """Return the answer that says `error`, under the status that the service's model has for it."""
    known = service(to.service).record.shapes.get(error.code)
    status = 403 if error.code in _FORBIDDEN else error.status
    if known is not None and known.error is not None:
        status = known.error.http_status_code
    fields = dict(error.fields)
    if error.code == _INVALID:
        fields.setdefault("reason", "other")
    headers = (("x-amzn-requestid", to.request_id), ("x-amzn-errortype", error.code), _CONTENT_TYPE, *error.headers)
    return Response(status, headers, b"" if to.head else dumps({**fields, "message": error.message}))
