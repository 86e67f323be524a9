"""Templates: the text of a pattern cut into literal text, wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.request import Context


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
                found.extend(_literal(text[at : dollar.start()], wildcards=wildcards))
                found.append(token)
                at = dollar.end()
    found.extend(_literal(text[at:], wildcards=wildcards))
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


def _literal(text: str, *, wildcards: bool) -> Sequence[Token]:
    if wildcards:
        return wild_tokens(text)
    return [text] if text else []


def wild_tokens(text: str) -> list[str | Wild]:
    """Cut a text that holds no variables at its wildcards."""
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


def split_arn(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut a template at the first five colons of its literal text, as an ARN's parts are cut."""
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
