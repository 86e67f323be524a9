"""Three gigabytes by `aws s3 cp` and back: every byte, in bounded memory."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doors.conftest import Door
from tests.requirements import tool
from tests.serving import Server, serving

pytestmark = [pytest.mark.doors, pytest.mark.timeout(600)]

GIB = 1024**3
SIZE = 3 * GIB + 12345
MOST_MEMORY = 200 * 1024 * 1024
"""What one worker may ever have held in memory."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own, whose memory nobody else has used."""
    data = tmp_path_factory.mktemp("large") / "data"
    with serving(data, "--account", "123456789012", "--tutorial") as running:
        yield running
    shutil.rmtree(data)  # the bytes of deleted objects wait there for the housekeeping


@pytest.fixture
def large(door: Door) -> Iterator[Path]:
    """A file of three gigabytes, mostly holes, with noise spread over it. It goes when the test is over."""
    path = door.home / "large"
    noise = random.Random(3)
    with path.open("wb") as file:
        file.truncate(SIZE)
        for _ in range(200):
            file.seek(noise.randrange(SIZE - 4096))
            file.write(noise.randbytes(4096))
    yield path
    path.unlink()


def test_three_gigabytes_go_up_and_come_down_in_bounded_memory(door: Door, large: Path) -> None:
    aws, there = tool("aws2"), f"s3://{door.bucket}/large"
    session = door.session()
    door.run(aws, "s3", "cp", large, there, "--only-show-errors", who=session, timeout=280)
    assert door.server.client("s3").head_object(Bucket=door.bucket, Key="large")["ContentLength"] == SIZE
    back = door.home / "back"
    try:
        door.run(aws, "s3", "cp", there, back, "--only-show-errors", who=session, timeout=280)
        assert _digest(back) == _digest(large)
    finally:
        back.unlink(missing_ok=True)
        door.run(aws, "s3", "rm", there, who=session)
    peaks = _peaks(door.server)
    assert len(peaks) >= 2  # a master and its workers
    assert max(peaks.values()) < MOST_MEMORY, peaks


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _peaks(server: Server) -> dict[int, int]:
    """Return the most memory that the server's processes ever held, by process id."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {pid: _peak(pid) for pid in (server.process.pid, *map(int, children))}


def _peak(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
