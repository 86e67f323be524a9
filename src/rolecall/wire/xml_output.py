"""Values to XML, compiled: what the query protocol and S3 share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from rolecall.wire.model import Member, Shape
from rolecall.wire.rows import Rows
from rolecall.wire.scalars import MOMENTS, WRITERS, is_scalar

Writer = Callable[[object, list[str]], None]
Moments = Callable[[object], str]
"""How a timestamp is spelled where the model does not say."""

_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]')
_UNSAYABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_OUTSIDE = frozenset({"header", "headers", "statusCode"})


def escaped(text: str) -> str:
    """Return `text` as XML's character data or attribute value.

    What XML 1.0 has no character for is written as S3 writes it, as a reference (`&#x8;`), which readers that are
    lenient enough understand; half a surrogate pair, which UTF-8 cannot say, becomes U+FFFD.
    """
    if not _SPECIAL.search(text):
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _UNSAYABLE.sub(_reference, text) if _UNSAYABLE.search(text) else text


def _reference(match: re.Match[str]) -> str:
    character = match[0]
    return "\ufffd" if "\ud800" <= character <= "\udfff" else f"&#x{ord(character):X};"


def body_members(shape: Shape) -> list[Member]:
    """Return the members of a structure that travel in an answer's body; in answers, a query is no place."""
    return [member for member in shape.members.values() if member.location not in _OUTSIDE]


@cache
def structure_writer(shape: Shape, moments: Moments) -> Writer:
    """Return the writer of a structure's members that travel in the body, without an element around them."""
    made: list[_Field] = []
    members = [member for member in body_members(shape) if not member.traits.xml_attribute]

    def write(value: object, out: list[str]) -> None:
        if not isinstance(value, dict) and not isinstance(value, Mapping):
            raise TypeError(f"{shape.name} is a mapping, not {type(value).__name__}")
        if not made:
            made.extend(_field(member, moments) for member in members)
        get = value.get
        for snake, opening, closing, spell, write_member in made:
            found = get(snake)
            if found is None:
                continue
            if write_member is not None:
                write_member(found, out)
            elif spell is _escaped_text and isinstance(found, str) and not _SPECIAL.search(found):
                out.append(f"{opening}{found}{closing}")
            else:
                out.append(f"{opening}{spell(found)}{closing}")

    return write


_Field = tuple[str, str, str, Callable[[object], str], Writer | None]
"""A member's name, its element's tags and how a simple value is spelled in it; the writer of any other value."""


def _field(member: Member, moments: Moments) -> _Field:
    name = member.wire_name
    if not is_scalar(member.shape):
        return member.snake, "", "", str, member_writer(member, moments)
    return member.snake, f"<{name}{declaration(member)}>", f"</{name}>", spelling(member, moments), None


@cache
def member_writer(member: Member, moments: Moments) -> Writer:
    """Return the writer of a member's element or, of a flattened one, its elements."""
    if member.shape.type == "list":
        return _list_writer(member, moments)
    if member.shape.type == "map":
        return _map_writer(member, moments)
    return element_writer(member, member.wire_name, moments)


def spelling(member: Member, moments: Moments) -> Callable[[object], str]:
    """Return how a simple value of this member is spelled in XML."""
    if member.shape.type == "string":
        return _escaped_text
    if member.shape.type == "timestamp":
        return MOMENTS[member.timestamp_format] if member.timestamp_format else moments
    return WRITERS[member.shape.type]


