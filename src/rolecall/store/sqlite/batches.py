"""Group commit: the one thread of a process that writes, in batches, in turn with the other processes."""

from __future__ import annotations

import fcntl
import os
import queue
import threading
from collections.abc import Iterator

import apsw

from rolecall.clock import monotonic
from rolecall.store.interface import StoreError, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.checkpoints import Checkpointer
from rolecall.store.sqlite.database import Database, open_lock
from rolecall.store.sqlite.durability import WalSync
from rolecall.store.sqlite.faults import translated, unconfirmed
from rolecall.store.sqlite.jobs import Job, deliver
from rolecall.store.sqlite.writing import Changes, Sequence

MOST_WORKS = 256
LONGEST_BATCH = 0.02
"""A batch takes in no more after so many works or seconds, so that the turn of other processes comes soon."""

_CACHE_BYTES = 8 << 20
_BUSY_SECONDS = 0.5
"""For programs that do not know our lock file: a job waits for them until its own deadline, in steps of this."""


class Writer:
    """The writing thread.

    A batch takes the lock file, runs its works in one transaction, commits without waiting for the disk, lets the next
    process have the lock, waits for the disk, and only then tells anybody.
    """

    def __init__(self, database: Database, keys: MasterKeys, *, wal: WalSync | None, log_pages: int) -> None:
        """Start the thread. Without `wal`, commits are acknowledged without being synced."""
        self._database = database
        self._keys = keys
        self._wal = wal
        self._queue: queue.SimpleQueue[Job[object] | None] = queue.SimpleQueue()
        self._lock = open_lock(f"{database.path}.lock")
        self._connection: apsw.Connection | None = None
        self._in_doubt = False
        self._log_pages = 0
        self._checkpointer = Checkpointer(database, pages=log_pages, sync=wal is not None)
        self._thread = threading.Thread(target=self._serve, name="rolecall-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job[object]) -> None:
        """Queue a job."""
        self._queue.put(job)

    def is_this_thread(self) -> bool:
        """Tell whether the caller runs on the writing thread, inside a work."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._queue.put(None)
        self._thread.join()
        self._checkpointer.close()
        if self._connection is not None:
            self._connection.close(True)
        os.close(self._lock)

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs, is_committed = self._take_turn(first)
            if is_committed:
                self._sync(jobs)
            deliver(jobs)
            self._checkpointer.log_has(self._log_pages)

    def _take_turn(self, first: Job[object]) -> tuple[list[Job[object]], bool]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            return self._commit_batch(first)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _commit_batch(self, first: Job[object]) -> tuple[list[Job[object]], bool]:
        """Run and commit `first` and what is queued behind it. Returns the jobs, and whether they were committed."""
        jobs: list[Job[object]] = []
        try:
            connection = self._begin(first)
            if connection is None:
                return jobs, False
            sequence = Sequence(connection.execute)
            for job in self._claimed(first):
                jobs.append(job)
                self._run(job, connection, sequence)
            sequence.keep(connection.execute)
            connection.execute("COMMIT")
        except Exception as fault:  # noqa: BLE001 - whatever it is, the one thread that writes must not die of it
            if not jobs and first.claim():
                jobs.append(first)
            self._give_up(jobs, fault if isinstance(fault, StoreError) else translated(fault))
            return jobs, False
        return jobs, True

    def _begin(self, first: Job[object]) -> apsw.Connection | None:
        """Begin a transaction, or return None when `first` was withdrawn meanwhile."""
        connection = self._connected()
        if self._in_doubt:
            self._repair(connection)
        while not first.is_claimed:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                continue
            return connection
        return None

    def _claimed(self, first: Job[object]) -> Iterator[Job[object]]:
        """Yield the jobs of this batch, each claimed: from now on none is withdrawn."""
        ends = monotonic() + LONGEST_BATCH
        if first.claim():
            yield first
        for _ in range(MOST_WORKS - 1):
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            if job.claim():
                yield job
            if monotonic() > ends:
                return

    def _run(self, job: Job[object], connection: apsw.Connection, sequence: Sequence) -> None:
        changes = Changes(connection.execute, self._keys, sequence)
        connection.execute("SAVEPOINT work")
        job.run(changes)
        changes.end()
        if changes.broken is not None:
            raise changes.broken
        if job.error is not None:
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")

    def _sync(self, jobs: list[Job[object]]) -> None:
        if self._wal is None:
            return
        try:
            self._wal.sync()
        except OSError as fault:
            self._in_doubt = True
            for job in jobs:
                job.error = unconfirmed(fault)

    def _repair(self, connection: apsw.Connection) -> None:
        """Make durable what a failed sync left in doubt.

        After a failed sync the system takes the log's pages for written, so syncing again proves nothing. Moving them
        into the database writes them anew, and the sync of the database answers for them.
        """
        pages, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if moved < pages:
            raise StoreUnavailable("The store is not available: it recovers from a failed sync. Try again.")
        self._in_doubt = False

    def _give_up(self, jobs: list[Job[object]], error: StoreError) -> None:
        """Fail the whole batch, for each may have seen another's changes, and begin the next with a new connection."""
        for job in jobs:
            job.error = error
        if self._connection is not None:
            self._connection.close(True)
            self._connection = None

    def _connected(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = self._database.connect(
                busy_seconds=_BUSY_SECONDS, cache_bytes=_CACHE_BYTES, sync=self._wal is not None
            )
            self._connection.set_wal_hook(self._committed)
        return self._connection

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK
