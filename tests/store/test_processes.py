"""Several processes on one store: none starves, none loses, and what was acknowledged survives `kill -9`."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.processes import open_store

from rolecall.objects.local import LocalObjects
from rolecall.store.interface import Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    MasterKeys.create(tmp_path / "keyring")
    return tmp_path


def start(what: str, folder: Path, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.processes", what, str(folder), str(number)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_four_processes_writing_at_once_lose_no_update_and_none_starves(folder: Path) -> None:
    processes = [start("count", folder, number) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    store = open_store(folder)
    with store.view() as view:
        assert int(view.get(b"total") or b"0") == sum(counts)
    store.close()
    assert min(counts) * 4 > max(counts), counts


def test_everything_acknowledged_survives_kill_9_under_load(folder: Path) -> None:
    for round_ in range(3):
        processes = [start("fill", folder, 10 * round_ + number) for number in range(2)]
        lines = [line for process in processes for line in itertools.islice(process.stdout or (), 60)]
        for process in processes:
            process.kill()
        lines += [line for process in processes for line in process.communicate()[0].splitlines(keepends=True)]
        # The last line may be torn by the kill; it is then no acknowledgement anybody has read.
        acknowledged = [pack(*map(int, line.split())) for line in lines if line.endswith("\n")]
        assert len(acknowledged) >= 120
        look(folder, acknowledged)


def look(folder: Path, acknowledged: list[bytes]) -> None:
    store = open_store(folder)
    objects = LocalObjects(folder / "objects")
    objects.sweep()
    with store.view() as view:
        lefts = {entry.key[len(pack("left")) :]: entry.value.decode() for entry in view.scan(pack("left"))}
        rights = {entry.key[len(pack("right")) :] for entry in view.scan(pack("right"))}
    blobs = {blob for blob in lefts.values() if blob}
    assert lefts.keys() == rights
    assert [key for key in acknowledged if key not in lefts] == []
    assert blobs - set(objects.ids()) == set()
    assert all(objects.size(blob) % 10_000 == 0 for blob in blobs)
    assert list((folder / "objects" / "incoming").iterdir()) == []
    objects.close()
    store.close()


def test_a_process_killed_inside_a_work_holds_nobody_back(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.store.processes import open_store\n"
        "def work(transaction):\n"
        "    transaction.put(b'half', b'1'); print('inside', flush=True); time.sleep(60)\n"
        "open_store(Path(sys.argv[1])).write_now(work)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    process.kill()
    process.wait()
    store = open_store(folder)

    def work(transaction: Transaction) -> bytes | None:
        transaction.put(b"whole", b"1")
        return transaction.get(b"half")

    assert store.write_now(work) is None
    store.close()
