"""Patterns: globs, policy variables, action and resource patterns.

Matching is linear in the text. A glob is cut at its stars into segments of fixed width; the first is held against the
start, the last against the end, and each one between is sought once, from where the one before ended. Nothing is ever
tried twice, whatever the pattern. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rolecall.policy.request import Context

TextTest = Callable[[str], bool]
ContextTest = Callable[[str, Context], bool]


@dataclass(frozen=True, slots=True)
class Wild:
    """A wildcard in a template."""

    sign: str


STAR = Wild("*")
ONE = Wild("?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A policy variable: the name of a context key in lower case, and the text that stands in where it is absent."""

    key: str
    default: str | None = None


Token = str | Wild | Variable
"""Text to be taken literally, a wildcard, or a variable whose value is text to be taken literally."""

_DOLLAR = re.compile(r"\$\{([^{}]*)\}")


def tokens_of(text: str, *, wildcards: bool, variables: bool) -> tuple[Token, ...]:
    """Cut a pattern into tokens. A `${` that begins no variable is text."""
    found: list[Token] = []
    at = 0
    if variables:
        for dollar in _DOLLAR.finditer(text):
            token = _variable(dollar[1])
            if token is not None:
                found.extend(_plain(text[at : dollar.start()], wildcards=wildcards))
                found.append(token)
                at = dollar.end()
    found.extend(_plain(text[at:], wildcards=wildcards))
    return tuple(found)


def _variable(inner: str) -> Token | None:
    """Read what stands between `${` and `}`: a sign taken literally, `key`, or `key, 'default'`."""
    if inner in {"*", "?", "$"}:
        return inner
    key, comma, rest = inner.partition(",")
    key, rest = key.strip(" "), rest.strip(" ")
    if not key or "'" in key:
        return None
    if not comma:
        return Variable(key.lower())
    quoted = len(rest) >= 2 and rest[0] == rest[-1] == "'" and "'" not in rest[1:-1]
    return Variable(key.lower(), rest[1:-1]) if quoted else None


def _plain(text: str, *, wildcards: bool) -> list[Token]:
    if not text:
        return []
    if not wildcards:
        return [text]
    return [STAR if piece == "*" else ONE if piece == "?" else piece for piece in re.split(r"([*?])", text) if piece]


def has_variable(tokens: Sequence[Token]) -> bool:
    """Tell whether a template needs a context to be read."""
    return any(isinstance(token, Variable) for token in tokens)


def resolve(tokens: Sequence[Token], context: Context) -> list[str | Wild] | None:
    """Put the variables' values in. None: one of them has no value, so the whole pattern is null and equals nothing.

    A key that holds several values has no single one and counts as absent.
    """
    found: list[str | Wild] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = context.get(token.key)
            text = value if isinstance(value, str) else token.default
            if text is None:
                return None
            found.append(text)
        else:
            found.append(token)
    return found


def expand(tokens: Sequence[Token], context: Context) -> str | None:
    """Return the text of a template without wildcards, or None where a variable has no value."""
    found = resolve(tokens, context)
    return None if found is None else "".join(token if isinstance(token, str) else token.sign for token in found)


@lru_cache(maxsize=4096)
def _finder(segment: tuple[str | None, ...]) -> re.Pattern[str]:
    """Compile a segment that holds `?` (None)."""
    return re.compile("".join("." if piece is None else re.escape(piece) for piece in segment), re.DOTALL)


Segment = str | re.Pattern[str]


def _segments(tokens: Sequence[str | Wild]) -> list[tuple[Segment, int]]:
    """Cut at the stars. Each segment comes with its width."""
    found: list[tuple[Segment, int]] = []
    piece: list[str | None] = []
    for token in (*tokens, STAR):
        if token is STAR:
            width = sum(1 if text is None else len(text) for text in piece)
            plain = None not in piece
            found.append(("".join(text for text in piece if text) if plain else _finder(tuple(piece)), width))
            piece = []
        else:
            piece.append(None if isinstance(token, Wild) else token)
    return found


def glob(tokens: Sequence[str | Wild]) -> TextTest:
    """Return the test of a whole text against a pattern without variables."""
    segments = _segments(tokens)
    first, first_width = segments[0]
    if len(segments) == 1:
        if isinstance(first, str):
            return first.__eq__
        return lambda text: len(text) == first_width and first.match(text) is not None
    last, last_width = segments[-1]
    middle = [segment for segment, width in segments[1:-1] if width]
    least = first_width + last_width
    if not middle and isinstance(first, str) and not last_width:
        if not first_width:
            return _always
        return lambda text: text.startswith(first)

    def test(text: str) -> bool:
        end = len(text) - last_width
        if len(text) < least or not _stands(first, text, 0) or not _stands(last, text, end):
            return False
        at = first_width
        for segment in middle:
            at = _sought(segment, text, at, end)
            if at < 0:
                return False
        return True

    return test


