"""Values to and from JSON, compiled: the JSON protocol, and the query protocol where a client asks for JSON."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import cache

from rolecall.wire.model import Member, Shape
from rolecall.wire.scalars import MOMENTS, Unreadable, base64_text, epoch_seconds, moment, moment_of, number_text
from rolecall.wire.violations import NOT_NULL, Violations, check_of, check_of_elements

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Plainer = Callable[[object], Json]
Reader = Callable[[Json, str, Violations], object]


class Unfit(ValueError):
    """JSON that is not JSON, or whose value has another type than the model's; the message is AWS's sentence."""


def loads(raw: bytes) -> Json:
    """Read one JSON text. Raises Unfit for anything RFC 8259 does not know, repeated names, and bottomless nesting."""
    try:
        parsed: Json = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unfit("The request body could not be read as JSON.") from None
    return parsed


def dumps(value: Json) -> bytes:
    """Spell one JSON text, in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)


@cache
def plainer(member: Member) -> Plainer:
    """Return what turns a member's value into what `dumps` takes."""
    shape = member.shape
    if shape.type == "structure":
        return structure_plainer(shape)
    if shape.type == "list":
        return _list_plainer(shape)
    if shape.type == "map":
        return _map_plainer(shape)
    return _scalar_plainer(member)


@cache
def structure_plainer(shape: Shape) -> Plainer:
    """Return what turns a structure into a value for `dumps`, without members that are None or not in the body."""
    made: list[tuple[str, str, Plainer]] = []

    def plain(value: object) -> Json:
        if not isinstance(value, Mapping):
            raise TypeError(f"{shape.name} is a mapping, not {type(value).__name__}")
        if not made:
            inside = (member for member in shape.members.values() if not member.location)
            made.extend((member.snake, member.wire_name, plainer(member)) for member in inside)
        return {name: inner(found) for snake, name, inner in made if (found := value.get(snake)) is not None}

    return plain


def _list_plainer(shape: Shape) -> Plainer:
    def plain(value: object) -> Json:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{shape.name} is a list, not {type(value).__name__}")
        inner = plainer(shape.element)
        return [inner(entry) for entry in value]

    return plain


def _map_plainer(shape: Shape) -> Plainer:
    def plain(value: object) -> Json:
        if not isinstance(value, Mapping):
            raise TypeError(f"{shape.name} is a mapping, not {type(value).__name__}")
        inner = plainer(shape.value)
        return {str(key): inner(entry) for key, entry in value.items()}

    return plain


def _scalar_plainer(member: Member) -> Plainer:
    kind = member.shape.type
    if kind == "timestamp":
        spell = MOMENTS.get(member.timestamp_format)
        return epoch_seconds if spell is None or member.timestamp_format == "unixTimestamp" else spell
    return _PLAIN[kind]


def _plain_float(value: object) -> Json:
    if not isinstance(value, int | float):
        raise TypeError(f"a number is no {type(value).__name__}")
    return number_text(value) if value != value or value in {float("inf"), float("-inf")} else value


def _plain_integer(value: object) -> Json:
    if not isinstance(value, int):
        raise TypeError(f"an integer is no {type(value).__name__}")
    return value


_PLAIN: dict[str, Plainer] = {
    "string": str,
    "character": str,
    "integer": _plain_integer,
    "long": _plain_integer,
    "float": _plain_float,
    "double": _plain_float,
    "boolean": bool,
    "blob": base64_text,
}


def read_structure(shape: Shape, value: Json, prefix: str, violations: Violations) -> dict[str, object]:
    """Read a structure; `prefix` is its own path with a dot behind. Raises Unfit.

    Unknown names are ignored, and members that the model says to travel elsewhere than in the body.
    """
    if not isinstance(value, dict):
        raise _misfit(value, "Structure")
    values: dict[str, object] = {}
    for name, reader, snake, shown, required in _fields(shape):
        found = value.get(name)
        if found is not None:
            values[snake] = reader(found, prefix + shown, violations)
        elif required:
            violations.add(prefix + shown, NOT_NULL)
    return values


