"""How long the parts of `make soak` last. All of them scale with SOAK_MINUTES, which is 60 when nothing is said.

A part is a test with the marker `soak`. It says what it would take of an hour, and asks here what it may take today:

    @pytest.mark.soak
    def test_no_form_breaks_the_parser() -> None:
        for turn in soaking.turns(minutes=6, what="forms"):
            ...

Three lanes run beside each other (tools/soak.py): the endurance run, what is done to processes and disks, and all other
parts, one after the other. So the minutes of a lane together should stay below 55.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

PROGRESS_SECONDS = 30.0


def scale() -> float:
    """Return what this run is of an hour."""
    return float(os.environ.get("SOAK_MINUTES", "60")) / 60


def seconds(minutes: float, *, at_least: float = 5.0) -> float:
    """Return how many seconds a part may take that takes `minutes` of an hour."""
    return max(at_least, minutes * 60 * scale())


def count(of_an_hour: int, *, at_least: int = 1) -> int:
    """Return how many times a part does what it does `of_an_hour` times in an hour."""
    return max(at_least, round(of_an_hour * scale()))


def turns(minutes: float, *, what: str, at_least: float = 5.0) -> Iterator[int]:
    """Count turns from 0 until the part's time is over, telling now and then how far it is."""
    begun = told = time.monotonic()
    lasts = seconds(minutes, at_least=at_least)
    turn = 0
    while time.monotonic() - begun < lasts:
        yield turn
        turn += 1
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            progress(f"{what}: {turn} in {told - begun:.0f} of {lasts:.0f} s")
    progress(f"{what}: {turn} in {time.monotonic() - begun:.0f} s")


def progress(line: str) -> None:
    """Tell how far a part is. pytest shows it where it captures nothing, as in `make soak`."""
    print(line, file=sys.stderr, flush=True)
