"""Group commit: writes in batches, in turn with the other processes, and a sync that all who wait for one share.

One thread of the process writes what may take long, and syncs. A short work that finds nobody writing is committed by
the thread that asks for it: handing it over, and the interpreter's lock back and forth, costs more than the commit.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator

import apsw

from rolecall.clock import monotonic
from rolecall.store.interface import StoreError, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.checkpoints import Checkpointer
from rolecall.store.sqlite.database import Database, open_lock
from rolecall.store.sqlite.durability import WalSync
from rolecall.store.sqlite.faults import translated, unconfirmed
from rolecall.store.sqlite.jobs import AwaitedJob, Job, deliver
from rolecall.store.sqlite.writing import Changes, Sequence

MOST_WORKS = 256
LONGEST_BATCH = 0.02
"""A batch takes in no more after so many works or seconds, so that the turn of other processes comes soon."""

_CACHE_BYTES = 8 << 20
_BUSY_SECONDS = 0.5
"""For programs that do not know our lock file: a job waits for them until its own deadline, in steps of this."""


class _SyncWanted:
    """Wakes the writing thread for what was committed elsewhere and waits for a sync."""


class Writer:
    """The writing thread, and who may do its work.

    A batch takes the lock file, runs its works in one transaction, commits without waiting for the disk, lets the next
    process have the lock, waits for the disk, and only then tells anybody.
    """

    def __init__(self, database: Database, keys: MasterKeys, *, wal: WalSync | None, log_pages: int) -> None:
        """Start the thread. Without `wal`, commits are acknowledged without being synced."""
        self._database = database
        self._keys = keys
        self._wal = wal
        self._queue: queue.SimpleQueue[Job[object] | _SyncWanted | None] = queue.SimpleQueue()
        self._unsynced: deque[Job[object]] = deque()
        """Committed, and not yet durable; the thread takes them before it syncs, and tells them afterwards."""
        self._turn = threading.Lock()
        """Held by who uses the connection."""
        self._thread_waits = False
        self._inside: int | None = None
        """The thread that runs works at this moment."""
        self._lock = open_lock(f"{database.path}.lock")
        self._connection: apsw.Connection | None = None
        self._doubt: OSError | None = None
        """Why the last sync failed, until what it left in doubt is durable."""
        self._log_pages = 0
        self._checkpointer = Checkpointer(database, pages=log_pages, sync=wal is not None)
        self._thread = threading.Thread(target=self._serve, name="rolecall-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many jobs wait for the thread."""
        return self._queue.qsize()

    def submit(self, job: Job[object]) -> None:
        """Queue a job."""
        self._queue.put(job)

    def commit_now(self, job: AwaitedJob[object]) -> bool:
        """Commit a short job here, on its loop, if nobody is in the way; tell whether it was claimed.

        Its future is done at once where nothing is synced or the job failed, else when it is durable.
        """
        if self._connection is None or self._doubt or self._thread_waits or not self._turn.acquire(blocking=False):
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._turn.release()
            return False
        try:
            is_committed = self._commit_alone(job, self._connection)
            if is_committed and self._wal is not None:
                self._leave_to_sync(job)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            self._turn.release()
        self._checkpointer.log_has(self._log_pages)
        if not job.is_claimed:
            return False
        if not is_committed or self._wal is None:
            job.settle()
        return True

    def _leave_to_sync(self, job: Job[object]) -> None:
        """Have the thread sync a committed job and tell of it.

        For who has the turn: of two who do this at once, neither would see that the thread must be woken.
        """
        self._unsynced.append(job)
        if len(self._unsynced) == 1:
            self._queue.put(_SyncWanted())

    def _left_to_sync(self) -> list[Job[object]]:
        """Take every job that waits to be synced, those too that are added meanwhile: nobody is woken for them."""
        taken: list[Job[object]] = []
        while self._unsynced:
            taken.append(self._unsynced.popleft())
        return taken

    def is_inside_a_work(self) -> bool:
        """Tell whether the caller is a work that this is running."""
        return threading.get_ident() == self._inside

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
            jobs, is_committed = ([], False) if isinstance(first, _SyncWanted) else self._take_turn(first)
            waiting = self._left_to_sync()
            self._sync([*jobs, *waiting] if is_committed else waiting)
            deliver([*jobs, *waiting])
            self._checkpointer.log_has(self._log_pages)

    def _take_turn(self, first: Job[object]) -> tuple[list[Job[object]], bool]:
        self._thread_waits = True
        with self._turn:
            self._thread_waits = False
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
                connection.execute("SAVEPOINT work")
                self._run(job, connection, sequence)
                if job.error is not None:
                    connection.execute("ROLLBACK TO work")
                connection.execute("RELEASE work")
            sequence.keep(connection.execute)
            connection.execute("COMMIT")
        except Exception as fault:  # noqa: BLE001 - whatever it is, the one thread that writes must not die of it
            if not jobs and first.claim():
                jobs.append(first)
            self._give_up(jobs, fault if isinstance(fault, StoreError) else translated(fault))
            return jobs, False
        return jobs, True

    def _commit_alone(self, job: Job[object], connection: apsw.Connection) -> bool:
        """Run and commit one job, unless another program is in the way; tell whether it was committed."""
        try:
            if not self._begin_at_once(connection):
                return False
            job.claim()
            sequence = Sequence(connection.execute)
            self._run(job, connection, sequence)
            if job.error is not None:
                connection.execute("ROLLBACK")
                return False
            sequence.keep(connection.execute)
            connection.execute("COMMIT")
        except Exception as fault:  # noqa: BLE001 - as above: nobody who waits may be left without an answer
            job.claim()
            self._give_up([job], fault if isinstance(fault, StoreError) else translated(fault))
            return False
        return True

    def _begin_at_once(self, connection: apsw.Connection) -> bool:
        """Begin a transaction, unless that would mean to wait."""
        connection.set_busy_timeout(0)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        finally:
            connection.set_busy_timeout(int(_BUSY_SECONDS * 1000))
        return True

    def _begin(self, first: Job[object]) -> apsw.Connection | None:
        """Have the lock file, and begin a transaction; return None when `first` was withdrawn meanwhile."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        connection = self._connected()
        if self._doubt is not None:
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
            if isinstance(job, Job) and job.claim():
                yield job
            if monotonic() > ends:
                return

    def _run(self, job: Job[object], connection: apsw.Connection, sequence: Sequence) -> None:
        """Run a claimed job in the transaction that has begun. Raises what broke the transaction."""
        changes = Changes(connection.execute, self._keys, sequence)
        self._inside = threading.get_ident()
        job.run(changes)
        self._inside, mark = None, changes.mark
        changes.end()
        if changes.broken is not None:
            raise changes.broken
        if job.error is None:
            sequence.mark = mark

    def _sync(self, jobs: Iterable[Job[object]]) -> None:
        """Make committed jobs durable. After a failed sync there is no other before the log was moved."""
        if self._wal is None or not jobs:
            return
        try:
            if self._doubt is not None:
                raise self._doubt
            self._wal.sync()
        except OSError as fault:
            self._doubt = fault
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
        self._doubt = None

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
