"""A store opened to be looked at and copied, by a program beside the server: nothing is made, migrated or changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from rolecall.store.interface import SchemaMismatch, Snapshot, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.database import APPLICATION, SCHEMA, check_keys
from rolecall.store.sqlite.faults import FAULTS, translated
from rolecall.store.sqlite.reading import Reads

_CACHE_BYTES = 8 << 20
_BUSY_SECONDS = 10
_PAGES = 1024
"""Pages that are copied at once, between two words of progress."""
_MOST_FAULTS = 100
_AHEAD = "SELECT count(*) FROM kv WHERE version < 1 OR version > (SELECT value FROM meta WHERE name = 'sequence')"


class Inspection:
    """One SQLite store, read over a connection of its own, whether a server runs on it or not."""

    def __init__(self, path: Path, *, master_keys: MasterKeys | None = None) -> None:
        """Open the database in `path`; without `master_keys` no secret opens.

        Raises SchemaMismatch for what is not a store of ours or is a newer program's, StoreUnavailable.
        """
        self._keys = master_keys or MasterKeys.in_memory()
        self.path = path
        if not path.exists():
            raise StoreUnavailable(f"`{path}` is missing.")
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._prepare()
            self.schema = self._identify()
        except apsw.NotADBError as fault:
            raise SchemaMismatch(f"`{path}` is not a database.") from fault
        except FAULTS as fault:
            raise translated(fault) from fault

    @contextmanager
    def view(self) -> Iterator[Snapshot]:
        """Show one state for as long as the block runs; meanwhile the server's log cannot start over, and grows."""
        reads = Reads(self._connection.execute, self._keys)
        with self._one_state():
            yield reads
        reads.end()

    def check_keys(self) -> None:
        """See that the master keys belong to this store. Raises StoreUnavailable."""
        try:
            check_keys(self._connection, self._keys)
        except FAULTS as fault:
            raise translated(fault) from fault

    def faults(self, *, quick: bool = False) -> list[str]:
        """Return what is wrong with the file by SQLite's word and ours, in sentences; `quick` leaves indexes out."""
        pragma = "quick_check" if quick else "integrity_check"
        try:
            found = [str(row[0]) for row in self._connection.execute(f"PRAGMA {pragma}({_MOST_FAULTS})")]
            ahead: int = self._connection.execute(_AHEAD).get
        except FAULTS as fault:
            return [str(translated(fault))]
        told = (
            [f"{ahead} records are numbered beyond the last change: their numbers would be given twice"]
            if ahead
            else []
        )
        return told if found == ["ok"] else found + told

    def copy_to(self, target: Path, told: Callable[[int, int], None] = lambda _done, _all: None) -> None:
        """Copy one state of the store into the new file `target` (mode 0600), which needs no log beside it.

        Writers go on meanwhile. `told` hears how many pages of how many are copied. The copy is not synced.
        Raises StoreUnavailable.
        """
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            copy = apsw.Connection(str(target))
            try:
                self._copy_into(copy, told)
            finally:
                copy.close(True)
        except FAULTS as fault:
            raise translated(fault) from fault

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close(True)

    def _copy_into(self, copy: apsw.Connection, told: Callable[[int, int], None]) -> None:
        # A state that stays open on the source keeps a commit from starting the copy over.
        with self._one_state(), copy.backup("main", self._connection, "main") as copying:
            while not copying.done:
                copying.step(_PAGES)
                told(copying.page_count - copying.remaining, copying.page_count)
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()

    @contextmanager
    def _one_state(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM meta").fetchall()
        except FAULTS as fault:
            raise translated(fault) from fault
        try:
            yield
        finally:
            with suppress(*FAULTS):
                self._connection.execute("ROLLBACK")

    def _prepare(self) -> None:
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._connection.wal_autocheckpoint(0)
        self._connection.set_busy_timeout(_BUSY_SECONDS * 1000)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_BYTES // 1024}")

    def _identify(self) -> int:
        if self.path.stat().st_size == 0 and not self._connection.execute("SELECT count(*) FROM sqlite_schema").get:
            raise StoreUnavailable(f"`{self.path}` is empty: restore a backup.")
        if self._connection.execute("PRAGMA application_id").get != APPLICATION:
            raise SchemaMismatch(f"`{self.path}` is the database of another program.")
        schema: int = self._connection.execute("PRAGMA user_version").get
        if schema > SCHEMA:
            raise SchemaMismatch(
                f"`{self.path}` was written by a newer version of this program (schema {schema}, this one knows"
                f" {SCHEMA}): use that version."
            )
        return schema
