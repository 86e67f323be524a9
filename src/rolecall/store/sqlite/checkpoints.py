"""Checkpoints: moving the log's pages into the database beside the writers, and keeping the log bounded."""

from __future__ import annotations

import logging
import threading

import apsw

from rolecall.store.sqlite.database import Database
from rolecall.store.sqlite.faults import FAULTS

_WAIT_FOR_VIEWS = 0.02

_log = logging.getLogger(__name__)


class Checkpointer:
    """A thread that checkpoints when told that the log is long.

    The log can start over only when all of it has been moved and nobody reads from it. So it is moved twice: at large
    while writers go on, then the little that came meanwhile with the writers' lock held, waiting for the views that
    are under way; later ones read the database. Both passes sync the log before, and the database after, they move
    pages.
    """

    def __init__(self, database: Database, *, pages: int, sync: bool) -> None:
        """Start the thread. A log of `pages` is long."""
        self._database = database
        self._pages = pages
        self._next = pages
        self._connection = database.connect(busy_seconds=_WAIT_FOR_VIEWS, cache_bytes=1 << 20, sync=sync)
        self._wake = threading.Event()
        self._is_at_it = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="rolecall-checkpoint", daemon=True)
        self._thread.start()

    def log_has(self, pages: int) -> None:
        """Take note of the log's length after a commit."""
        if pages < self._pages:
            self._next = self._pages
        elif pages >= self._next and not self._is_at_it:
            self._wake.set()

    def close(self) -> None:
        """Stop the thread after what it is doing."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join()
        self._connection.close(True)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()  # before looking why: what is set from now on wakes again
            if self._is_stopping:
                return
            self._is_at_it = True
            self._next = self._pages + self._move()
            self._is_at_it = False

    def _move(self) -> int:
        """Checkpoint; return the length from which on the log may grow as long again before the next attempt."""
        try:
            return self._checkpoint()
        except apsw.BusyError:
            return self._next  # another process is at it, or a view lasts
        except FAULTS as fault:
            _log.warning("the log could not be moved into the database, which will be tried again: %s", fault)
            return self._next

    def _checkpoint(self) -> int:
        """Move the log; return how many pages of it are left in the way of the next writer."""
        pages, moved = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if pages - moved >= self._pages:
            return pages
        with self._database.locked("lock"):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        return 0
