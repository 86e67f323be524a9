"""The tests that the patterns of a policy stand for: of actions, of resources, of ARNs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rolecall.policy.glob import TextTest, always, glob
from rolecall.policy.request import Context
from rolecall.policy.template import Token, Variable, has_variable, resolve, split_arn, tokens_of, wild_tokens

ContextTest = Callable[[str, Context], bool]


def _never(_text: str) -> bool:
    return False


def text_test(tokens: Sequence[Token]) -> ContextTest:
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
        return always
    prefix, colon, name = lowered.partition(":")
    if not colon:
        return _never
    if not {"*", "?"} & set(prefix):
        return glob([f"{prefix}:", *wild_tokens(name)])
    prefix_test, name_test = glob(wild_tokens(prefix)), glob(wild_tokens(name))

    def test(action: str) -> bool:
        service, _, verb = action.partition(":")
        return prefix_test(service) and name_test(verb)

    return test


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
        return ResourcePattern(prefix, exact, text_test(tokens))
    return ResourcePattern(_head_prefix(head), exact=False, test=_by_parts(head, tail))


def _head_prefix(head: Sequence[str]) -> str:
    return re.split(r"[*?]", ":".join(head), maxsplit=1)[0]


def _by_parts(head: Sequence[str], tail: Sequence[Token]) -> ContextTest:
    return _in_parts([*(text_test(wild_tokens(part)) for part in head), text_test(tail)])


def arn_pattern(text: str, *, variables: bool) -> ContextTest:
    """Return the test of an ARN operator's value: six parts, each matched on its own; what is no ARN matches nothing.

    Where the pattern as written has six parts each is filled in on its own, so that a colon in a variable's value
    cannot move the borders; only a pattern that has not (a variable for a whole ARN) is filled in first.
    """
    tokens = tokens_of(text, wildcards=True, variables=variables)
    parts = split_arn(tokens)
    if len(parts) == 6:
        tests = [text_test(part) for part in parts]
        return _in_parts(tests)
    if not has_variable(tokens):
        return lambda _value, _context: False

    def dynamic(value: str, context: Context) -> bool:
        found = resolve(tokens, context)
        if found is None:
            return False
        pieces = split_arn(found)
        return len(pieces) == 6 and _in_parts([text_test(piece) for piece in pieces])(value, context)

    return dynamic


def _in_parts(tests: Sequence[ContextTest]) -> ContextTest:
    """Hold the six parts of an ARN against a test each."""

    def test(text: str, context: Context) -> bool:
        parts = text.split(":", 5)
        return len(parts) == 6 and all(each(part, context) for each, part in zip(tests, parts, strict=True))

    return test
