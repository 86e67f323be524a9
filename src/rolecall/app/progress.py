"""One line that says how far a command is, where it takes longer than a second."""

from __future__ import annotations

import sys
import threading

from rolecall.clock import monotonic

_PATIENCE = 1.0
_EVERY_ON_A_TERMINAL = 0.2
_EVERY_ELSEWHERE = 10.0


class Progress:
    """Says on standard error what is being done and how much of it is; on a terminal the line is written over."""

    def __init__(self, unit: str = "MB", scale: int = 1_000_000) -> None:
        """Show numbers in `unit`; each stands for `scale` of what is counted."""
        self._unit = unit
        self._scale = scale
        self._terminal = sys.stderr.isatty()
        self._next = monotonic() + _PATIENCE
        self._shown = 0
        self._lock = threading.Lock()

    def tell(self, what: str, done: int, whole: int) -> None:
        """Note that `done` of `whole` (0: who knows) is done of `what`. May be called from any thread."""
        if monotonic() < self._next:
            return
        with self._lock:
            self._next = monotonic() + (_EVERY_ON_A_TERMINAL if self._terminal else _EVERY_ELSEWHERE)
            line = f"{what}: {100 * done // whole} % of {whole / self._scale:,.0f} {self._unit}" if whole else what
            if self._terminal:
                print(f"\r{line.ljust(self._shown)}", end="", file=sys.stderr, flush=True)
                self._shown = len(line)
            else:
                print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            print(f"\r{' ' * self._shown}\r", end="", file=sys.stderr, flush=True)
            self._shown = 0
