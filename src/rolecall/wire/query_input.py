"""The query protocol's parameters, compiled: `Tags.member.1.Key=...` to values.

A reader takes what the form holds at its place: a text, or a dict of what stands behind the next dot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from rolecall.message import ServiceError
from rolecall.wire.model import Member, OperationModel, Shape
from rolecall.wire.scalars import READERS, Unreadable, is_scalar
from rolecall.wire.violations import NOT_NULL, Violations, check_of, check_of_elements, fine_text

Node = str | dict[str, "Node"]
Reader = Callable[[Node, str, Violations], object]
"""Returns None for what is not there; says what is wrong with the value at a path."""

MAX_PARTS = 24
"""A name of more parts between dots is of no operation, and is ignored like any unknown one."""
_ITSELF = ""
"""Where a dict of parts keeps the text of the shorter name: `Tags=` beside `Tags.member.1.Key=`."""


def parse(operation: OperationModel, form: Mapping[str, str]) -> dict[str, object]:
    """Return the operation's parameters from a decoded form. Unknown ones are ignored.

    Raises ServiceError MalformedInput for what has the wrong kind, ValidationError for all broken constraints.
    """
    shape = operation.input
    if shape is None:
        return {}
    violations = Violations()
    values = _read_structure(shape, _nested(form) if "." in "&".join(form) else form, "", violations)
    if violations:
        raise violations.error("ValidationError")
    return values


def _nested(form: Mapping[str, str]) -> Mapping[str, Node]:
    """Return the form with dotted names taken apart: `{"A.member.1": "x"}` is `{"A": {"member": {"1": "x"}}}`."""
    tree: dict[str, Node] = {}
    for name, value in form.items():
        if "." not in name:
            _keep(tree, name, value)
            continue
        parts = name.split(".", MAX_PARTS)
        if len(parts) > MAX_PARTS:
            continue
        entry = tree
        for part in parts[:-1]:
            child = entry.get(part)
            if not isinstance(child, dict):
                child = {} if child is None else {_ITSELF: child}
                entry[part] = child
            entry = child
        _keep(entry, parts[-1], value)
    return tree


def _keep(entry: dict[str, Node], part: str, value: str) -> None:
    child = entry.get(part)
    if isinstance(child, dict):
        child[_ITSELF] = value
    else:
        entry[part] = value


def _read_structure(shape: Shape, node: Mapping[str, Node], prefix: str, violations: Violations) -> dict[str, object]:
    """Read a structure's members; `prefix` is its own path with a dot behind."""
    values: dict[str, object] = {}
    for name, reader, snake, shown, required in _fields(shape):
        found = node.get(name)
        value = None if found is None else reader(found, prefix + shown, violations)
        if value is not None:
            values[snake] = value
        elif required:
            violations.add(prefix + shown, NOT_NULL)
    return values


@cache
def _fields(shape: Shape) -> tuple[tuple[str, Reader, str, str, bool], ...]:
    """Return for each member: its name in the form, its reader, its name here, its name in errors, if it must be."""
    required = set(shape.required)
    return tuple(
        (member.wire_name, _reader(member), snake, member.name[:1].lower() + member.name[1:], snake in required)
        for snake, member in shape.members.items()
    )


def _reader(member: Member) -> Reader:
    shape = member.shape
    if shape.type == "structure":
        return _structure_reader(shape)
    if shape.type == "list":
        return _list_reader(member)
    if shape.type == "map":
        return _map_reader(member)
    return _scalar_reader(shape, checked=True)


def _malformed(sentence: str) -> ServiceError:
    return ServiceError("MalformedInput", sentence)


def _scalar_reader(shape: Shape, *, checked: bool) -> Reader:
    if shape.type == "string":
        return _text_reader(shape, checked=checked)
    convert = READERS[shape.type]
    check = check_of(shape) if checked else None

    def read(node: Node, path: str, violations: Violations) -> object:
        if not isinstance(node, str):
            raise _malformed("Start of structure or map found where not expected.")
        try:
            value = convert(node)
        except Unreadable as problem:
            raise _malformed(f"The value at '{path}' is not {problem}.") from None
        if check is not None:
            check(value, path, violations)
        return value

    return read


