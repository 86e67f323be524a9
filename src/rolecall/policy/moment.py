"""Dates as policies write them, on either side of a comparison: ISO 8601 in the W3C's profile, or epoch seconds."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_EPOCH = re.compile(r"[0-9]{1,3}|-?[0-9]{5,19}|-[0-9]{1,4}", re.ASCII)
_ISO = re.compile(
    r"(?P<year>-?[0-9]{1,9})(?:-(?P<month>[0-9]{1,2})(?:-(?P<day>[0-9]{1,2}))?)?"
    r"(?:t(?:(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{1,2})(?:\.(?P<part>[0-9]{1,9}))?)?)?"
    r"(?P<zone>z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_MOST_SECONDS = 2**63 - 1
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@lru_cache(maxsize=1024)
def seconds_of(text: str) -> Decimal | None:
    """Return the seconds since 1970 that a date names, or None where it is no date.

    Four digits are a year. What has no zone is UTC.
    """
    if _EPOCH.fullmatch(text):
        number = int(text)
        return Decimal(number) if number <= _MOST_SECONDS else None
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    if not 1 <= month <= 12 or not 1 <= day <= _length(year, month) or hour > 23 or minute > 59 or second > 59:
        return None
    offset = _offset(found["zone"])
    if offset is None:
        return None
    whole = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return Decimal(whole) + Decimal(f"0.{found['part'] or 0}")


def _length(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]


def _offset(zone: str | None) -> int | None:
    if not zone or zone in "zZ":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _days(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 in the Gregorian calendar, for any year."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