def element_writer(member: Member, name: str, moments: Moments) -> Writer:
    """Return the writer of one value in one element `name`."""
    namespace = declaration(member)
    if is_scalar(member.shape):
        return _scalar_writer(f"<{name}{namespace}>", f"</{name}>", spelling(member, moments))
    if member.shape.type in {"list", "map"}:
        return _nested_writer(f"<{name}{namespace}>", f"</{name}>", member, moments)
    attributes = [inner for inner in member.shape.members.values() if inner.traits.xml_attribute]
    write_members = structure_writer(member.shape, moments)
    closing = f"</{name}>"

    def write(value: object, out: list[str]) -> None:
        said = namespace
        if attributes and isinstance(value, Mapping):
            said += "".join(
                f' {inner.wire_name}="{escaped(str(value[inner.snake]))}"'
                for inner in attributes
                if value.get(inner.snake) is not None
            )
        out.append(f"<{name}{said}>")
        write_members(value, out)
        out.append(closing)

    return write


def declaration(member: Member) -> str:
    """Return the namespace declaration of a member's element, with a blank before it, or nothing."""
    if (namespace := member.xml_namespace) is None or not namespace.uri:
        return ""
    return f' xmlns{":" if namespace.prefix else ""}{namespace.prefix}="{escaped(namespace.uri)}"'


def _scalar_writer(opening: str, closing: str, spell: Callable[[object], str]) -> Writer:
    def write(value: object, out: list[str]) -> None:
        out.append(f"{opening}{spell(value)}{closing}")

    return write


def _escaped_text(value: object) -> str:
    return escaped(value if isinstance(value, str) else str(value))


def _nested_writer(opening: str, closing: str, member: Member, moments: Moments) -> Writer:
    """Return the writer of a list or map that is itself an element of a list or map."""
    write_inner = _entries_writer(member, moments)

    def write(value: object, out: list[str]) -> None:
        out.append(opening)
        write_inner(value, out)
        out.append(closing)

    return write


def _entries_writer(member: Member, moments: Moments) -> Writer:
    if member.shape.type == "map":
        return _map_entries(member, "entry", moments)
    return _list_entries(member, member.shape.element.traits.location_name or "member", moments)


def _list_writer(member: Member, moments: Moments) -> Writer:
    element = member.shape.element
    if member.flattened:
        return _list_entries(member, member.wire_name, moments)
    write_entries = _list_entries(member, element.traits.location_name or "member", moments)
    return _wrapped(member, write_entries)


def _map_writer(member: Member, moments: Moments) -> Writer:
    if member.flattened:
        return _map_entries(member, member.wire_name, moments)
    return _wrapped(member, _map_entries(member, "entry", moments))


def _wrapped(member: Member, write_entries: Writer) -> Writer:
    name = member.wire_name
    opening, closing, empty = f"<{name}{declaration(member)}>", f"</{name}>", f"<{name}{declaration(member)}/>"

    def write(value: object, out: list[str]) -> None:
        if not value:
            out.append(empty)
            return
        out.append(opening)
        write_entries(value, out)
        out.append(closing)

    return write


def _list_entries(member: Member, name: str, moments: Moments) -> Writer:
    made: list[Writer] = []
    element = member.shape.element

    def whole(inner: Member, value: object) -> str:
        text: list[str] = []
        member_writer(inner, moments)(value, text)
        return "".join(text)

    def write(values: object, out: list[str]) -> None:
        if isinstance(values, Rows):
            out.append(values.text(element.shape, name, whole, lambda inner: spelling(inner, moments)))
            return
        if not isinstance(values, list | tuple):
            raise TypeError(f"{member.name} is a list, not {type(values).__name__}")
        if not made:
            made.append(element_writer(element, name, moments))
        write_element = made[0]
        for value in values:
            write_element(value, out)

    return write


def _map_entries(member: Member, name: str, moments: Moments) -> Writer:
    made: list[Writer] = []
    shape = member.shape

    def write(values: object, out: list[str]) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"{member.name} is a mapping, not {type(values).__name__}")
        if not made:
            made.append(element_writer(shape.key, shape.key.traits.location_name or "key", moments))
            made.append(element_writer(shape.value, shape.value.traits.location_name or "value", moments))
        write_key, write_value = made
        for key, value in values.items():
            out.append(f"<{name}>")
            write_key(key, out)
            write_value(value, out)
            out.append(f"</{name}>")

    return write
