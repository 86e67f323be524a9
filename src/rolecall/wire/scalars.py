"""Simple values as text on the wire, and back: numbers, booleans, timestamps, blobs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from rolecall.wire.model import Shape

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_EPOCH = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_LONG_FRACTION = re.compile(r"([.,][0-9]{6})[0-9]+")
_UNIX_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Unreadable(ValueError):
    """A text that does not spell a value of its type; the message names the type with its article."""


def integer(text: str) -> int:
    """Read a 32-bit integer. Raises Unreadable."""
    number = long(text)
    if not -(2**31) <= number < 2**31:
        raise Unreadable("an integer")
    return number


def long(text: str) -> int:
    """Read a 64-bit integer. Raises Unreadable."""
    if not _INTEGER.fullmatch(text):
        raise Unreadable("an integer")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise Unreadable("an integer")
    return number


def decimal(text: str) -> float:
    """Read a floating-point number, also NaN and the infinities. Raises Unreadable."""
    if text in {"NaN", "Infinity", "-Infinity"}:
        return float(text)
    if len(text) > 64 or not _DECIMAL.fullmatch(text):
        raise Unreadable("a number")
    return float(text)


def boolean(text: str) -> bool:
    """Read `true` or `false`, nothing else. Raises Unreadable."""
    if text == "true":
        return True
    if text == "false":
        return False
    raise Unreadable("a boolean")


def lenient_boolean(text: str) -> bool:
    """Read `true` or `false` in any case, as S3 does: its own documentation shows `TRUE`. Raises Unreadable."""
    return boolean(text.lower())


def blob(text: str) -> bytes:
    """Read base64. Raises Unreadable."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("base64") from None


def moment(text: str) -> datetime:
    """Read a timestamp in any form that AWS takes: ISO 8601, seconds since 1970, or HTTP's dates. Raises Unreadable.

    Without an offset it is UTC.
    """
    try:
        if _ISO.fullmatch(text):
            return _aware(datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", text).upper()))
        if _EPOCH.fullmatch(text):
            return moment_of(float(text))
        return _aware(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        raise Unreadable("a timestamp") from None


def moment_of(seconds: float) -> datetime:
    """Return the moment so many seconds after 1970 began. Raises Unreadable where no calendar reaches."""
    try:
        return _UNIX_ZERO + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise Unreadable("a timestamp") from None


def _aware(parsed: datetime) -> datetime:
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _utc(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"a timestamp is a datetime, not {type(value).__name__}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


@lru_cache(maxsize=4096)
def iso_seconds(value: object) -> str:
    """Spell a moment as IAM and STS do: whole seconds of UTC."""
    return f"{_utc(value).isoformat()[:19]}Z"


def iso_thousandths(value: object) -> str:
    """Spell a moment with three digits after the second."""
    utc = _utc(value)
    return f"{iso_seconds(utc)[:-1]}.{utc.microsecond // 1000:03d}Z"


@lru_cache(maxsize=4096)
def iso_zero_thousandths(value: object) -> str:
    """Spell a moment as S3 does: whole seconds, with three zeros behind."""
    utc = _utc(value)
    day = f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}"
    return f"{day}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}.000Z"


@lru_cache(maxsize=4096)
def http_date(value: object) -> str:
    """Spell a moment as HTTP's headers do: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    utc = _utc(value)
    return (
        f"{_DAYS[utc.weekday()]}, {utc.day:02d} {_MONTHS[utc.month - 1]} {utc.year:04d}"
        f" {utc.hour:02d}:{utc.minute:02d}:{utc.second:02d} GMT"
    )


def epoch_seconds(value: object) -> int | float:
    """Return a moment as seconds since 1970: a whole number where it is one, else with thousandths."""
    utc = _utc(value)
    whole = (utc - _UNIX_ZERO) // timedelta(seconds=1)
    thousandths = utc.microsecond // 1000
    return whole + thousandths / 1000 if thousandths else whole


def epoch_text(value: object) -> str:
    """Spell a moment as seconds since 1970."""
    return str(epoch_seconds(value))


def base64_text(value: object) -> str:
    """Spell bytes in base64."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"a blob is bytes, not {type(value).__name__}")
    return base64.b64encode(value).decode("ascii")


def boolean_text(value: object) -> str:
    """Spell a boolean."""
    return "true" if value else "false"


def number_text(value: object) -> str:
    """Spell a number; the odd ones as AWS spells them."""
    if value == float("inf"):
        return "Infinity"
    if value == float("-inf"):
        return "-Infinity"
    return "NaN" if value != value else str(value)


READERS: dict[str, Callable[[str], object]] = {
    "string": str,
    "character": str,
    "integer": integer,
    "long": long,
    "float": decimal,
    "double": decimal,
    "boolean": boolean,
    "timestamp": moment,
    "blob": blob,
}

WRITERS: dict[str, Callable[[object], str]] = {
    "string": str,
    "character": str,
    "integer": str,
    "long": str,
    "float": number_text,
    "double": number_text,
    "boolean": boolean_text,
    "blob": base64_text,
}

MOMENTS: dict[str, Callable[[object], str]] = {
    "iso8601": iso_thousandths,
    "rfc822": http_date,
    "unixTimestamp": epoch_text,
}


def is_scalar(shape: Shape) -> bool:
    """Tell whether a shape is a simple value."""
    return shape.type in READERS
