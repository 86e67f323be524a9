"""`backup` and `restore` cut short by `kill -9` or a loss of power: what is there afterwards is whole, or is refused.

The disk is simulated as in tests/store/powerloss: one that keeps everything is what a kill leaves, one that loses
what was not synced, in any part, is what a loss of power leaves.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest
from tests import soaking
from tests.reliability import mix
from tests.reliability.asking import content, s3
from tests.reliability.in_process import _upon, open_house, root_of
from tests.reliability.test_disk_faults import Gateway
from tests.store.powerloss import Disk, Event, Recorder, read_log
from tests.store.watched import WatchedFiles, WatchedVFS

from rolecall import cli
from rolecall.app import restore as restoring
from rolecall.app.backup import back_up, backups_in
from rolecall.app.copies import Unreadable
from rolecall.app.folder import MANIFEST, UNFINISHED, DataFolder, FolderRefused
from rolecall.app.progress import Progress
from rolecall.app.restore import Source, restore
from rolecall.app.snapshot import Options
from rolecall.store.sqlite import SqliteStore
from rolecall.upkeep.manifest import BackupDamaged

KEYS = {f"object-{number}": 30_000 * number for number in range(6)}
BACKED_UP = [b"first backup", b"second backup"]
RESTORED = b"restored"
NOT_WHOLE = (FolderRefused, BackupDamaged, Unreadable, OSError)


class TellingFiles(WatchedFiles):
    """Tells, when a file is first opened that SQLite made by ways of its own, what is in it: nothing of that is durable."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._recorder = recorder
        self._seen: set[int] = set()

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        descriptor = super().open(path, flags, mode)
        inode = os.fstat(descriptor).st_ino
        if inode not in self._seen and not flags & os.O_CREAT and ".db" in path and not path.endswith("-wal"):
            self._recorder.made(path, inode)
            self._recorder.wrote(inode, 0, Path(path).read_bytes())
        self._seen.add(inode)
        return descriptor


def fill(data: Path) -> None:
    gateway = Gateway(data)
    for key, size in KEYS.items():
        assert gateway.ask(s3("PUT", mix.PLAIN, key, body=content(key, 1, max(size, 500)))).is_success
    gateway.close()


def record(folder: Path) -> list[Event]:
    """Make two backups of a folder, the second of which shares files with the first, and restore one; return the log."""
    fill(folder / "data")
    kept, again = folder / "disk" / "kept", folder / "disk" / "again"
    kept.mkdir(parents=True)
    recorder = Recorder(folder / "log")
    files, vfs = TellingFiles(recorder), WatchedVFS("backups", recorder)
    recorder.made(str(kept), 0)
    recorder.synced_folder(recorder.sync_begins(), str(kept.parent))
    for name in BACKED_UP:
        back_up(DataFolder(folder / "data"), kept, Progress(), Options(keys=True), files)
        recorder.acknowledged(name)
    upon = _upon(SqliteStore, vfs="backups", files=files)
    with mock.patch.object(restoring, "SqliteStore", upon):
        restore(Source(backups_in(kept)[-1]), DataFolder(again), Progress(), None, new_session_keys=True, files=files)
    recorder.acknowledged(RESTORED)
    del vfs
    return read_log(folder / "log")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = tmp_path_factory.mktemp("backups")
    return folder, record(folder)


def losses(folder: Path, events: list[Event], seed: int, *, points: int, dropped: str | None = None) -> Iterator[str]:
    """Cut everything short at so many places of the log, and tell what is then taken for whole and is not, or missing."""
    chance = random.Random(seed)
    places = set(chance.sample(range(len(events)), min(points, len(events))))
    places |= {place + 1 for place, event in enumerate(events[:-1]) if event.kind in {"acknowledged", "renamed"}}
    disk = Disk(dropped)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as copy:
        for place, event in enumerate(events):
            disk.take(place, event)
            if place in places or place == len(events) - 1:
                left = Path(copy) / str(place)
                _lay_out(left, disk.after_a_crash(chance, f"{folder}/disk"), f"{folder}/disk")
                yield from (f"{one} (at {place})" for one in _wrong(left, disk.acknowledged, root_of(folder / "data")))
                shutil.rmtree(left, ignore_errors=True)


def _lay_out(copy: Path, left: dict[str, Callable[[], bytes]], disk: str) -> None:
    copy.mkdir()
    for name, read in left.items():
        there = copy / Path(name).relative_to(disk)
        there.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        there.write_bytes(read())
        there.chmod(0o600)


