"""Full, read-only and failing disks: a clear error, nothing half done, and work goes on when the disk does."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from tests.store.contract import put, value_of
from tests.store.watched import WatchedFiles, WatchedVFS, Watcher

from rolecall.store.interface import StoreUnavailable, Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

# SQLite meets some faults where it can tell nobody, and apsw then says so on the side.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_numbers = itertools.count()


class Faults(Watcher):
    """Raises for the operations it was told of, on paths that end in what it was told."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], Callable[[], Exception]] = {}

    def fail(self, operation: str, ending: str, fault: Callable[[], Exception]) -> None:
        self._faults[operation, ending] = fault

    def heal(self) -> None:
        self._faults.clear()

    def before(self, operation: str, path: str) -> None:
        for (failing, ending), fault in self._faults.items():
            if failing == operation and path.endswith(ending):
                raise fault()


def sqlite_fault(code: int) -> Callable[[], Exception]:
    return lambda: apsw.exception_for(code)


def system_fault(number: int) -> Callable[[], Exception]:
    return lambda: OSError(number, os.strerror(number))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(tmp_path: Path, faults: Faults) -> Iterator[SqliteStore]:
    name = f"faulty{next(_numbers)}"
    vfs = WatchedVFS(name, faults)
    opened = SqliteStore(
        tmp_path / "store.db",
        master_keys=MasterKeys.in_memory(),
        vfs=name,
        files=WatchedFiles(faults),
        log_pages=20,
    )
    opened.write_now(put(b"before"))
    yield opened
    faults.heal()
    opened.close()
    del vfs


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (sqlite_fault(apsw.SQLITE_FULL), "the disk is full"),
        (sqlite_fault(apsw.SQLITE_READONLY), "read-only"),
        (sqlite_fault(apsw.SQLITE_IOERR_WRITE), "input/output error"),
        (system_fault(errno.ENOSPC), "the disk is full"),
        (system_fault(errno.EROFS), "Read-only"),
        (system_fault(errno.EIO), "Input/output error"),
    ],
    ids=["full", "read-only", "input/output", "ENOSPC", "EROFS", "EIO"],
)
def test_a_log_that_cannot_be_written_fails_the_write_and_recovers(
    store: SqliteStore, faults: Faults, fault: Callable[[], Exception], reason: str
) -> None:
    faults.fail("write", "-wal", fault)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=reason):
            store.write_now(put(b"during"))
        assert value_of(store, b"during") is None
        assert value_of(store, b"before") == b"value"
    faults.heal()
    store.write_now(put(b"after"))
    assert (value_of(store, b"during"), value_of(store, b"after")) == (None, b"value")


def test_a_failed_commit_fails_every_work_of_its_batch_and_keeps_nothing(store: SqliteStore, faults: Faults) -> None:
    async def scene() -> list[object]:
        return await asyncio.gather(*(store.write(put(pack("k", n))) for n in range(50)), return_exceptions=True)

    faults.fail("write", "-wal", sqlite_fault(apsw.SQLITE_FULL))
    outcomes = asyncio.run(scene())
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    with store.view() as view:
        assert view.scan(pack("k")) == []
    faults.heal()
    assert asyncio.run(scene()) == [None] * 50


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_brief_work_is_acknowledged_only_when_it_is_durable(
    store: SqliteStore, faults: Faults, operation: str
) -> None:
    async def scene() -> list[object]:
        writes = (store.write(put(pack("k", n)), brief=True) for n in range(20))
        return await asyncio.gather(*writes, return_exceptions=True)

    faults.fail(operation, "-wal", system_fault(errno.EIO))
    assert {type(outcome) for outcome in asyncio.run(scene())} == {StoreUnavailable}
    faults.heal()
    assert asyncio.run(scene()) == [None] * 20
    with store.view() as view:
        assert len(view.scan(pack("k"))) == 20


def test_what_was_committed_before_a_sync_failed_is_not_acknowledged_by_the_next_one(
    store: SqliteStore, faults: Faults
) -> None:
    """Its pages in the log stand behind those that the failed sync lost."""
    entered, go_on = threading.Event(), threading.Event()

    def stalls() -> Exception:
        entered.set()
        go_on.wait(10)
        faults.heal()
        return OSError(errno.EIO, "Input/output error")

    async def scene() -> list[object]:
        faults.fail("sync", "-wal", stalls)
        first = asyncio.create_task(store.write(put(b"first"), brief=True))
        await asyncio.to_thread(entered.wait, 10)
        second = asyncio.create_task(store.write(put(b"second"), brief=True))
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    outcomes = asyncio.run(scene())
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    store.write_now(put(b"after"))
    assert value_of(store, b"after") == b"value"


