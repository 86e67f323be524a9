"""The SQLite engine keeps the store's contract, and what it promises beyond."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import apsw
import pytest
from tests.store.contract import Opener, StoreContract, mark_of, put, value_of

from rolecall.files import RealFiles
from rolecall.store.interface import SchemaMismatch, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.store.sqlite.database import SCHEMA, Database, Migration


class TestSqlite(StoreContract):
    @pytest.fixture
    def opener(self, tmp_path: Path, keys: MasterKeys) -> Opener:
        def open_store(**options: float) -> SqliteStore:
            return SqliteStore(tmp_path / "data" / "store.db", master_keys=keys, sync=False, **options)

        return open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def keys() -> MasterKeys:
    return MasterKeys.in_memory()


def make(path: Path, keys: MasterKeys) -> None:
    SqliteStore(path, master_keys=keys, sync=False).close()


def test_a_store_of_a_newer_program_is_refused_and_left_alone(path: Path, keys: MasterKeys) -> None:
    make(path, keys)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaMismatch, match="schema 99"):
        make(path, keys)


def test_the_database_of_another_program_is_refused_and_left_alone(path: Path, keys: MasterKeys) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match="another program"):
        make(path, keys)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, keys: MasterKeys) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(SchemaMismatch, match="not a database"):
        make(path, keys)
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_an_empty_file_left_by_a_crash_at_the_first_start_becomes_a_store(path: Path, keys: MasterKeys) -> None:
    path.touch()
    store = SqliteStore(path, master_keys=keys, sync=False)
    store.write_now(put(b"key"))
    store.close()


def test_a_keyring_of_another_store_is_refused_at_once(path: Path, keys: MasterKeys) -> None:
    make(path, keys)
    with pytest.raises(StoreUnavailable, match="keyring"):
        make(path, MasterKeys.in_memory())


def test_a_store_that_lost_its_own_records_is_damaged_and_says_so(path: Path, keys: MasterKeys) -> None:
    SqliteStore(path, master_keys=keys).close()
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM meta")
    connection.close()
    with pytest.raises(StoreUnavailable, match="damaged"):
        SqliteStore(path, master_keys=keys)


def test_a_rotated_keyring_still_opens_the_store_and_its_secrets(path: Path, keys: MasterKeys) -> None:
    store = SqliteStore(path, master_keys=keys, sync=False)
    store.write_now(lambda transaction: transaction.put_secret(b"old", b"1"))
    store.close()
    store = SqliteStore(path, master_keys=keys.with_new_key(), sync=False)
    store.write_now(lambda transaction: transaction.put_secret(b"new", b"2"))
    with store.view() as view:
        assert (view.get_secret(b"old"), view.get_secret(b"new")) == (b"1", b"2")
    store.close()
    store = SqliteStore(path, master_keys=keys, sync=False)
    with store.view() as view, pytest.raises(StoreUnavailable, match="not in the keyring"):
        view.get_secret(b"new")
    store.close()


def test_nobody_else_may_read_the_files(path: Path, keys: MasterKeys) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(path, master_keys=keys, sync=False)
        store.write_now(put(b"key"))
    finally:
        os.umask(before)
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    store.close()
    assert {"store.db", "store.db-wal", "store.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_new_epoch_is_a_mark_that_never_was(path: Path, keys: MasterKeys) -> None:
    store = SqliteStore(path, master_keys=keys, sync=False)
    before = mark_of(store)
    store.new_epoch()
    assert mark_of(store)[:8] != before[:8]
    store.close()


def migrate(path: Path, keys: MasterKeys, step: Migration) -> None:
    Database(path, RealFiles(), None).prepare(keys, schema=SCHEMA + 1, migrations={SCHEMA: step})


def test_an_older_store_is_migrated_once(path: Path, keys: MasterKeys) -> None:
    make(path, keys)
    for _ in range(2):
        migrate(path, keys, lambda connection: connection.execute("CREATE TABLE more (a)"))
    with pytest.raises(SchemaMismatch, match=f"schema {SCHEMA + 1}"):
        make(path, keys)


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path, keys: MasterKeys) -> None:
    make(path, keys)

    def step(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE more (a)")
        connection.execute("DELETE FROM kv")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate(path, keys, step)
    make(path, keys)
    migrate(path, keys, lambda connection: connection.execute("CREATE TABLE more (a)"))


def test_the_log_stays_bounded_under_many_writes_and_many_views(path: Path, keys: MasterKeys) -> None:
    store = SqliteStore(path, master_keys=keys, sync=False, log_pages=500)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            value_of(store, b"1")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    longest = 0
    for number in range(500):
        store.write_now(put(b"%d" % (number % 7), bytes(40_000)))
        longest = max(longest, Path(f"{path}-wal").stat().st_size)
    stop.set()
    for reader in readers:
        reader.join()
    store.close()
    assert longest < 10 << 20  # 20 MB were written


def test_a_store_that_is_closed_in_the_middle_of_a_checkpoint_closes(path: Path, keys: MasterKeys) -> None:
    for _ in range(40):
        store = SqliteStore(path, master_keys=keys, sync=False, log_pages=1)
        store.write_now(put(b"key", bytes(100_000)))
        store.close()


def test_what_a_broken_connection_left_does_not_stop_later_views(path: Path, keys: MasterKeys) -> None:
    store = SqliteStore(path, master_keys=keys, sync=False)
    store.write_now(put(b"key"))
    with store.view() as view:
        view._connection.close(True)
        with pytest.raises(StoreUnavailable):
            view.get(b"key")
    assert value_of(store, b"key") == b"value"
    store.close()