def _wrong(left: Path, acknowledged: list[bytes], root: mix.Key) -> Iterator[str]:
    kept = left / "kept"
    named = [
        one for one in (kept.iterdir() if kept.is_dir() else ()) if not one.name.startswith((".partial-", ".lock"))
    ]
    for one in named:
        try:
            Source(one).check(Progress())
        except NOT_WHOLE as error:
            yield f"a backup that has its name is not whole: {error}"
    done = sum(name in BACKED_UP for name in acknowledged)
    if len(named) < done:
        yield f"{done} backups were made, {len(named)} are there"
    for half in kept.glob(".partial-*"):
        yield from _served_though_half(half, root)
    for half in left.glob(".again.restoring-*"):
        yield from _served_though_half(half, root)
    if (left / "again").exists():
        yield from _served_though_half(left / "again", root, must=RESTORED in acknowledged)
    elif RESTORED in acknowledged:
        yield "what was restored is gone"


def _served_though_half(data: Path, root: mix.Key, *, must: bool = False) -> Iterator[str]:
    """Serve the folder, where that is not refused, and tell what it lacks."""
    try:
        DataFolder(data).refuse_if_robbed()
        DataFolder(data).refuse_if_absent()
    except FolderRefused as refused:
        if must:
            yield f"a whole folder is refused: {refused}"
        return
    one = open_house(data, root=root)
    with asyncio.Runner() as runner:
        for key in KEYS:
            value = mix.ask_value(("object", mix.PLAIN, key), {}, lambda asked: runner.run(one.ask(asked)))
            if value != "1":
                yield f"{key} is {value} in `{data.name}`"
        runner.run(one.worker.stop())


def test_a_backup_or_restore_cut_short_at_any_point_is_whole_or_refused(
    recorded: tuple[Path, list[Event]],
) -> None:
    folder, events = recorded
    assert [one for seed in range(2) for one in losses(folder, events, seed, points=120)] == []


@pytest.mark.parametrize("kind", ["blob", "blob's folder"])
def test_the_loss_of_a_kind_of_sync_would_be_seen(recorded: tuple[Path, list[Event]], kind: str) -> None:
    folder, events = recorded
    assert any(True for seed in range(5) for _ in losses(folder, events, seed, points=40, dropped=kind))


def test_what_is_half_made_says_so_to_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data" / UNFINISHED).touch()
    for words in (["serve", "--port", "0"], ["doctor"], ["backup", str(tmp_path / "kept")], ["root", "rotate-key"]):
        assert cli.main([*words, "--data", str(tmp_path / "data")]) == 2
        assert "that did not end" in capsys.readouterr().err, words


def test_the_rest_of_a_backup_whose_removal_was_cut_short_is_never_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest, by which it is known, may be the first to go, and some of its objects the next."""
    fill(tmp_path / "data")

    def cut_short(folder: Path, **_: object) -> None:
        (folder / MANIFEST).unlink()
        raise OSError("cut short")

    def make() -> None:
        back_up(DataFolder(tmp_path / "data"), tmp_path / "kept", Progress(), Options(keys=True, keep=1))

    make()
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", cut_short)
        with pytest.raises(OSError, match="cut short"):
            make()
    (rest,) = (tmp_path / "kept").glob(".partial-*")
    assert (rest / "keyring").exists()
    with pytest.raises(FolderRefused):
        DataFolder(rest).refuse_if_robbed()
    make()
    assert (len(backups_in(tmp_path / "kept")), rest.exists()) == (1, False)


def _killed_after(seconds: float, *words: object) -> None:
    """Run a command, and kill it unless it has ended by then."""
    command = [sys.executable, "-m", "rolecall.cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()


@pytest.mark.soak
def test_commands_that_are_killed_leave_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    root, chance = root_of(tmp_path / "data"), random.Random(1)
    whole = back_up(DataFolder(tmp_path / "data"), tmp_path / "whole", Progress(), Options(keys=True))[0]
    kills = soaking.count(60, at_least=10)
    for number in range(kills):
        kept, again = tmp_path / "kept", tmp_path / "again"
        _killed_after(chance.uniform(0.1, 0.7), "backup", kept, "--data", tmp_path / "data", "--with-keys")
        _killed_after(chance.uniform(0.1, 0.7), "restore", whole, "--data", again)
        assert list(_wrong(tmp_path, [], root)) == []
        shutil.rmtree(again, ignore_errors=True)
        for half in tmp_path.glob(".again.*"):
            shutil.rmtree(half)
        soaking.progress(f"backup and restore killed: {number + 1} of {kills}, nothing half-made was taken for whole")
