"""In which rooms of the house the main thread spends its processor time, by looking a thousand times a second."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import rolecall
from bench.flame import Stack

_HOUSE = str(Path(rolecall.__file__).parent) + "/"
_PERIOD = 0.001


class Rooms:
    """Counts where the main thread is, between `start` and `stop`.

    What a room calls outside the house (hashes, the database, asyncio) counts for the room.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.seen: Counter[str] = Counter()
        self.stacks: Counter[Stack] = Counter()
        self._last = 0.0

    def start(self) -> None:
        """Begin to look."""
        self._last = time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _PERIOD, _PERIOD)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def shares(self) -> list[tuple[str, float]]:
        """Return each room's share of what was seen in the house, the largest first."""
        total = sum(self.seen.values())
        return [(room, count / total) for room, count in self.seen.most_common()]

    def _look(self, number: int, frame: FrameType | None) -> None:
        del number
        # The timer runs with every thread; a look counts for what this one has used since the last.
        now = time.thread_time()
        spent, self._last = int((now - self._last) * 1e6), now
        stack: list[str] = []
        while frame is not None:
            if frame.f_code.co_filename.startswith(_HOUSE):
                file = frame.f_code.co_filename.removeprefix(_HOUSE).removesuffix(".py")
                stack.append(f"{file}: {frame.f_code.co_name}")
            frame = frame.f_back
        if stack:
            parts = stack[0].partition(":")[0].split("/")
            self.seen["/".join(parts[:2]) if parts[0] in {"services", "store"} else parts[0]] += spent
            self.stacks[tuple(reversed(stack))] += spent
