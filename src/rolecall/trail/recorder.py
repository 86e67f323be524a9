"""The queue before the trail, and the thread that empties it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import timedelta
from functools import partial

from rolecall.clock import Clock, Steadiness, SystemClock, monotonic
from rolecall.store.interface import Store, StoreError
from rolecall.trail import segments
from rolecall.trail.event import Event, Noted, Question

FLUSH_SECONDS = 0.1
"""How long an event waits for company; the longest that a crash can lose is this and the time of one write."""
QUEUED = 100_000
"""How many events may wait. Those beyond are lost; they are counted and the log says so."""
KEPT = timedelta(days=90)

_EXPIRE_EVERY = 600.0
_EXPIRE_AT_ONCE = 64
_RETRY_SECONDS = 1.0

_log = logging.getLogger("rolecall.trail")


class Trail:
    """The trail over a store of its own, so that events neither wait for nor flush anything else.

    `record` makes the event and queues it; a thread of the trail's own writes what is queued. The event is made where
    the request is answered: a thread of Python code beside that one would hold it up for longer than making it takes.
    """

    def __init__(
        self, store: Store, *, clock: Clock | None = None, kept: timedelta = KEPT, queued: int = QUEUED
    ) -> None:
        """Begin with nothing queued; the thread starts with the first event. Events expire after `kept`."""
        self._store = store
        self._clock = clock or SystemClock()
        self._kept = kept
        self._queued = queued
        self._queue: deque[Event] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next_expiry = 0.0
        self._steadiness = Steadiness()
        self._is_failing = False
        self.lost = 0
        """How many events could not be kept since the start."""

    @property
    def waiting(self) -> int:
        """How many events are not written yet."""
        return len(self._queue)

    @property
    def is_stuck(self) -> bool:
        """Whether events cannot be written, or so many wait that new ones will be lost."""
        return self._is_failing or len(self._queue) > self._queued // 2

    def record(self, noted: Noted) -> None:
        """Queue the event of what has just happened.

        Where too many wait it is lost, as is one that cannot be made; what is lost is counted.
        """
        if len(self._queue) >= self._queued:
            self._lose(1)
            return
        try:
            self._queue.append(noted.event(self._clock.now()))
        except Exception:  # noqa: BLE001  # whatever is wrong with an event, its request was answered
            _log.exception("an event could not be made")
            self._lose(1)
            return
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def flush(self) -> None:
        """Write what is queued, now. Raises StoreError; what was not written stays queued."""
        with self._flushing:
            while batch := [self._queue[place] for place in range(min(len(self._queue), segments.SEGMENT))]:
                self._store.write_now(partial(segments.keep, events=batch))
                for _ in batch:
                    self._queue.popleft()

    def find(self, question: Question, limit: int) -> list[Event]:
        """Return at most `limit` events that were written, the newest first."""
        with self._store.view() as view:
            return segments.find(view, question, limit)

    def expire(self, limit: int = 2**31) -> int:
        """Remove what is older than events are kept, at most `limit` segments; return how many."""
        edge = self._clock.now() - self._kept
        gone = 0
        while gone < limit:
            some = self._store.write_now(lambda transaction: segments.expire(transaction, edge, _EXPIRE_AT_ONCE))
            gone += some
            if some < _EXPIRE_AT_ONCE:
                break
        return gone

    def close(self) -> None:
        """Write what is queued and stop. The store is its owner's to close. Raises StoreError."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._write_out()

    def _start(self) -> None:
        with self._flushing:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trail", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(FLUSH_SECONDS)
            self._wake.clear()
            try:
                self._write_out()
                self._expire_sometimes()
                self._is_failing = False
            except StoreError as error:
                self._is_failing = True
                _log.error("the trail cannot be written, %d events wait: %s", len(self._queue), error)
                self._closing.wait(_RETRY_SECONDS)
                self._wake.set()

    def _write_out(self) -> None:
        """Do as `flush`, and lose the events that cannot be written for a reason of their own. Raises StoreError."""
        while True:
            try:
                self.flush()
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - whatever is wrong with an event, the others are written
                _log.exception("an event could not be written")
                self._write_singly()
            else:
                return

    def _write_singly(self) -> None:
        with self._flushing:
            for _ in range(min(len(self._queue), segments.SEGMENT)):
                event = self._queue[0]
                try:
                    self._store.write_now(partial(segments.keep, events=[event]))
                except StoreError:
                    raise
                except Exception:  # noqa: BLE001 - as above
                    self._lose(1)
                self._queue.popleft()

    def _expire_sometimes(self) -> None:
        if monotonic() >= self._next_expiry:
            self._next_expiry = monotonic() + _EXPIRE_EVERY
            self._steadiness.jump(self._clock.now(), monotonic())
            if self._steadiness.is_steady(monotonic()):
                self.expire(limit=1024)

    def _lose(self, count: int) -> None:
        self.lost += count
        if self.lost == count or self.lost % 1000 == 0:
            _log.error("the trail has lost %d events since the start", self.lost)
