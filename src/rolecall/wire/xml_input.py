"""XML bodies to values, compiled. No document type, no entities of a sender's own, no bottomless nesting.

Prefixes are dropped, so a namespace is optional and any prefix does; unknown elements and attributes are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from xml.parsers import expat

from rolecall.wire.model import Member, Shape
from rolecall.wire.scalars import READERS, Unreadable, lenient_boolean

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 100_000


class MalformedXml(ValueError):
    """A body that is no XML, is more than we read, or does not fit the model."""


@dataclass(slots=True)
class Element:
    """One element: its name without prefix, its text, its attributes without prefix, and the elements inside."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""


class _Builder:
    """Builds the tree from expat's calls."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise MalformedXml("too many elements")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, name: str) -> None:
        del name
        self._open.pop().text = "".join(self._texts.pop())

    def data(self, text: str) -> None:
        self._texts[-1].append(text)

    def doctype(self, *declaration: object) -> None:
        del declaration
        raise MalformedXml("a document type declaration")


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def parse_document(raw: bytes) -> Element:
    """Return the root element of an XML document. Raises MalformedXml."""
    if len(raw) > MAX_BYTES:
        raise MalformedXml("too long")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError, UnicodeError) as problem:
        raise MalformedXml(str(problem)) from None
    if builder.root is None:
        raise MalformedXml("no element")
    return builder.root


Reader = Callable[[Element], object]


def read_structure(shape: Shape, element: Element) -> dict[str, object]:
    """Return a structure's members. Raises MalformedXml for one that comes twice, is missing, or has another type."""
    table = _table(shape)
    values: dict[str, object] = {}
    for child in element.children:
        entry = table.elements.get(child.name)
        if entry is None:
            continue
        snake, read, many = entry
        if many:
            _append(values, snake, read(child), child.name)
        elif snake in values:
            raise MalformedXml(f"{child.name} comes twice")
        else:
            values[snake] = read(child)
    for name, snake, read_text in table.attributes:
        if name in element.attributes:
            values[snake] = read_text(element.attributes[name])
    for snake in table.required:
        if snake not in values:
            raise MalformedXml(f"{snake} is missing")
    return values


def _append(values: dict[str, object], snake: str, value: object, name: str) -> None:
    """Add an entry of a flattened list or map to what has come of it."""
    so_far = values.get(snake)
    if isinstance(value, tuple):
        key, entry = value
        so_far = {} if so_far is None else so_far
        if not isinstance(so_far, dict) or key in so_far:
            raise MalformedXml(f"{name} has a key twice")
        so_far[key] = entry
        values[snake] = so_far
    elif isinstance(so_far, list):
        so_far.append(value)
    else:
        values[snake] = [value]


@dataclass(frozen=True, slots=True)
class _Table:
    elements: dict[str, tuple[str, Reader, bool]]
    attributes: tuple[tuple[str, str, Callable[[str], object]], ...]
    required: tuple[str, ...]


@cache
def _table(shape: Shape) -> _Table:
    elements: dict[str, tuple[str, Reader, bool]] = {}
    attributes: list[tuple[str, str, Callable[[str], object]]] = []
    body = [member for member in shape.members.values() if not member.location]
    for member in body:
        if member.traits.xml_attribute:
            attributes.append((_local(member.wire_name), member.snake, READERS[member.shape.type]))
        else:
            name, reader, many = _member_reader(member)
            elements[_local(name)] = (member.snake, reader, many)
    names = {member.snake for member in body}
    return _Table(elements, tuple(attributes), tuple(snake for snake in shape.required if snake in names))


def _member_reader(member: Member) -> tuple[str, Reader, bool]:
    """Return a member's element name, its reader, and whether there is one element for each entry."""
    if member.flattened and member.shape.type == "list":
        return member.wire_name, value_reader(member.shape.element), True
    if member.flattened and member.shape.type == "map":
        return member.wire_name, _entry_reader(member.shape), True
    return member.wire_name, value_reader(member), False


@cache
def value_reader(member: Member) -> Reader:
    """Return the reader of one element that holds a member's value."""
    shape = member.shape
    if shape.type == "structure":
        return lambda element: read_structure(shape, element)
    if shape.type == "list":
        return _list_reader(shape)
    if shape.type == "map":
        return _map_reader(shape)
    return _scalar_reader(shape)


def _scalar_reader(shape: Shape) -> Reader:
    convert = lenient_boolean if shape.type == "boolean" else READERS[shape.type]
    is_text = shape.type == "string"

    def read(element: Element) -> object:
        if element.children:
            raise MalformedXml(f"{element.name} holds elements")
        try:
            return convert(element.text if is_text else element.text.strip())
        except Unreadable as problem:
            raise MalformedXml(f"{element.name} is not {problem}") from None

    return read


def _list_reader(shape: Shape) -> Reader:
    name = _local(shape.element.traits.location_name or "member")

    def read(element: Element) -> object:
        inner = value_reader(shape.element)
        return [inner(child) for child in element.children if child.name == name]

    return read


def _map_reader(shape: Shape) -> Reader:
    read_entry = _entry_reader(shape)

    def read(element: Element) -> object:
        values: dict[str, object] = {}
        for child in element.children:
            if child.name == "entry":
                _append(values, "", read_entry(child), element.name)
        return values.get("", {})

    return read


def _entry_reader(shape: Shape) -> Reader:
    """Return the reader of one entry of a map, as a pair."""
    key_name, value_name = shape.key.traits.location_name or "key", shape.value.traits.location_name or "value"

    def read(element: Element) -> object:
        parts = {child.name: child for child in element.children}
        if key_name not in parts or value_name not in parts:
            raise MalformedXml(f"{element.name} is no entry of a map")
        return parts[key_name].text, value_reader(shape.value)(parts[value_name])

    return read
