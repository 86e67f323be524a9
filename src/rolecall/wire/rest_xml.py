"""S3's protocol: names in path, query and headers, XML or bytes in bodies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import cache

from rolecall.message import FileBody, Request, Response, ResponseBody, ServiceError
from rolecall.wire import rest_input
from rolecall.wire.checksums import check_document
from rolecall.wire.model import Member, OperationModel, Shape
from rolecall.wire.routed import Addressee, Routed
from rolecall.wire.scalars import MOMENTS, WRITERS, http_date, iso_zero_thousandths
from rolecall.wire.xml_output import body_members, element_writer, escaped, structure_writer

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
MAX_KEY = 1024
"""The longest key, in bytes of UTF-8."""

_XML = ("content-type", "application/xml")
_BODILESS = frozenset({204, 304})
_NAME_XML = frozenset({"HeadBucket"})
"""Answers without a body that say `application/xml` on AWS, as ListObjects on the same path does."""
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def parse(routed: Routed, request: Request, body: bytes | None) -> dict[str, object]:
    """Return the operation's parameters; a streamed body is not among them, nor are PostObject's form fields.

    Raises ServiceError in S3's words: InvalidArgument, InvalidRequest, MalformedXML, MissingRequestBodyError,
    KeyTooLongError, and BadDigest for a document that is not what its digest says.
    """
    if routed.key is not None and len(routed.key) * 4 > MAX_KEY:
        _check_key(routed.key)
    if body:
        check_document(request.by_name, body, checksums=routed.operation.checksum is not None)
    labels = {"Bucket": routed.bucket, "Key": routed.key}
    return read(routed.operation, labels, routed.query, request.by_name, body)


def parse_form(routed: Routed, fields: Mapping[str, str]) -> dict[str, object]:
    """Return PostObject's parameters from the fields of its HTML form; the bucket is the path's, whatever they say.

    `${filename}` in the key is not replaced here: only the form's file part knows the name.
    """
    values: dict[str, object] = {}
    shape = routed.operation.input
    if shape is not None:
        rest_input.read_labels(shape, {"Bucket": routed.bucket}, values)
        rest_input.read_form(shape, fields, values)
    return values


def read(
    operation: OperationModel,
    labels: Mapping[str, str | None],
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes | None,
) -> dict[str, object]:
    """Return the parameters that stand in the parts of a request. Raises as `parse` does."""
    values: dict[str, object] = {}
    shape = operation.input
    if shape is not None:
        rest_input.read_labels(shape, labels, values)
        rest_input.read_query(shape, query, values)
        rest_input.read_headers(shape, headers, values)
        rest_input.read_body(operation, body, values)
    return values


def _check_key(key: str) -> None:
    size = len(key.encode())
    if size > MAX_KEY:
        fields = {"Size": str(size), "MaxSizeAllowed": str(MAX_KEY)}
        raise ServiceError("KeyTooLongError", "Your key is too long", fields=fields)


def answer(routed: Routed, result: Mapping[str, object], *, request_id: str, host_id: str) -> Response:
    """Return the answer that carries `result`.

    A body of bytes, an iterator or a file goes out as it is; the length of bytes is for whoever sends them. A part of
    an object (`content_range`) is answered with 206, an answer that says its status itself with that.
    """
    document = _document(routed.operation)
    headers = [("x-amz-request-id", request_id), ("x-amz-id-2", host_id)]
    body = document.body(result)
    writers = document.headers
    for snake, value in result.items():
        if value is None or (write := writers.get(snake)) is None:
            continue
        if snake != "content_length" or not document.has_body or not isinstance(body, bytes):
            write(value, headers)
    status = document.status
    if document.ranged and result.get("content_range") is not None:
        status = 206
    said = result.get(document.status_member)
    if isinstance(said, int):
        status = said
    if status in _BODILESS:
        body = b""
    if document.media_type and (body or document.names_type):
        headers.append(("content-type", document.media_type))
    return Response(status, tuple(headers), body)


def refuse(error: ServiceError, to: Addressee) -> Response:
    """Return the answer that says `error`: to HEAD, and where nothing is modified, without a body."""
    headers = (("x-amz-request-id", to.request_id), ("x-amz-id-2", to.host_id), *error.headers)
    if error.status in _BODILESS:
        return Response(error.status, headers)
    if to.head:
        return Response(error.status, (_XML, *headers))
    fields = "".join(f"<{name}>{escaped(value)}</{name}>" for name, value in error.fields.items())
    text = (
        f"{XML_DECLARATION}<Error><Code>{escaped(error.code)}</Code><Message>{escaped(error.message)}</Message>{fields}"
        f"<RequestId>{escaped(to.request_id)}</RequestId><HostId>{escaped(to.host_id)}</HostId></Error>"
    )
    return Response(error.status, (_XML, *headers), text.encode())


HeaderWriter = Callable[[object, list[tuple[str, str]]], None]


@dataclass(frozen=True, slots=True)
class _Document:
    """How an operation's results are written."""

    status: int
    headers: Mapping[str, HeaderWriter]
    body: Callable[[Mapping[str, object]], ResponseBody]
    media_type: str
    has_body: bool
    ranged: bool
    """Whether a result may be a part of an object."""
    status_member: str
    """The member that says the status, if there is one."""
    names_type: bool = False
    """Whether an answer without a body says the type all the same."""


