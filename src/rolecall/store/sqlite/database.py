"""The database file: where its parts lie, how connections are opened, what schema it must have."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apsw

from rolecall.files import Files
from rolecall.store.interface import SchemaMismatch, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.faults import FAULTS, translated
from rolecall.store.sqlite.writing import new_mark

APPLICATION = 0x526F6C65
"""What SQLite's header says a database of ours is: `Role`."""

SCHEMA = 1
"""The schema this program writes."""

Migration = Callable[[apsw.Connection], object]

MIGRATIONS: Mapping[int, Migration] = {}
"""For each schema older than ours the step to the next one, run inside a transaction."""

CHECK = b"rolecall keyring"
"""What is sealed in `meta`, so that a store knows its keyring."""
_TABLES = """
CREATE TABLE kv (key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
"""


class Database:
    """One database file, with its lock file beside it, and the door to connections."""

    def __init__(self, path: Path, files: Files, vfs: str | None) -> None:
        """Name a database; nothing is opened yet. `vfs` is the SQLite VFS to go through."""
        self.path = path
        self.files = files
        self._vfs = vfs

    @property
    def wal(self) -> str:
        """The path of the write-ahead log."""
        return f"{self.path}-wal"

    def connect(self, *, busy_seconds: float, cache_bytes: int, sync: bool = True) -> apsw.Connection:
        """Open a connection. It never checkpoints on its own, and its commits do not wait for the disk.

        Checkpoints through it are synced, unless it was opened without `sync`.
        """
        connection = apsw.Connection(str(self.path), vfs=self._vfs)
        connection.set_busy_timeout(int(busy_seconds * 1000))
        connection.execute(f"PRAGMA cache_size = -{cache_bytes // 1024}")
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if sync else 'OFF'}")
        connection.execute("PRAGMA temp_store = MEMORY")  # or a large change would need room in the system's /tmp
        connection.wal_autocheckpoint(0)
        return connection

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock file `name` of this database for as long as the block runs."""
        descriptor = open_lock(f"{self.path}.{name}")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def prepare(
        self,
        keys: MasterKeys,
        *,
        schema: int = SCHEMA,
        migrations: Mapping[int, Migration] = MIGRATIONS,
        migrate: bool = True,
    ) -> None:
        """Make the database if it is missing, bring it to `schema`, and see that `keys` belong to it.

        An older one is migrated in one transaction, after a copy of it was laid beside it (`.schema-N`); where not
        `migrate`, it is refused. Raises SchemaMismatch, StoreUnavailable.
        """
        try:
            self._make_file()
            with self.locked("lock"):
                connection = self.connect(busy_seconds=10, cache_bytes=1 << 20)
                try:
                    self._bring_to(connection, keys, schema, migrations, migrate=migrate)
                finally:
                    connection.close()
        except apsw.NotADBError as fault:
            raise SchemaMismatch(f"`{self.path}` is not a database.") from fault
        except FAULTS as fault:
            raise translated(fault) from fault

    def _make_file(self) -> None:
        """Make the file ourselves where it is missing: SQLite would let others read it (the rest takes its mode)."""
        if self.files.make_folder(str(self.path.parent)):
            self.files.sync_folder(str(self.path.parent.parent))
        if not self.path.exists():
            self.files.close(self.files.open(str(self.path), os.O_RDWR | os.O_CREAT, 0o600))

    def _bring_to(
        self,
        connection: apsw.Connection,
        keys: MasterKeys,
        schema: int,
        migrations: Mapping[int, Migration],
        *,
        migrate: bool,
    ) -> None:
        found = self._schema_of(connection)
        if found is not None and found > schema:
            raise SchemaMismatch(
                f"`{self.path}` was written by a newer version of this program (schema {found}, this one writes"
                f" {schema}): use that version, or restore a backup made before the upgrade."
            )
        if found is not None and found < schema and not migrate:
            raise SchemaMismatch(
                f"`{self.path}` was written by an older version of this program (schema {found}, this one writes"
                f" {schema}): `rolecall serve` migrates it when it starts."
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if found is None:
            with connection:
                _lay_out(connection, keys)
                connection.execute(f"PRAGMA user_version = {schema}")
        elif found < schema:
            check_keys(connection, keys)
            self._keep_copy(connection, found)
            with connection:
                for step in range(found, schema):
                    migrations[step](connection)
                connection.execute(f"PRAGMA user_version = {schema}")
        check_keys(connection, keys)

    def _schema_of(self, connection: apsw.Connection) -> int | None:
        """Return the schema of the database, None for an empty one. Raises SchemaMismatch for another program's."""
        schema: int = connection.execute("PRAGMA user_version").get
        application: int = connection.execute("PRAGMA application_id").get
        tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").get
        if application == APPLICATION:
            return schema
        if application or schema or tables:
            raise SchemaMismatch(f"`{self.path}` is the database of another program.")
        return None

    def _keep_copy(self, connection: apsw.Connection, schema: int) -> None:
        """Lay a copy of the older database beside it, durably, for who has to go back to the older program."""
        kept, fresh = f"{self.path}.schema-{schema}", f"{self.path}.schema-{schema}.new"
        self.files.close(self.files.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        copy = apsw.Connection(fresh, vfs=self._vfs)
        try:
            with copy.backup("main", connection, "main") as copying:
                copying.step(-1)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        finally:
            copy.close(True)
        descriptor = self.files.open(fresh, os.O_RDWR)
        try:
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)
        self.files.rename(fresh, kept)
        self.files.sync_folder(str(self.path.parent))


def _lay_out(connection: apsw.Connection, keys: MasterKeys) -> None:
    connection.execute(_TABLES)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('sequence', 0), ('watermark', ?), ('keyring', ?)",
        (new_mark(), keys.seal(CHECK, CHECK)),
    )


def check_keys(connection: apsw.Connection, keys: MasterKeys) -> None:
    """See that `keys` are those the store was made with, or came of them. Raises StoreUnavailable."""
    sealed = connection.execute("SELECT value FROM meta WHERE name = 'keyring'").get
    if not isinstance(sealed, bytes):
        raise StoreUnavailable("The store is not available: its file is damaged: restore a backup.")
    try:
        keys.open(CHECK, sealed)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            "The keyring does not belong to this store: put the keyring file back that was made with it."
        ) from error


def open_lock(path: str) -> int:
    """Open the lock file `path`, making it where it is missing. It holds nothing and need not survive anything."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
