"""The principals that a document names, and the document with other values in their places.

A trust policy is stored with the unique ids of the users and roles it names and is shown with their ARNs. Only those
values change: all else of the text stays byte for byte as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rolecall.policy.document import Document, PrincipalValue
from rolecall.policy.parse import PolicyUnreadable

Replace = Callable[[str, str], str]
"""From a principal's type (`AWS`, `Service`, ...) and value to the value that takes its place."""

_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Span:
    """A principal's value in the text, quotes included."""

    type: str
    value: str
    start: int
    end: int


def principals(document: Document) -> list[PrincipalValue]:
    """Return every value of the document's Principal and NotPrincipal elements, in order."""
    return [value for statement in document.statements if statement.principal for value in statement.principal.values]


def with_principals(document: str | Document, replace: Replace) -> str:
    """Return the document's text with each value of its principals replaced; a value replaced by itself stays as is.

    The plain `"Principal": "*"` names nobody in particular and is not asked about.

    Raises:
        PolicyUnreadable: for what is not JSON.
    """
    text = document if isinstance(document, str) else document.text
    pieces: list[str] = []
    at = 0
    for span in _spans(text):
        value = replace(span.type, span.value)
        if value != span.value:
            pieces += [text[at : span.start], json.dumps(value)]
            at = span.end
    return "".join([*pieces, text[at:]])


def _spans(text: str) -> Iterator[_Span]:
    try:
        for name, start in members_of(text, token_at(text, 0)):
            if name == "Statement":
                for statement in items_of(text, start):
                    yield from _principals_at(text, statement)
    except (ValueError, IndexError, RecursionError):
        raise PolicyUnreadable("not JSON") from None


def _principals_at(text: str, statement: int) -> Iterator[_Span]:
    for name, start in members_of(text, statement):
        if name in {"Principal", "NotPrincipal"}:
            for kind, values in members_of(text, start):
                for begin in items_of(text, values):
                    value, end = _DECODER.raw_decode(text, begin)
                    if isinstance(value, str):
                        yield _Span(kind, value, begin, end)


def token_at(text: str, at: int) -> int:
    """Return where the next token begins."""
    while text[at] in _BLANK:
        at += 1
    return at


def members_of(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the names of an object and where their values begin; nothing for what is no object."""
    if text[at] != "{":
        return
    at = token_at(text, at + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        start = token_at(text, token_at(text, end) + 1)
        yield str(name), start
        at = _after(text, start)


def items_of(text: str, at: int) -> Iterator[int]:
    """Yield where the items of an array begin; for anything else, itself."""
    if text[at] != "[":
        yield at
        return
    at = token_at(text, at + 1)
    while text[at] != "]":
        yield at
        at = _after(text, at)


def _after(text: str, at: int) -> int:
    """Return where the token behind a value and its comma begins."""
    _, end = _DECODER.raw_decode(text, at)
    end = token_at(text, end)
    return token_at(text, end + 1) if text[end] == "," else end
