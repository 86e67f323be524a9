"""The queue before the trail, and the thread that empties it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import datetime, timedelta
from functools import partial

from rolecall.clock import Clock, SystemClock, monotonic
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

    `record` only queues. Whoever has the time turns what is queued into events (`prepare`), a few at a time; a thread
    of the trail's own writes them. Building on that thread would be simpler, and twice as dear for a busy event loop:
    two threads of Python code hold each other up.
    """

    def __init__(
        self, store: Store, *, clock: Clock | None = None, kept: timedelta = KEPT, queued: int = QUEUED
    ) -> None:
        """Begin with nothing queued; the thread starts with the first event. Events expire after `kept`."""
        self._store = store
        self._clock = clock or SystemClock()
        self._kept = kept
        self._queued = queued
        self._queue: deque[tuple[datetime, Noted]] = deque()
        self._ready: deque[Event] = deque()
        self._is_prepared = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next_expiry = 0.0
        self.lost = 0
        """How many events could not be kept since the start."""

    def record(self, noted: Noted) -> None:
        """Queue an event, completed now. Where too many wait it is lost, and counted."""
        if len(self._queue) + len(self._ready) >= self._queued:
            self._lose(1)
            return
        self._queue.append((self._clock.now(), noted))
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def prepare(self, limit: int) -> bool:
        """Build at most `limit` queued events on the calling thread; return whether more wait.

        From the first call on the trail's thread builds none: the caller is to come again, at least every
        `FLUSH_SECONDS`.
        """
        self._is_prepared = True
        more = self._build(limit)
        if self._ready:
            self._wake.set()
        return more

    def flush(self) -> None:
        """Build and write what is queued, now. Raises StoreError; what was not written stays queued."""
        self._build(len(self._queue))
        self._write()

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
        self.flush()

    def _write(self) -> None:
        """Write the events that are ready. Raises StoreError; what was not written stays ready."""
        with self._flushing:
            while batch := [self._ready[place] for place in range(min(len(self._ready), segments.SEGMENT))]:
                self._store.write_now(partial(segments.keep, events=batch))
                for _ in batch:
                    self._ready.popleft()

    def _build(self, limit: int) -> bool:
        """Build events. One that cannot be built is lost, and no reason to lose the others."""
        for _ in range(limit):
            try:
                completed, noted = self._queue.popleft()
            except IndexError:
                return False
            try:
                self._ready.append(noted.event(completed))
            except Exception:  # noqa: BLE001  # whatever is wrong with one event, the trail goes on
                _log.exception("an event could not be built")
                self._lose(1)
        return bool(self._queue)

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
                if not self._is_prepared:
                    self._build(len(self._queue))
                self._write()
                self._expire_sometimes()
            except StoreError as error:
                _log.error("the trail cannot be written, %d events wait: %s", len(self._ready), error)
                self._closing.wait(_RETRY_SECONDS)
                self._wake.set()

    def _expire_sometimes(self) -> None:
        if monotonic() >= self._next_expiry:
            self._next_expiry = monotonic() + _EXPIRE_EVERY
            self.expire(limit=1024)

    def _lose(self, count: int) -> None:
        self.lost += count
        if self.lost == count or self.lost % 1000 == 0:
            _log.error("the trail has lost %d events since the start", self.lost)
