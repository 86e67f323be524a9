"""The local engine keeps the contract of objects, and what it promises beyond."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.objects.contract import ObjectsContract, content_of, fetch, keep, run
from tests.store.watched import WatchedFiles, Watcher

from rolecall.files import RealFiles
from rolecall.objects.interface import BlobDamaged, Objects, ObjectsUnavailable
from rolecall.objects.local import LocalObjects
from rolecall.objects.local.folder import Turns


class TestLocal(ObjectsContract):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> Callable[[], Objects]:
        return lambda: LocalObjects(tmp_path / "objects", sync=False)


class Disk(Watcher):
    """Writes down what is done, and fails what it is told to."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.failing: dict[str, int] = {}

    def before(self, operation: str, path: str) -> None:
        if operation in self.failing:
            raise OSError(self.failing[operation], os.strerror(self.failing[operation]), path)
        self.done.append((operation, Path(path).parent.name))


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def watched(root: Path, disk: Disk) -> LocalObjects:
    objects = LocalObjects(root, files=WatchedFiles(disk))
    disk.done.clear()
    return objects


def incoming(root: Path) -> list[str]:
    return [entry.name for entry in (root / "incoming").iterdir()]


def test_bytes_are_synced_before_the_name_and_the_name_before_the_commit_returns(
    watched: LocalObjects, disk: Disk
) -> None:
    blob = run(keep(watched, content_of(2_000_000)))
    steps = [step for step in disk.done if step[0] != "write"]
    shard = blob[:2]
    assert steps == [("open", "incoming"), ("sync", "incoming"), ("rename", shard), ("sync_folder", "objects")]
    assert disk.done.index(("sync", "incoming")) > max(
        place for place, step in enumerate(disk.done) if step[0] == "write"
    )


@pytest.mark.parametrize("operation", ["open", "write", "sync", "rename", "sync_folder"])
@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_a_disk_that_fails_fails_the_blob_and_nothing_is_left(
    watched: LocalObjects, disk: Disk, root: Path, operation: str, size: int
) -> None:
    reasons = {errno.ENOSPC: "the disk is full", errno.EROFS: "Read-only", errno.EIO: "Input/output error"}
    for number, reason in reasons.items():
        disk.failing[operation] = number
        with pytest.raises(ObjectsUnavailable, match=reason):
            run(keep(watched, content_of(size)))
        disk.failing.clear()
        assert (list(watched.ids()), incoming(root)) == ([], [])
    assert run(keep(watched, content_of(size)))


@pytest.mark.parametrize("operation", ["open", "write"])
def test_a_disk_that_fails_fails_what_is_appended(
    watched: LocalObjects, disk: Disk, root: Path, operation: str
) -> None:
    async def scene() -> None:
        writer = watched.create()
        try:
            with pytest.raises(ObjectsUnavailable, match="the disk is full"):
                await writer.append([content_of(300_000)], len)
            with pytest.raises(ObjectsUnavailable):
                await writer.commit()
        finally:
            await writer.abort()

    disk.failing[operation] = errno.ENOSPC
    run(scene())
    disk.failing.clear()
    assert (list(watched.ids()), incoming(root)) == ([], [])


def test_a_failed_deletion_is_told(watched: LocalObjects, disk: Disk) -> None:
    blob = run(keep(watched, b"x"))
    disk.failing["unlink"] = errno.EROFS
    with pytest.raises(ObjectsUnavailable, match="Read-only"):
        run(watched.delete(blob))


def test_dropping_never_raises_though_the_disk_fails(watched: LocalObjects, disk: Disk, root: Path) -> None:
    async def scene() -> None:
        writer = watched.create()
        for _ in range(20):
            await writer.write(bytes(100_000))
        disk.failing.update(dict.fromkeys(("write", "unlink"), errno.EIO))
        await writer.abort()

    run(scene())
    disk.failing.clear()
    gc.collect()
    assert watched.sweep() == 1
    assert incoming(root) == []


@pytest.mark.parametrize("ahead", [0, 50])
def test_a_commit_that_nobody_waits_for_any_more_leaves_nothing(root: Path, ahead: int) -> None:
    """Without others ahead of it a thread is in the middle of the commit; with them it waits for a thread."""
    gate = Gate()
    gate.opened.set()
    objects = LocalObjects(root, files=gate)
    gate.opened.clear()
    gate.entered.clear()

    async def scene() -> None:
        writing = [asyncio.create_task(keep(objects, content_of(600_000))) for _ in range(ahead + 1)]
        await asyncio.to_thread(gate.entered.wait, 10)
        for task in writing:
            task.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(*writing, return_exceptions=True)

    run(scene())
    objects.close()
    assert (list(objects.ids()), incoming(root)) == ([], [])


