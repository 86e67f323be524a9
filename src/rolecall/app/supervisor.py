"""The worker processes of one server: started, watched, replaced when they die, stopped together.

The listening socket is the server's own, so no client is turned away while a place is replaced. A place reads its
settings from a pipe and lives as long as that pipe is open: when the server dies, however it dies, its workers follow.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from rolecall.clock import monotonic

READY = b"ready\n"
"""What a worker writes when it serves."""
CANNOT = 2
"""The exit code of a worker that says why it cannot serve."""

_PATIENCE = 60.0
"""How long the first workers may take to be ready."""
_STEADY_SECONDS = 5.0
"""A worker that lived so long is replaced at once; after a shorter life its successor waits, ever longer."""
_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE = 5.0
_STOPS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("rolecall.serve")


class Place:
    """One place for a worker, and the process that fills it."""

    def __init__(self, number: int) -> None:
        """Begin empty."""
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.due = 0.0
        """When a process is to be started."""
        self.pause = 0.0
        self.is_ready = False


class Supervisor:
    """Starts workers with `command`, whose standard input receives `settings`. Runs in the server's main thread."""

    def __init__(
        self, command: Callable[[int], Sequence[str]], listener: socket.socket, shared: int, count: int
    ) -> None:
        """`command` makes the command of a worker by its number; it inherits `listener` and `shared`."""
        self._command = command
        self._listener = listener
        self._inherited = (listener.fileno(), shared)
        self._places = [Place(number) for number in range(count)]
        self._selector = selectors.DefaultSelector()
        self._settings = b""
        self._stop_asked = False
        self._was_ready = False
        for place in self._places:
            self._start(place)

    def run(self, settings: bytes, ready: Callable[[], None], patience: float) -> int:
        """Hand out `settings` (one line), call `ready` once all serve, and go on until a signal; return the exit code.

        Workers told to stop have `patience` seconds for what is under way.
        """
        self._settings = settings
        for place in self._places:
            self._tell(place)
        with self._signals():
            began, code = monotonic(), 0
            while not self._stop_asked:
                self._await_something()
                if not self._was_ready:
                    code = self._first_start(began, ready)
                    if code:
                        break
                self._start_due()
            self.stop(patience)
        return code

    def stop(self, patience: float) -> None:
        """Close the door, tell all workers to end, and end those that are not gone after `patience` seconds.

        Who comes now is turned away at once, and does not wait in a line that nobody will serve.
        """
        self._listener.close()
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        until = monotonic() + patience
        for process in running:
            try:
                process.wait(max(0.0, until - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _first_start(self, began: float, ready: Callable[[], None]) -> int:
        """Look how far the first workers are; return an exit code where they do not come to serve."""
        if any(place.process is None for place in self._places):
            return CANNOT
        if all(place.is_ready for place in self._places):
            self._was_ready = True
            ready()
        elif monotonic() - began > _PATIENCE:
            _log.error("the workers are not ready after %d seconds", _PATIENCE)
            return 1
        return 0

    def _start(self, place: Place) -> None:
        place.process = subprocess.Popen(  # noqa: S603 - our own interpreter
            self._command(place.number), stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=self._inherited
        )
        place.began = monotonic()
        place.is_ready = False
        if place.process.stdout is not None:
            self._selector.register(place.process.stdout, selectors.EVENT_READ, place)

    def _tell(self, place: Place) -> None:
        if place.process is not None and place.process.stdin is not None:
            with suppress(BrokenPipeError):
                place.process.stdin.write(self._settings + b"\n")
                place.process.stdin.flush()

    def _await_something(self) -> None:
        dues = [place.due for place in self._places if place.process is None]
        pause = max(0.0, min(dues) - monotonic()) if dues else 1.0
        for key, _ in self._selector.select(pause):
            if isinstance(key.data, Place):
                self._hear(key.data)

    def _hear(self, place: Place) -> None:
        """Read what a worker says: that it serves, or, by the end of its output, that it is gone."""
        process = place.process
        if process is None or process.stdout is None:
            return
        if line := process.stdout.readline():
            place.is_ready = place.is_ready or line == READY
            return
        self._selector.unregister(process.stdout)
        process.kill()
        code = process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.close() if process.stdin is not None else None
        place.process = None
        if self._was_ready and not self._stop_asked:
            self._plan_successor(place, code)

    def _plan_successor(self, place: Place, code: int) -> None:
        lived = monotonic() - place.began
        place.pause = 0.0 if lived >= _STEADY_SECONDS else min(_LONGEST_PAUSE, max(_PAUSE_SECONDS, place.pause * 2))
        place.due = monotonic() + place.pause
        _log.error("worker %d ended (%s); another takes its place in %.1f s", place.number, _how(code), place.pause)

    def _start_due(self) -> None:
        for place in self._places:
            if place.process is None and place.due <= monotonic() and not self._stop_asked:
                try:
                    self._start(place)
                except OSError as error:  # no memory, no descriptor: the other workers go on, and so does the server
                    place.pause = min(_LONGEST_PAUSE, max(_PAUSE_SECONDS, place.pause * 2))
                    place.due = monotonic() + place.pause
                    _log.error("worker %d cannot be started now: %s", place.number, error)
                else:
                    self._tell(place)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Have signals that ask for the end wake the selector."""
        awake, wake = socket.socketpair()
        wake.setblocking(False)
        self._selector.register(awake, selectors.EVENT_READ)
        before = {sign: signal.signal(sign, self._ask_to_stop) for sign in _STOPS}
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for sign, handler in before.items():
                signal.signal(sign, handler)
            self._selector.close()
            awake.close()
            wake.close()

    def _ask_to_stop(self, sign: int, frame: FrameType | None) -> None:
        del sign, frame
        self._stop_asked = True


def worker_command(listener: socket.socket, shared: int) -> Callable[[int], Sequence[str]]:
    """Return what makes the command of a worker. `-P` keeps the present folder out of what can be imported."""
    inherited = [str(listener.fileno()), str(shared)]
    return lambda number: [sys.executable, "-P", "-m", "rolecall.app.worker", *inherited, str(number)]


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
