"""Checkpoints: moving the log's pages into the database beside the writers, and keeping the log bounded."""

from __future__ import annotations

import logging
import threading

import apsw

from rolecall.store.sqlite.database import Database
from rolecall.store.sqlite.faults import FAULTS

_log = logging.getLogger(__name__)


class Checkpointer:
    """A thread that checkpoints when told that the log is long.

    A log can only start over when all of it has been moved and nobody reads it. So it is moved twice: at large while
    writers go on, then the little that came meanwhile with the writers' lock held, after which the next writer starts
    the log over. Both passes sync the log before, and the database after, they move pages.
    """

    def __init__(self, database: Database, *, pages: int, sync: bool) -> None:
        """Start the thread. A log of `pages` is long."""
        self._database = database
        self._pages = pages
        self._connection = database.connect(busy_seconds=0, cache_bytes=1 << 20, sync=sync)
        self._long = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rolecall-checkpoint", daemon=True)
        self._thread.start()

    def log_has(self, pages: int) -> None:
        """Take note of the log's length after a commit."""
        if pages >= self._pages:
            self._long.set()

    def close(self) -> None:
        """Stop the thread after what it is doing."""
        self._stopping = True
        self._long.set()
        self._thread.join()
        self._connection.close(True)

    def _run(self) -> None:
        while self._long.wait() and not self._stopping:
            self._long.clear()
            try:
                self._checkpoint()
            except apsw.BusyError:
                continue  # another process is at it
            except FAULTS as fault:
                _log.warning(
                    "the store's log could not be moved into the database, which will be tried again: %s", fault
                )

    def _checkpoint(self) -> None:
        passive = apsw.SQLITE_CHECKPOINT_PASSIVE
        pages, moved = self._connection.wal_checkpoint(mode=passive)
        if pages - moved < self._pages:
            with self._database.locked("lock"):
                self._connection.wal_checkpoint(mode=passive)
