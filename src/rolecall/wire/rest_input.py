"""S3's parameters, compiled: from path, query, headers, HTML form fields and XML bodies to values.

Only what the wire itself says is checked here, in S3's words: numbers, booleans, dates, XML. What values mean (an
unknown storage class, a negative max-keys) has an answer of its own for each operation, which the service gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from rolecall.message import ServiceError
from rolecall.wire.model import Member, OperationModel, Shape
from rolecall.wire.scalars import READERS, Unreadable, lenient_boolean
from rolecall.wire.xml_input import Element, MalformedXml, parse_document, read_structure

Read = Callable[[str, str], object]
"""Reads a text that came under a name; None means that S3 takes no notice of it."""

MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"


@dataclass(frozen=True, slots=True)
class _Named:
    """Members that come under a name: each name's member and reader, and the prefixes of maps."""

    readers: Mapping[str, tuple[str, Read]]
    prefixes: tuple[tuple[str, str], ...]
    required: tuple[tuple[str, str], ...]


def read_labels(shape: Shape, labels: Mapping[str, str | None], values: dict[str, object]) -> None:
    """Take the members that stand in the path."""
    for snake, name, read in _labels(shape):
        text = labels.get(name)
        if text is not None:
            values[snake] = read(text, name)


def read_headers(shape: Shape, headers: Mapping[str, str], values: dict[str, object]) -> None:
    """Take the members that are headers; names are in lower case."""
    _read(_named(shape, "header", "headers"), headers, values, "Missing required header for this request: {name}")


def read_query(shape: Shape, query: Mapping[str, str], values: dict[str, object]) -> None:
    """Take the members that are query parameters."""
    _read(_named(shape, "querystring", ""), query, values, "Missing required parameter for this request: '{name}'")


def read_form(shape: Shape, fields: Mapping[str, str], values: dict[str, object]) -> None:
    """Take the members that are fields of an HTML form; names in any case."""
    folded = {name.lower(): value for name, value in fields.items()}
    _read(_named(shape, "form", "forms"), folded, values, "Missing required field for this request: {name}")


def _read(named: _Named, found: Mapping[str, str], values: dict[str, object], missing: str) -> None:
    get = named.readers.get
    for name, text in found.items():
        if (entry := get(name)) is not None:
            snake, read = entry
            value = read(text, name)
            if value is not None:
                values[snake] = value
    for prefix, snake in named.prefixes:
        entries = {name[len(prefix) :]: text for name, text in found.items() if name.startswith(prefix)}
        if entries:
            values[snake] = entries
    for snake, name in named.required:
        if snake not in values:
            raise ServiceError("InvalidRequest", missing.replace("{name}", name))


@cache
def _named(shape: Shape, location: str, map_location: str) -> _Named:
    fold = str.lower if location != "querystring" else str
    members = [member for member in shape.members.values() if member.location == location]
    maps = [member for member in shape.members.values() if map_location and member.location == map_location]
    return _Named(
        {fold(member.wire_name): (member.snake, _reader(member)) for member in members},
        tuple((fold(member.wire_name), member.snake) for member in maps),
        tuple((member.snake, member.wire_name) for member in members if member.snake in shape.required),
    )


@cache
def _labels(shape: Shape) -> tuple[tuple[str, str, Read], ...]:
    members = [member for member in shape.members.values() if member.location == "uri"]
    return tuple((member.snake, member.wire_name, _reader(member)) for member in members)


def _reader(member: Member) -> Read:
    shape = member.shape
    if shape.type == "string":
        return _plain
    if shape.type == "timestamp":
        return _strict_moment if member.timestamp_format == "iso8601" else _lenient_moment
    if shape.type == "list":
        return _list_reader(shape)
    convert = lenient_boolean if shape.type == "boolean" else READERS[shape.type]

    def read(text: str, name: str) -> object:
        try:
            return convert(text.strip())
        except Unreadable:
            raise invalid_argument(_SENTENCES[shape.type].format(name=name), name, text) from None

    return read


_SENTENCES = {
    "integer": "Provided {name} not an integer or within integer range",
    "long": "Provided {name} not an integer or within integer range",
    "float": "Provided {name} is not a number",
    "double": "Provided {name} is not a number",
    "boolean": "Provided {name} is neither true nor false",
    "blob": "Provided {name} is not base64",
}


def _plain(text: str, name: str) -> object:
    del name
    return text


def _lenient_moment(text: str, name: str) -> object:
    """Read a date of HTTP's conditions; one that cannot be read is no condition (RFC 9110, 13.1.3)."""
    del name
    try:
        return READERS["timestamp"](text.strip())
    except Unreadable:
        return None


def _strict_moment(text: str, name: str) -> object:
    try:
        return READERS["timestamp"](text.strip())
    except Unreadable:
        sentence = "The retain until date must be provided in ISO 8601 format"
        raise invalid_argument(sentence, name, text) from None


def _list_reader(shape: Shape) -> Read:
    read = _reader(shape.element)

    def read_list(text: str, name: str) -> object:
        parts = (part.strip() for part in text.split(","))
        return [value for part in parts if part and (value := read(part, name)) is not None]

    return read_list


def invalid_argument(message: str, name: str, value: str) -> ServiceError:
    """Return S3's refusal of one argument."""
    return ServiceError("InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value})


def read_body(operation: OperationModel, body: bytes | None, values: dict[str, object]) -> None:
    """Take what the body holds. A stream is left to whoever moves it."""
    shape = operation.input
    if shape is None or operation.streaming_input:
        return
    payload = shape.payload
    try:
        if payload is not None:
            _read_payload(payload, body, values, required=payload.snake in shape.required)
        elif _has_body(shape):
            name = operation.traits.input.location_name if operation.traits.input else ""
            values.update(read_structure(shape, _root(body or b"", {name, shape.name, shape.traits.location_name})))
    except MalformedXml as problem:
        raise ServiceError("MalformedXML", MALFORMED_XML, reason=str(problem)) from None


@cache
def _has_body(shape: Shape) -> bool:
    return any(not member.location for member in shape.members.values())


def _read_payload(payload: Member, body: bytes | None, values: dict[str, object], *, required: bool) -> None:
    if payload.shape.type == "blob":
        if body or required:
            values[payload.snake] = body or b""
    elif payload.shape.type == "string":
        try:
            values[payload.snake] = (body or b"").decode()
        except UnicodeDecodeError:
            raise ServiceError("InvalidRequest", "The body of this request must be UTF-8.") from None
    elif body:
        names = {payload.wire_name, payload.shape.name, payload.shape.traits.location_name}
        values[payload.snake] = read_structure(payload.shape, _root(body, names))
    elif required:
        raise ServiceError("MissingRequestBodyError", "Request Body is empty")


def _root(body: bytes, names: set[str]) -> Element:
    root = parse_document(body)
    if root.name not in names:
        raise MalformedXml(f"the root element is {root.name}")
    return root