def test_what_is_dropped_is_gone_though_nobody_waits_for_it(root: Path) -> None:
    gate = Gate()
    gate.opened.set()
    objects = LocalObjects(root, files=gate)
    gate.opened.clear()

    async def scene() -> None:
        writer = objects.create()
        await writer.write(content_of(600_000))
        busy = [asyncio.create_task(keep(objects, b"x")) for _ in range(50)]
        await asyncio.to_thread(gate.entered.wait, 10)
        dropping = asyncio.create_task(writer.abort())
        await asyncio.sleep(0)
        dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)
        gate.opened.set()
        await asyncio.gather(*busy)

    run(scene())
    objects.close()
    assert incoming(root) == []


class Gate(RealFiles):
    """A disk that holds the first sync of a folder back until it is told, and then fails what it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.syncs = 0
        self.fails = False

    def sync_folder(self, path: str) -> None:
        self.syncs += 1
        self.entered.set()
        self.opened.wait(10)
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)


def sync_at_once(turns: Turns, gate: Gate, waiters: int) -> list[str]:
    """Let one sync begin and the others wait behind it; return how each ended."""
    with ThreadPoolExecutor(waiters) as threads:
        outcomes = [threads.submit(turns.sync, gate) for _ in range(waiters)]
        while turns.waiting < waiters:
            time.sleep(0.001)
        gate.opened.set()
        return [type(outcome.exception()).__name__ for outcome in outcomes]


def test_the_syncs_of_one_folder_are_shared_by_those_who_wait() -> None:
    gate = Gate()
    assert sync_at_once(Turns("folder"), gate, 10) == ["NoneType"] * 10
    assert gate.syncs == 2


def test_a_shared_sync_that_fails_fails_everybody_it_was_for() -> None:
    """The system tells of a failure once; a second sync would succeed and prove nothing."""
    gate = Gate()
    gate.fails = True
    turns = Turns("folder")
    assert sync_at_once(turns, gate, 10) == ["OSError"] * 10
    assert gate.syncs == 2
    gate.fails = False
    turns.sync(gate)


def test_the_sweep_takes_what_the_dead_left_and_nothing_of_the_living(root: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from rolecall.objects.local import LocalObjects\n"
        "async def scene():\n"
        "    writer = LocalObjects(Path(sys.argv[1])).create()\n"
        "    for _ in range(20): await writer.write(bytes(100_000))\n"
        "    await writer._settle(); print('written', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(scene())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    objects = LocalObjects(root, sync=False)
    assert (objects.sweep(), len(incoming(root))) == (0, 1)
    process.kill()
    process.wait()
    assert (objects.sweep(), incoming(root)) == (1, [])
    assert list(objects.ids()) == []


def test_a_blob_truncated_while_it_is_read_is_damaged_and_not_padded(root: Path) -> None:
    objects = LocalObjects(root, sync=False)

    async def scene() -> None:
        blob = await keep(objects, content_of(1_000_000))
        reading = objects.read(blob, 0, 1_000_000)
        await anext(reading)
        os.truncate(objects.whole_file(blob) or "", 300_000)
        await anext(reading)
        with pytest.raises(BlobDamaged):
            await anext(reading)

    run(scene())


def test_a_blob_that_cannot_be_read_is_unavailable(root: Path) -> None:
    objects = LocalObjects(root, sync=False)
    blob = run(keep(objects, b"x"))
    path = Path(objects.whole_file(blob) or "")
    path.unlink()
    path.mkdir()
    with pytest.raises((ObjectsUnavailable, BlobDamaged)):
        run(fetch(objects, blob, 0, 1))


def test_where_the_system_cannot_tell_what_is_in_memory_a_thread_reads(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.files._AT_ONCE", None)
    objects = LocalObjects(root, sync=False)
    content = content_of(1_000_000)
    assert run(fetch(objects, run(keep(objects, content)), 10, 999_990)) == content[10:]


def test_readers_that_nobody_finishes_leave_no_file_open(root: Path) -> None:
    objects = LocalObjects(root, sync=False)
    blob = run(keep(objects, content_of(1_000_000)))

    async def scene() -> None:
        for _ in range(50):
            objects.read(blob, 0, 1_000_000)
            reading = objects.read(blob, 0, 1_000_000)
            await anext(reading)

    before = len(list(Path("/proc/self/fd").iterdir()))
    run(scene())
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_nobody_else_may_read_the_blobs(root: Path) -> None:
    before = os.umask(0)
    try:
        objects = LocalObjects(root, sync=False)
        blob = run(keep(objects, b"x"))
    finally:
        os.umask(before)
    path = Path(objects.whole_file(blob) or "")
    assert [oct(entry.stat().st_mode & 0o777) for entry in (path, path.parent, root)] == ["0o600", "0o700", "0o700"]


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ObjectsUnavailable):
        LocalObjects(tmp_path / "file" / "objects", files=RealFiles())
