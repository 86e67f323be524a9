"""Where the statements of a document stand in its text, by line and column, as the policy simulator counts them.

AWS notes where its reader stands before a statement and behind it: the first statement of a list begins right behind
the bracket, every further one where the one before ended, and a lone statement right behind its own brace.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rolecall.policy.rewrite import items_of, members_of, token_at

_LINE_END = re.compile(r"\r\n|\r|\n")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text: line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a statement goes; the end is the place behind its last character."""

    start: Position
    end: Position


@lru_cache(maxsize=64)
def statement_spans(text: str) -> Sequence[Span]:
    """Return the spans of a document's statements, in order. For text that `parse` accepts."""
    for name, start in members_of(text, token_at(text, 0)):
        if name == "Statement":
            return _spans(text, start)
    return ()


def _spans(text: str, start: int) -> Sequence[Span]:
    places = _Places(text)
    begun = start + 1
    found: list[Span] = []
    for item in items_of(text, start):
        _, end = _DECODER.raw_decode(text, item)
        found.append(Span(places.of(begun), places.of(end)))
        begun = end
    return tuple(found)


class _Places:
    """The lines of a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def of(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)
