"""The only reader of time.

Time is read once a request and travels as a value from there; every other room takes it as an argument.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time of day comes from."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's present moment in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock for tests, which stands still until it is moved."""

    def __init__(self, moment: datetime) -> None:
        """Stand at `moment`, which must be aware."""
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._moment

    def advance(self, by: timedelta) -> None:
        """Move the clock; a negative `by` moves it back."""
        self._moment += by


def monotonic() -> float:
    """Return seconds of a clock that never runs back, for waiting and for measuring, never for dating."""
    return time.monotonic()
