"""Composite keys whose byte order is the order of their parts.

A part's zero bytes are written `00 FF` and each part but the last of a full key is closed by `00 01`; so ("a", "b")
sorts before ("a!", "b"), whatever bytes the parts hold, and a key's parts can be read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

Part = str | bytes | int

_END = b"\x00\x01"
_TEXT_END = "\0\1"
_ZERO = b"\x00\xff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def pack(*parts: Part) -> bytes:
    """Return the key of `parts`: text as UTF-8 (surrogate escapes kept as bytes), numbers below 2**64 as 8 bytes.

    Every part is closed, so a packed key is also the prefix of exactly the keys that begin with the same parts.
    """
    try:
        text = _TEXT_END.join(parts)  # type: ignore[arg-type]  # numbers and bytes come the longer way
    except TypeError:
        return _packed(parts)
    if text.count("\0") >= len(parts):
        return _packed(parts)
    return text.encode("utf-8", "surrogateescape") + _END


def _packed(parts: Iterable[Part]) -> bytes:
    return b"".join([_bytes(part).replace(b"\x00", _ZERO) + _END for part in parts])


def open_ended(*parts: Part) -> bytes:
    """Return the prefix of all keys whose first parts equal `parts`, the last one only begun (for prefix listings)."""
    return pack(*parts[:-1]) + _bytes(parts[-1]).replace(b"\x00", _ZERO)


def after(prefix: bytes) -> bytes:
    """Return the first key that sorts behind every key that begins with `prefix` (for skipping a whole prefix)."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        raise ValueError("no key sorts behind an all-ones prefix")
    return stripped[:-1] + bytes([stripped[-1] + 1])


def just_after(key: bytes) -> bytes:
    """Return the first key that sorts behind `key` itself (for going on where a page ended)."""
    return key + b"\x00"


def unpack(key: bytes) -> tuple[bytes, ...]:
    """Return the parts of a packed key, as bytes."""
    return tuple(part.replace(_ZERO, b"\x00") for part in key.split(_END)[:-1])


def micros(moment: datetime) -> int:
    """Return the moment as microseconds since 1970, a part of keys that orders what is newer behind what is older."""
    return (moment - _EPOCH) // _MICROSECOND


def descending(number: int) -> int:
    """Return the number whose packed form sorts in the reverse order, for newest-first keys."""
    return 2**64 - 1 - number


def _bytes(part: Part) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, int):
        return part.to_bytes(8, "big")
    return part.encode("utf-8", "surrogateescape")
