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


class Steadiness:
    """Whether the clock has been going steadily for a while.

    What only time allows to be deleted for good is kept while it has not: a clock that ran ahead for a minute would
    otherwise cost what no setting back brings again.
    """

    def __init__(self, *, tolerance: timedelta = timedelta(minutes=5), calm: timedelta = timedelta(days=1)) -> None:
        """A difference above `tolerance` is a jump; the clock is steady again when there was none for `calm`."""
        self._tolerance = tolerance
        self._calm = calm.total_seconds()
        self._began: tuple[datetime, float] | None = None
        self._jumped_at: float | None = None

    def jump(self, now: datetime, elapsed: float) -> timedelta:
        """Return how far the clock jumped between the last call and this one, by a clock that never does (seconds)."""
        before, self._began = self._began, (now, elapsed)
        if before is None:
            return timedelta(0)
        jumped = now - before[0] - timedelta(seconds=elapsed - before[1])
        if abs(jumped) <= self._tolerance:
            return timedelta(0)
        self._jumped_at = elapsed
        return jumped

    def is_steady(self, elapsed: float) -> bool:
        """Tell whether no jump was seen lately."""
        return self._jumped_at is None or elapsed - self._jumped_at >= self._calm


def monotonic() -> float:
    """Return seconds of a clock that never runs back, for waiting and for measuring, never for dating."""
    return time.monotonic()
