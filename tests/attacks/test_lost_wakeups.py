"""Writes that are committed on the event loop while the writing thread looks away: each is acknowledged all the same."""

from __future__ import annotations

import asyncio
import errno
import fcntl
from collections import deque
from pathlib import Path

import pytest

from rolecall.store.interface import Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore, batches
from rolecall.store.sqlite.jobs import BlockedJob, Job


def _put(transaction: Transaction) -> None:
    transaction.put(pack("k"), b"value")


class Interrupted(deque[Job[object]]):
    """Jobs left to sync, one more of which is left there while the first is taken: it finds company, and wakes nobody."""

    def __init__(self, late: Job[object]) -> None:
        super().__init__()
        self.late: list[Job[object]] = [late]

    def popleft(self) -> Job[object]:
        if self.late:
            self.append(self.late.pop())
        return super().popleft()


def test_a_commit_that_comes_while_others_are_taken_to_the_disk_is_acknowledged_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for ever, and with it every short write after it, until a long one came."""
    store = SqliteStore(tmp_path / "store.db", master_keys=MasterKeys.in_memory())
    late: BlockedJob[object] = BlockedJob(lambda changes: None)
    store.write_now(_put)
    monkeypatch.setattr(store._writer, "_unsynced", Interrupted(late))
    asyncio.run(asyncio.wait_for(store.write(_put, brief=True), 10))
    assert late.done.wait(10)
    store.close()


def test_a_lock_that_the_system_cannot_give_stops_no_later_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn was kept by who had failed, or the one thread that writes had died of it."""
    store = SqliteStore(tmp_path / "store.db", master_keys=MasterKeys.in_memory(), deadline=10)
    store.write_now(_put)

    def refuse(descriptor: int, operation: int) -> None:
        if operation != fcntl.LOCK_UN:
            raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(batches.fcntl, "flock", refuse)
        for brief in (True, False):
            with pytest.raises(Exception, match="ENOLCK"):
                asyncio.run(store.write(_put, brief=brief))
    for brief in (True, False):
        asyncio.run(asyncio.wait_for(store.write(_put, brief=brief), 20))
    store.close()