@cache
def _document(operation: OperationModel) -> _Document:
    shape = operation.output
    if shape is None:
        return _Document(operation.status, {}, _no_body, "", has_body=False, ranged=False, status_member="")
    headers = {
        member.snake: _header_writer(member) if member.location == "header" else _prefixed_writer(member)
        for member in shape.members.values()
        if member.location in {"header", "headers"}
    }
    body, media_type = _body_writer(operation, shape)
    names_type = operation.name in _NAME_XML
    return _Document(
        operation.status,
        headers,
        body,
        "application/xml" if names_type else media_type,
        has_body=body is not _no_body,
        ranged="content_range" in shape.members,
        status_member=next((m.snake for m in shape.members.values() if m.location == "statusCode"), ""),
        names_type=names_type,
    )


def header_text(text: str) -> str:
    """Return `text` as a header's value: no line ends or other control characters, and UTF-8 beyond latin-1."""
    if _UNSENDABLE.search(text):
        text = _UNSENDABLE.sub(" ", text)
    return text if text.isascii() else _latin(text)


def _latin(text: str) -> str:
    """Spell text beyond latin-1 as the bytes of UTF-8; within it, the characters are what the client had sent."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("latin-1")
    return text


def _header_writer(member: Member) -> HeaderWriter:
    name = member.wire_name.lower()
    spell = _header_spelling(member)

    def write(value: object, headers: list[tuple[str, str]]) -> None:
        headers.append((name, header_text(spell(value))))

    return write


def _header_spelling(member: Member) -> Callable[[object], str]:
    shape = member.shape
    if shape.type == "timestamp":
        return MOMENTS[member.timestamp_format] if member.timestamp_format else http_date
    if shape.type == "list":
        spell = _header_spelling(shape.element)
        return lambda values: ", ".join(map(spell, values)) if isinstance(values, list | tuple) else str(values)
    return WRITERS[shape.type]


def _prefixed_writer(member: Member) -> HeaderWriter:
    prefix = member.traits.location_name.lower()

    def write(values: object, headers: list[tuple[str, str]]) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"{member.name} is a mapping, not {type(values).__name__}")
        headers.extend((f"{prefix}{name}", header_text(str(value))) for name, value in values.items())

    return write


def _body_writer(operation: OperationModel, shape: Shape) -> tuple[Callable[[Mapping[str, object]], ResponseBody], str]:
    """Return the writer of an answer's body, and the media type that S3 gives it where no header says one."""
    payload = shape.payload
    if payload is not None:
        if payload.shape.type in {"blob", "string"} or payload.streaming:
            return _raw_writer(payload), "application/json" if payload.shape.type == "string" else ""
        return _payload_writer(operation, payload), "application/xml"
    if operation.traits.unwrapped:
        return _unwrapped_writer(operation, shape), "application/xml"
    if body_members(shape):
        return _members_writer(operation, shape), "application/xml"
    return _no_body, ""


def _no_body(result: Mapping[str, object]) -> ResponseBody:
    del result
    return b""


def _raw_writer(payload: Member) -> Callable[[Mapping[str, object]], ResponseBody]:
    snake = payload.snake

    def write(result: Mapping[str, object]) -> ResponseBody:
        value = result.get(snake)
        if value is None:
            return b""
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, bytes | FileBody | AsyncIterator):
            return value
        raise TypeError(f"{snake} is bytes, a file or an iterator, not {type(value).__name__}")

    return write


def _root_namespace(operation: OperationModel) -> str:
    return f' xmlns="{uri}"' if (uri := operation.model.xml_namespace) else ""


def _payload_writer(operation: OperationModel, payload: Member) -> Callable[[Mapping[str, object]], ResponseBody]:
    name = payload.traits.location_name or payload.shape.traits.location_name or payload.shape.name
    namespace = _root_namespace(operation) if payload.xml_namespace is None else ""
    write_element = element_writer(payload, name, iso_zero_thousandths)
    opening = f"<{name}"

    def write(result: Mapping[str, object]) -> ResponseBody:
        value = result.get(payload.snake)
        if value is None:
            return b""
        out: list[str] = []
        write_element(value, out)
        text = "".join(out)
        return f"{XML_DECLARATION}{opening}{namespace}{text[len(opening) :]}".encode()

    return write


def _members_writer(operation: OperationModel, shape: Shape) -> Callable[[Mapping[str, object]], ResponseBody]:
    name = _root_name(operation, shape)
    opening, closing = f"{XML_DECLARATION}<{name}{_root_namespace(operation)}>", f"</{name}>"
    write_members = structure_writer(shape, iso_zero_thousandths)

    def write(result: Mapping[str, object]) -> ResponseBody:
        out = [opening]
        write_members(result, out)
        out.append(closing)
        return "".join(out).encode()

    return write


def _unwrapped_writer(operation: OperationModel, shape: Shape) -> Callable[[Mapping[str, object]], ResponseBody]:
    name = _root_name(operation, shape)
    member = body_members(shape)[0]
    opening = f"{XML_DECLARATION}<{name}{_root_namespace(operation)}"

    def write(result: Mapping[str, object]) -> ResponseBody:
        value = result.get(member.snake)
        text = "/>" if not value else f">{escaped(str(value))}</{name}>"
        return f"{opening}{text}".encode()

    return write


def _root_name(operation: OperationModel, shape: Shape) -> str:
    named = operation.traits.output.location_name if operation.traits.output else ""
    return named or shape.traits.location_name or shape.name
