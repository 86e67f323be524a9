"""JSON read with the place of every value in its text, so that a finding can point at what it is about."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

DEEPEST = 64
"""How deep values may lie within each other."""

Step = tuple[str, str | int]
"""One step to a value: `("value", "Statement")` into an object, `("index", 0)` into an array; the last may be
`("key", "Sid")`, the name itself."""
Path = tuple[Step, ...]


class Kind(Enum):
    """The kinds of JSON value."""

    STRING = "String"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    NULL = "Null"
    ARRAY = "Array"
    OBJECT = "Object"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and where it stands: `start` and `end` are offsets in the text, the end behind its last character."""

    kind: Kind
    start: int
    end: int
    path: Path
    text: str = ""
    """Of a string what it spells, of other simple values their spelling."""
    items: tuple[Node, ...] = ()
    """Of an array."""
    members: tuple[Member, ...] = ()
    """Of an object, in its order."""

    def get(self, name: str) -> Node | None:
        """Return the value of an object's member, or None."""
        return next((member.value for member in self.members if member.name == name), None)

    def each(self) -> tuple[Node, ...]:
        """Return the elements of an array, or the value itself where it stands alone."""
        return self.items if self.kind is Kind.ARRAY else (self,)

    @property
    def is_string(self) -> bool:
        """Whether it is a string."""
        return self.kind is Kind.STRING

    @property
    def is_object(self) -> bool:
        """Whether it is an object."""
        return self.kind is Kind.OBJECT


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A name of an object and its value."""

    key: Node
    value: Node

    @property
    def name(self) -> str:
        """The name."""
        return self.key.text


class NotJson(Exception):
    """The text is no JSON; `index` is the offset where it stops being so."""

    def __init__(self, index: int) -> None:
        """See the class."""
        super().__init__(f"no JSON at {index}")
        self.index = index


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text: the line from 1, the column from 0, the offset from 0, in characters."""

    line: int
    column: int
    offset: int


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        """Look through `text` once."""
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]

    def position(self, offset: int) -> Position:
        """Return the place of an offset."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1], offset)


_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_SCALARS = (
    (Kind.NUMBER, re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)),
    (Kind.BOOLEAN, re.compile(r"true|false")),
    (Kind.NULL, re.compile(r"null")),
)


def read(text: str) -> Node:
    """Return the value that `text` spells. Raises NotJson: also for repeated names, and for bottomless nesting."""
    reader = _Reader(text)
    node = reader.value(())
    reader.skip()
    if reader.at != len(text):
        raise NotJson(reader.at)
    return node


class _Reader:
    """A place in a text that moves on as values are read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def skip(self) -> None:
        found = _SPACE.match(self._text, self.at)
        self.at = found.end() if found else self.at

    def value(self, path: Path) -> Node:
        self.skip()
        if len(path) > DEEPEST:
            raise NotJson(self.at)
        sign = self._text[self.at : self.at + 1]
        if sign == "{":
            return self._object(path)
        if sign == "[":
            return self._array(path)
        return self._string(path) if sign == '"' else self._scalar(path)

    def _object(self, path: Path) -> Node:
        start = self.at
        members: list[Member] = []
        names: set[str] = set()
        for _ in self._entries("}"):
            if self._text[self.at : self.at + 1] != '"':
                raise NotJson(self.at)
            at = self.at
            key = self._string(path)
            if key.text in names:
                raise NotJson(at)
            names.add(key.text)
            key = Node(Kind.STRING, key.start, key.end, (*path, ("key", key.text)), key.text)
            self._expect(":")
            members.append(Member(key, self.value((*path, ("value", key.text)))))
        return Node(Kind.OBJECT, start, self.at, path, members=tuple(members))

    def _array(self, path: Path) -> Node:
        start = self.at
        items = [self.value((*path, ("index", place))) for place in self._entries("]")]
        return Node(Kind.ARRAY, start, self.at, path, items=tuple(items))

    def _entries(self, end: str) -> Iterator[int]:
        """Yield before each entry of a list whose opening sign stands here, until `end` is behind."""
        self.at += 1
        self.skip()
        count = 0
        while self._text[self.at : self.at + 1] != end:
            if count:
                self._expect(",")
                self.skip()
            yield count
            count += 1
            self.skip()
        self.at += 1

    def _expect(self, sign: str) -> None:
        self.skip()
        if self._text[self.at : self.at + 1] != sign:
            raise NotJson(self.at)
        self.at += 1

    def _string(self, path: Path) -> Node:
        start = self.at
        found = _STRING.match(self._text, start)
        end = found.end() if found else start
        if found is None or self._text[end : end + 1] != '"':
            raise NotJson(end)
        self.at = end + 1
        spelled: str = json.loads(self._text[start : self.at])
        try:
            spelled.encode()
        except UnicodeEncodeError:
            raise NotJson(start) from None
        return Node(Kind.STRING, start, self.at, path, spelled)

    def _scalar(self, path: Path) -> Node:
        start = self.at
        for kind, pattern in _SCALARS:
            found = pattern.match(self._text, start)
            if found is not None and found[0]:
                self.at = found.end()
                return Node(kind, start, self.at, path, found[0])
        raise NotJson(start)