def _always(_text: str) -> bool:
    return True


def _never(_text: str) -> bool:
    return False


def _stands(segment: Segment, text: str, at: int) -> bool:
    if isinstance(segment, str):
        return text.startswith(segment, at)
    return segment.match(text, at) is not None


def _sought(segment: Segment, text: str, at: int, end: int) -> int:
    """Return where the segment's first occurrence ends, or -1."""
    if isinstance(segment, str):
        found = text.find(segment, at, end)
        return found if found < 0 else found + len(segment)
    seen = segment.search(text, at, end)
    return -1 if seen is None else seen.end()


def template(tokens: Sequence[Token]) -> ContextTest:
    """Return the test of a whole text against a pattern that may hold variables."""
    if not has_variable(tokens):
        test = glob([token for token in tokens if not isinstance(token, Variable)])
        return lambda text, _context: test(text)

    def dynamic(text: str, context: Context) -> bool:
        found = resolve(tokens, context)
        return found is not None and glob(found)(text)

    return dynamic


@lru_cache(maxsize=4096)
def action_test(pattern: str) -> TextTest:
    """Return the test of an action in lower case.

    `*` alone covers everything; otherwise service prefix and name are matched apart, so that no star crosses the colon.
    """
    lowered = pattern.lower()
    if lowered == "*":
        return _always
    prefix, colon, name = lowered.partition(":")
    if not colon:
        return _never
    if not {"*", "?"} & set(prefix):
        return glob([f"{prefix}:", *_wild(name)])
    prefix_test, name_test = glob(_wild(prefix)), glob(_wild(name))

    def test(action: str) -> bool:
        service, _, verb = action.partition(":")
        return prefix_test(service) and name_test(verb)

    return test


def _wild(text: str) -> list[str | Wild]:
    return [token for token in _plain(text, wildcards=True) if not isinstance(token, Variable)]


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """A compiled resource pattern: `test`, and the literal text every resource it covers begins with."""

    prefix: str
    exact: bool
    """It covers the one resource `prefix` and no other."""
    test: ContextTest


_EVERYTHING = ResourcePattern("", exact=False, test=lambda _text, _context: True)


def resource_pattern(text: str, *, variables: bool) -> ResourcePattern:
    """Compile a value of Resource or NotResource.

    An ARN has six parts; a star stays within its part, save in the last. Missing parts count as `*`: AWS completes an
    incomplete ARN so. Variables stand in the last part only.
    """
    if text == "*":
        return _EVERYTHING
    parts = text.split(":", 5)
    head = (parts + ["*"] * 5)[:5]
    tail = tokens_of(parts[5] if len(parts) == 6 else "*", wildcards=True, variables=variables)
    literal_head = not any(sign in part for part in head for sign in "*?")
    if literal_head:
        tokens: tuple[Token, ...] = (":".join(head) + ":", *tail)
        prefix = ""
        for token in tokens:
            if not isinstance(token, str):
                break
            prefix += token
        exact = all(isinstance(token, str) for token in tokens)
        return ResourcePattern(prefix, exact, template(tokens))
    return ResourcePattern(_head_prefix(head), exact=False, test=_by_parts(head, tail))


def _head_prefix(head: Sequence[str]) -> str:
    return re.split(r"[*?]", ":".join(head), maxsplit=1)[0]


def _by_parts(head: Sequence[str], tail: Sequence[Token]) -> ContextTest:
    return _in_parts([*(template(_plain(part, wildcards=True)) for part in head), template(tail)])


def arn_pattern(text: str, *, variables: bool) -> ContextTest:
    """Return the test of an ARN operator's value: six parts, each matched on its own; what is no ARN matches nothing.

    Where the pattern as written has six parts each is filled in on its own, so that a colon in a variable's value
    cannot move the borders; only a pattern that has not (a variable for a whole ARN) is filled in first.
    """
    tokens = tokens_of(text, wildcards=True, variables=variables)
    parts = _split(tokens)
    if len(parts) == 6:
        tests = [template(part) for part in parts]
        return _in_parts(tests)
    if not has_variable(tokens):
        return lambda _value, _context: False

    def dynamic(value: str, context: Context) -> bool:
        found = resolve(tokens, context)
        if found is None:
            return False
        pieces = _split(found)
        return len(pieces) == 6 and _in_parts([template(piece) for piece in pieces])(value, context)

    return dynamic


def _in_parts(tests: Sequence[ContextTest]) -> ContextTest:
    """Hold the six parts of an ARN against a test each."""

    def test(text: str, context: Context) -> bool:
        parts = text.split(":", 5)
        return len(parts) == 6 and all(each(part, context) for each, part in zip(tests, parts, strict=True))

    return test


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut a template at the first five colons of its literal text."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        pieces = token.split(":", 6 - len(parts))
        if pieces[0]:
            parts[-1].append(pieces[0])
        parts.extend([piece] if piece else [] for piece in pieces[1:])
    return parts
