"""The store on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import apsw

from rolecall.files import Files, RealFiles
from rolecall.store.interface import Entry, StoreUnavailable, Transaction
from rolecall.store.keys import after
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.batches import Writer
from rolecall.store.sqlite.database import CHECK, Database
from rolecall.store.sqlite.durability import WalSync
from rolecall.store.sqlite.faults import FAULTS, translated
from rolecall.store.sqlite.jobs import AwaitedJob, BlockedJob, too_late
from rolecall.store.sqlite.reading import View
from rolecall.store.sqlite.writing import Changes

T = TypeVar("T")

DEADLINE = 10.0
"""Seconds after which a write that has not begun is withdrawn."""

LOG_PAGES = 2_000
"""Pages of the write-ahead log (8 MB) after which it is moved into the database and started over."""

_CACHE_BYTES = 8 << 20
_BUSY_SECONDS = 5.0
_PAGE = 64


class SqliteStore:
    """A `Store` in one SQLite file. Any number of processes may open it; none may inherit it from its parent.

    Views may be opened on any thread; each has a connection of its own while it lasts.
    """

    def __init__(
        self,
        path: Path,
        *,
        master_keys: MasterKeys,
        sync: bool = True,
        vfs: str | None = None,
        files: Files | None = None,
        deadline: float = DEADLINE,
        log_pages: int = LOG_PAGES,
        migrate: bool = True,
    ) -> None:
        """Open the database in `path`, making it and its folder where they are missing.

        One of an older program is migrated, or, where not `migrate`, refused.

        Without `sync`, what was acknowledged survives the process but not a loss of power. Raises SchemaMismatch,
        StoreUnavailable.
        """
        self._keys = master_keys
        self._deadline = deadline
        self._database = Database(path, files or RealFiles(), vfs)
        self._sync = sync
        self._closed = False
        self._idle: list[apsw.Connection] = []
        self._database.prepare(master_keys, migrate=migrate)
        try:
            self._idle.append(self._reading())
            self._wal = WalSync(self._database) if sync else None
            self._writer = Writer(self._database, master_keys, wal=self._wal, log_pages=log_pages)
        except FAULTS as fault:
            raise translated(fault) from fault

    def view(self) -> View:
        """Return one state of the store, for one `with` block without `await`."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._reading()
        return View(connection, self._idle, self._keys)

    async def write(self, work: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run `work` in a transaction and return what it returned, once that is durable."""
        self._refuse_if_closed()
        loop = asyncio.get_running_loop()
        job = AwaitedJob(work, loop)
        if brief and self._writer.commit_now(job):
            return await job.future
        self._writer.submit(job)
        timer = loop.call_later(self._deadline, job.expire)
        try:
            return await job.future
        finally:
            timer.cancel()
            job.claim()

    def write_now(self, work: Callable[[Transaction], T]) -> T:
        """Do as `write`, blocking the calling thread. Inside a work it would wait for itself, and raises."""
        return self._change_now(work)

    def long_scan(self, prefix: bytes) -> Iterator[Entry]:
        """Yield the entries under `prefix`, page by page, over a connection of its own."""
        connection = self._reading()
        idle = [connection]
        end = after(prefix) if prefix.rstrip(b"\xff") else None
        first: bytes | None = prefix
        try:
            while first is not None:
                with View(idle.pop(), idle, self._keys) as view:
                    page = view.scan(prefix, start=first, limit=_PAGE)
                yield from page
                first = page[-1].key + b"\x00" if len(page) == _PAGE else None
                if end is not None and first is not None and first >= end:
                    first = None
        finally:
            connection.close(True)

    def new_epoch(self) -> None:
        """Make every process forget what it looked up, because the store's content was put back, reset or moved."""
        self._change_now(Changes.begin_epoch)

    @property
    def waiting(self) -> int:
        """How many changes wait for the writing thread."""
        return self._writer.waiting

    def reseal(self) -> int:
        """Seal every secret anew that is not sealed under the newest master key, and return how many there were.

        Others go on meanwhile; they must read the keys from the same file. The first transaction waits for those that
        began before the file had the key, so none is left out. Raises StoreError; what was done stays done.
        """
        self._change_now(lambda changes: changes.reseal_check(CHECK))
        keys = (entry.key for entry in self.long_scan(b"") if self._keys.is_outdated(entry.value))
        count = 0
        while some := list(islice(keys, _PAGE)):
            count += self._change_now(partial(_reseal, some))
        return count

    def close(self) -> None:
        """Finish the writes under way, stop the threads and close every connection that is not in use."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        if self._wal is not None:
            self._wal.close()
        while self._idle:
            self._idle.pop().close()

    def _change_now(self, work: Callable[[Changes], T]) -> T:
        self._refuse_if_closed()
        if self._writer.is_inside_a_work():
            raise RuntimeError("A work of the store began another write; use the transaction it was given.")
        job = BlockedJob(work)
        self._writer.submit(job)
        if not job.done.wait(self._deadline) and job.claim():
            raise too_late()
        job.done.wait()
        return job.outcome()

    def _reading(self) -> apsw.Connection:
        try:
            connection = self._database.connect(busy_seconds=_BUSY_SECONDS, cache_bytes=_CACHE_BYTES, sync=self._sync)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT 1 FROM meta").fetchall()
        except FAULTS as fault:
            raise translated(fault) from fault
        return connection

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("The store is closed.")


def _reseal(keys: Sequence[bytes], changes: Changes) -> int:
    return sum(changes.reseal(key) for key in keys)
