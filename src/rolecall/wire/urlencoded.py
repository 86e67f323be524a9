"""Queries and forms: the only reader of `name=value&...`, for every protocol."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

MAX_PARAMETERS = 10_000
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Undecodable(ValueError):
    """Parameters that cannot be read one way only; the message is a sentence for the caller."""


def decode(raw: bytes) -> dict[str, str]:
    """Return the parameters of a raw query or form, decoded once: `%xx` is a byte of UTF-8, `+` a blank.

    Raises Undecodable for a name that comes twice, a broken escape, bytes that are not UTF-8, or too many.
    """
    found: dict[str, str] = {}
    for name, value in decode_pairs(raw):
        if name in found:
            raise Undecodable(f"The parameter {name} is given more than once.")
        found[name] = value
    return found


def decode_pairs(raw: bytes) -> list[tuple[str, str]]:
    """Do as `decode`, and let names come as often as they do."""
    if not raw:
        return []
    if _BROKEN_ESCAPE.search(raw):
        raise Undecodable("A percent sign must be followed by two hexadecimal digits.")
    found: list[tuple[str, str]] = []
    try:
        pairs = raw.decode().split("&")
        if len(pairs) > MAX_PARAMETERS:
            raise Undecodable(f"More than {MAX_PARAMETERS} parameters.")
        for pair in pairs:
            if not pair:
                continue
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:
                name, value = _text(name), _text(value)
            found.append((name, value))
    except UnicodeDecodeError:
        raise Undecodable("Parameters must be UTF-8.") from None
    return found


def _text(escaped: str) -> str:
    return _read(escaped) if len(escaped) <= _LONGEST_KEPT else _read.__wrapped__(escaped)


_LONGEST_KEPT = 256
"""Of what is remembered, in characters: names, ARNs, actions come again and again, documents do not."""


@lru_cache(maxsize=1024)
def _read(escaped: str) -> str:
    if "+" in escaped:
        escaped = escaped.replace("+", " ")
    return unquote_to_bytes(escaped).decode() if "%" in escaped else escaped


def decode_path(raw: bytes) -> str:
    """Decode one piece of a path, once: `%xx` is a byte of UTF-8, `+` a plus. Raises Undecodable."""
    if _BROKEN_ESCAPE.search(raw):
        raise Undecodable("A percent sign must be followed by two hexadecimal digits.")
    try:
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()
    except UnicodeDecodeError:
        raise Undecodable("Paths must be UTF-8.") from None