def test_a_work_that_swallows_a_fault_is_not_acknowledged(store: SqliteStore, faults: Faults) -> None:
    def work(transaction: object) -> str:
        for number in range(4000):
            try:
                transaction.put(pack("big", number), bytes(4000))  # type: ignore[attr-defined]
            except StoreUnavailable:
                return "swallowed"
        return "written"

    # The transaction outgrows the cache, so that pages go to the log while the work still runs.
    faults.fail("write", "-wal", sqlite_fault(apsw.SQLITE_FULL))
    with pytest.raises(StoreUnavailable, match="full"):
        store.write_now(work)
    faults.heal()
    with store.view() as view:
        assert view.scan(pack("big"), limit=1) == []


def test_a_failed_sync_is_never_acknowledged_and_later_writes_are_durable(store: SqliteStore, faults: Faults) -> None:
    faults.fail("sync", "-wal", system_fault(errno.EIO))
    with pytest.raises(StoreUnavailable, match="may have been made"):
        store.write_now(put(b"doubtful"))
    with pytest.raises(StoreUnavailable):
        store.write_now(put(b"during"))
    faults.heal()
    store.write_now(put(b"after"))
    assert (value_of(store, b"during"), value_of(store, b"after")) == (None, b"value")


def test_after_a_failed_sync_the_log_is_moved_before_anything_is_acknowledged(
    store: SqliteStore, faults: Faults, tmp_path: Path
) -> None:
    """Syncing again proves nothing: the system has dropped the pages it could not write, or takes them for written."""
    faults.fail("sync", "-wal", system_fault(errno.EIO))
    with pytest.raises(StoreUnavailable):
        store.write_now(put(b"doubtful"))
    faults.heal()
    faults.fail("sync", "store.db", sqlite_fault(apsw.SQLITE_IOERR_FSYNC))
    with pytest.raises(StoreUnavailable):
        store.write_now(put(b"during"))
    faults.heal()
    store.write_now(put(b"after"))
    assert b"doubtful" in (tmp_path / "store.db").read_bytes()


def test_a_checkpoint_that_fails_stops_nobody(store: SqliteStore, faults: Faults, tmp_path: Path) -> None:
    faults.fail("write", "store.db", sqlite_fault(apsw.SQLITE_FULL))
    for number in range(100):
        store.write_now(put(pack("k", number), bytes(2000)))
    faults.heal()
    for number in range(100):
        store.write_now(put(pack("k", number), bytes(2000)))
    with store.view() as view:
        assert len(view.scan(pack("k"))) == 100


class NothingBesides(WatchedVFS):
    """Opens no file without a name: such a one would lie in the system's own folder for what passes."""

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - apsw's name
        if name is None:
            raise apsw.CantOpenError("a file besides the store's own")
        return super().xOpen(name, flags)


def test_a_large_change_and_its_undoing_need_no_room_outside_the_folder(tmp_path: Path, faults: Faults) -> None:
    vfs = NothingBesides("nothing-besides", faults)
    keys = MasterKeys.in_memory()
    store = SqliteStore(tmp_path / "store.db", master_keys=keys, vfs="nothing-besides", files=WatchedFiles(faults))

    def work(transaction: Transaction) -> None:
        for number in range(4000):
            transaction.put(pack("big", number), bytes(4000))
        raise ValueError("undo it")

    store.write_now(lambda transaction: [transaction.put(pack("big", number), bytes(900)) for number in range(4000)])
    with pytest.raises(ValueError, match="undo it"):
        store.write_now(work)
    with store.view() as view:
        assert {len(entry.value) for entry in view.scan(pack("big"))} == {900}
    store.close()
    del vfs


def test_a_store_in_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path / "file" / "store.db", master_keys=MasterKeys.in_memory())


def test_a_store_whose_first_start_failed_starts_at_the_next(tmp_path: Path, faults: Faults) -> None:
    name = f"faulty{next(_numbers)}"
    vfs = WatchedVFS(name, faults)
    keys = MasterKeys.in_memory()
    for operation, ending in [("write", "store.db"), ("write", "-wal"), ("sync", "store.db"), ("sync", "-wal")]:
        faults.fail(operation, ending, sqlite_fault(apsw.SQLITE_FULL))
        with pytest.raises(StoreUnavailable, match="full"):
            SqliteStore(tmp_path / "store.db", master_keys=keys, vfs=name)
        faults.heal()
    store = SqliteStore(tmp_path / "store.db", master_keys=keys, vfs=name)
    store.write_now(put(b"key"))
    store.close()
    del vfs