@cache
def _fields(shape: Shape) -> tuple[tuple[str, Reader, str, str, bool], ...]:
    required = set(shape.required)
    return tuple(
        (member.wire_name, _reader(member.shape), snake, member.name[:1].lower() + member.name[1:], snake in required)
        for snake, member in shape.members.items()
        if not member.location
    )


def _reader(shape: Shape) -> Reader:
    if shape.type == "structure":
        return lambda value, path, violations: read_structure(shape, value, f"{path}.", violations)
    if shape.type == "list":
        return _list_reader(shape)
    if shape.type == "map":
        return _map_reader(shape)
    return _scalar_reader(shape, checked=True)


@cache
def _element_reader(shape: Shape, *, checked: bool) -> Reader:
    return _reader(shape) if shape.type in {"structure", "list", "map"} else _scalar_reader(shape, checked=checked)


def _list_reader(shape: Shape) -> Reader:
    check, check_elements = check_of(shape), check_of_elements(shape, shape.element.shape)

    def read(value: Json, path: str, violations: Violations) -> object:
        if not isinstance(value, list):
            raise _misfit(value, "List")
        inner = _element_reader(shape.element.shape, checked=False)
        values = [
            inner(entry, f"{path}.{i}.member", violations) for i, entry in enumerate(value, 1) if entry is not None
        ]
        if check is not None:
            check(values, path, violations)
        if check_elements is not None:
            check_elements(values, path, violations)
        return values

    return read


def _map_reader(shape: Shape) -> Reader:
    check, check_key = check_of(shape), check_of(shape.key.shape)

    def read(value: Json, path: str, violations: Violations) -> object:
        if not isinstance(value, dict):
            raise _misfit(value, "Map")
        inner = _element_reader(shape.value.shape, checked=True)
        values: dict[str, object] = {}
        for key, entry in value.items():
            if check_key is not None:
                check_key(key, f"{path}.{key}.key", violations)
            if entry is not None:
                values[key] = inner(entry, f"{path}.{key}.member", violations)
        if check is not None:
            check(values, path, violations)
        return values

    return read


def _scalar_reader(shape: Shape, *, checked: bool) -> Reader:
    convert = _FROM_JSON[shape.type]
    check = check_of(shape) if checked else None

    def read(value: Json, path: str, violations: Violations) -> object:
        converted = convert(value)
        if check is not None:
            check(converted, path, violations)
        return converted

    return read


def _misfit(value: Json, wanted: str) -> Unfit:
    kinds = {
        bool: "TRUE_VALUE" if value else "FALSE_VALUE",
        str: "STRING_VALUE",
        list: "Start of list",
        dict: "Start of structure or map",
    }
    found = kinds.get(type(value), "NUMBER_VALUE")
    if found.startswith("Start"):
        return Unfit(f"{found} found where not expected.")
    return Unfit(f"{found} can not be converted to {'an' if wanted[0] in 'AEIO' else 'a'} {wanted}")


def _string(value: Json) -> object:
    if not isinstance(value, str):
        raise _misfit(value, "String")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unfit("The request body holds half a surrogate pair.") from None
    return value


def _whole(value: Json, bits: int, name: str) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << bits) <= value < 1 << bits:
        raise _misfit(value, name)
    return value


def _number(value: Json) -> object:
    if value in {"NaN", "Infinity", "-Infinity"} and isinstance(value, str):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _misfit(value, "Double")
    try:
        return float(value)
    except OverflowError:
        raise _misfit(value, "Double") from None


def _boolean(value: Json) -> object:
    if not isinstance(value, bool):
        raise _misfit(value, "Boolean")
    return value


def _timestamp(value: Json) -> object:
    try:
        if isinstance(value, str):
            return moment(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return moment_of(value)
    except Unreadable:
        pass
    raise _misfit(value, "Timestamp")


def _blob(value: Json) -> object:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise _misfit(value, "Blob")


_FROM_JSON: dict[str, Callable[[Json], object]] = {
    "string": _string,
    "character": _string,
    "integer": lambda value: _whole(value, 31, "Integer"),
    "long": lambda value: _whole(value, 63, "Long"),
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
