r"""The models' patterns, which are Java's, as Python's.

Java's `\w`, `\d` and `\s` are ASCII, its `\p{L}` is not, and its code points above U+FFFF are written in two halves.
A pattern is always held against a whole value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_SHORTHANDS = {"\\w": "A-Za-z0-9_", "\\d": "0-9", "\\s": r" \t\n\x0b\f\r"}
_SEPARATORS = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SURROGATES = re.compile(r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"\\(?:p\{[A-Z]\}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|.)|.", re.DOTALL)


class UnreadablePattern(ValueError):
    """A pattern that this translation does not know; no pinned model has one."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a Python pattern that matches exactly the values that Java's `pattern` matches; use `fullmatch`."""
    return re.compile(translated(pattern))


def translated(pattern: str) -> str:
    """Spell a pattern of Java's in Python's words. Raises UnreadablePattern."""
    out: list[str] = []
    tokens = iter(_TOKEN.findall(_SURROGATES.sub(_joined, pattern)))
    for piece in tokens:
        if piece == "[":
            out.append(_character_class(tokens))
        elif piece in _SHORTHANDS:
            out.append(f"[{_SHORTHANDS[piece]}]")
        elif piece.startswith("\\p"):
            raise UnreadablePattern(pattern)
        else:
            out.append(piece)
    return "".join(out)


def _joined(halves: re.Match[str]) -> str:
    high, low = int(halves[1], 16), int(halves[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _character_class(tokens: Iterator[str]) -> str:
    r"""Translate a class up to its closing bracket.

    Python has no `\p`, but its own `\w` is letters, numbers and the underscore of all scripts: together they can be
    said, one alone cannot.
    """
    parts: list[str] = []
    properties: set[str] = set()
    after_shorthand = False
    for piece in tokens:
        if piece == "]" and parts:
            break
        if piece.startswith("\\p"):
            properties.add(piece[3])
        elif piece in _SHORTHANDS:
            parts.append(_SHORTHANDS[piece])
        elif piece == "-" and after_shorthand:
            parts.append("\\-")
        else:
            parts.append("\\[" if piece == "[" else piece)
        after_shorthand = piece in _SHORTHANDS
    if "Z" in properties:
        parts.append(_SEPARATORS)
    if letters := properties - {"Z"}:
        if letters != {"L", "N"} or "_" not in parts:
            raise UnreadablePattern(f"{sorted(letters)} beside {parts}")
        parts.append("\\w")
    return f"[{''.join(parts)}]"