def _text_reader(shape: Shape, *, checked: bool) -> Reader:
    check = check_of(shape) if checked else None
    is_fine = fine_text(shape)

    def read(node: Node, path: str, violations: Violations) -> object:
        if not isinstance(node, str):
            raise _malformed("Start of structure or map found where not expected.")
        if check is not None and (is_fine is None or not is_fine(node)):
            check(node, path, violations)
        return node

    return read


def _structure_reader(shape: Shape) -> Reader:
    def read(node: Node, path: str, violations: Violations) -> object:
        if isinstance(node, str) or node.get(_ITSELF):
            if node:
                raise _malformed("Unexpected complex element termination")
            node = {}
        return _read_structure(shape, node, f"{path}.", violations)

    return read


def _list_reader(member: Member) -> Reader:
    element = member.shape.element
    scalar = is_scalar(element.shape)
    read_element = _scalar_reader(element.shape, checked=False) if scalar else _late_reader(element)
    check = check_of(member.shape)
    check_elements = check_of_elements(member.shape, element.shape) if scalar else None
    step = "" if member.flattened else element.traits.location_name or "member"

    def read(node: Node, path: str, violations: Violations) -> object:
        entries = _entries(node, step)
        if entries is None:
            return None
        values = [read_element(entry, f"{path}.{i}.member", violations) for i, entry in enumerate(entries, 1)]
        if check is not None:
            check(values, path, violations)
        if check_elements is not None:
            check_elements(values, path, violations)
        return values

    return read


def _map_reader(member: Member) -> Reader:
    shape = member.shape
    key_name, value_name = shape.key.traits.location_name or "key", shape.value.traits.location_name or "value"
    read_key, read_value = _scalar_reader(shape.key.shape, checked=True), _late_reader(shape.value)
    check = check_of(shape)
    step = "" if member.flattened else "entry"

    def read(node: Node, path: str, violations: Violations) -> object:
        entries = _entries(node, step)
        if entries is None:
            return None
        values: dict[object, object] = {}
        for i, entry in enumerate(entries, 1):
            if isinstance(entry, str) or key_name not in entry or value_name not in entry:
                raise _malformed("Unexpected map entry termination")
            key = read_key(entry[key_name], f"{path}.{i}.key", violations)
            if key in values:
                raise _malformed(f"The map at '{path}' has the key '{key}' more than once.")
            values[key] = read_value(entry[value_name], f"{path}.{i}.value", violations)
        if check is not None:
            check(values, path, violations)
        return values

    return read


def _late_reader(member: Member) -> Reader:
    """Return a reader that is compiled when it is first used, for shapes that hold themselves."""
    made: list[Reader] = []

    def read(node: Node, path: str, violations: Violations) -> object:
        if not made:
            made.append(_reader(member))
        return made[0](node, path, violations)

    return read


def _entries(node: Node, step: str) -> list[Node] | None:
    """Return the entries of a list or map in the order of their numbers, or None where there is none of either.

    `Name=` without more is AWS's way to send an empty one.
    """
    if isinstance(node, str):
        if node:
            raise _malformed("Unexpected list element termination")
        return []
    if node.get(_ITSELF):
        raise _malformed("Unexpected list element termination")
    inner: Node | None = node if not step else node.get(step)
    if inner is None:
        return [] if _ITSELF in node else None
    if isinstance(inner, str):
        raise _malformed("Unexpected list element termination")
    numbered: dict[int, Node] = {}
    for number, entry in inner.items():
        if number == _ITSELF:
            continue
        if not (number.isascii() and number.isdigit() and len(number) < 8) or int(number) in numbered:
            raise _malformed(f"'{number}' is not the number of a list's element.")
        numbered[int(number)] = entry
    return [numbered[number] for number in sorted(numbered)]
