"""rclone, with a session's credentials from the environment."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from tests.doors.conftest import Door, Said
from tests.requirements import tool

pytestmark = pytest.mark.doors

MIB = 1024 * 1024


class Rclone:
    """rclone as the role's session, with a remote called `door`."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.session = door.session()
        self.program = tool("doors/bin/rclone")

    def __call__(self, *words: str, code: int | None = 0) -> Said:
        settings = {
            "RCLONE_CONFIG": str(self.door.home / "rclone.conf"),
            "RCLONE_CONFIG_DOOR_TYPE": "s3",
            "RCLONE_CONFIG_DOOR_PROVIDER": "Other",
            "RCLONE_CONFIG_DOOR_ENV_AUTH": "true",
            "RCLONE_CONFIG_DOOR_ENDPOINT": self.door.server.endpoint,
            "RCLONE_CONFIG_DOOR_REGION": "us-east-1",
        }
        words = (*words, "--s3-no-check-bucket", "--retries", "1", "--low-level-retries", "1")
        return self.door.run(self.program, *words, who=self.session, code=code, **settings)

    def names(self, place: str) -> list[str]:
        return sorted(found["Path"] for found in json.loads(self("lsjson", "-R", "--files-only", place).out))


@pytest.fixture(scope="module")
def rclone(door: Door) -> Rclone:
    return Rclone(door)


@pytest.fixture(scope="module")
def tree(door: Door) -> Path:
    folder = door.home / "tree"
    (folder / "deep").mkdir(parents=True)
    (folder / "empty").touch()
    (folder / "deep" / "spaced + ümlaut.txt").write_text("text")
    (folder / "parts").write_bytes(random.Random(1).randbytes(12 * MIB))
    return folder


def test_a_tree_goes_up_in_parts_and_comes_down_the_same(rclone: Rclone, tree: Path) -> None:
    there = f"door:{rclone.door.bucket}/tree"
    rclone("copy", str(tree), there, "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M")
    assert rclone.names(there) == ["deep/spaced + ümlaut.txt", "empty", "parts"]
    rclone("check", "--download", str(tree), there)
    back = rclone.door.home / "back"
    rclone("copy", there, str(back))
    assert _digest(back / "parts") == _digest(tree / "parts")
    assert (back / "deep" / "spaced + ümlaut.txt").read_text() == "text"


def test_a_second_sync_finds_nothing_to_do_and_a_third_deletes(rclone: Rclone, tree: Path) -> None:
    there = f"door:{rclone.door.bucket}/synced"
    rclone("sync", str(tree), there)
    assert "There was nothing to transfer" in rclone("sync", str(tree), there, "-v").err
    rclone("sync", str(tree / "deep"), there)
    assert rclone.names(there) == ["spaced + ümlaut.txt"]


def test_a_range_is_read(rclone: Rclone, tree: Path) -> None:
    rclone("copyto", str(tree / "parts"), f"door:{rclone.door.bucket}/one")
    rclone.door.server.client("s3").put_object(Bucket=rclone.door.bucket, Key="text", Body=b"0123456789")
    assert rclone("cat", f"door:{rclone.door.bucket}/text", "--offset", "3", "--count", "4").out == "3456"


def test_server_side_copies_and_moves(rclone: Rclone, tree: Path) -> None:
    one, other = (f"door:{rclone.door.bucket}/{name}" for name in ("copies/one", "copies/other"))
    rclone("copyto", str(tree / "parts"), one)
    # A cutoff below the size makes the copy in parts; the second is made in one request.
    said = rclone("copyto", one, other, "--s3-copy-cutoff", "5M", "-v")
    assert "server-side copy" in said.err
    rclone("moveto", other, f"door:{rclone.door.bucket}/copies/moved")
    assert rclone.names(f"door:{rclone.door.bucket}/copies") == ["moved", "one"]
    assert rclone("size", "--json", f"door:{rclone.door.bucket}/copies").out.strip() == json.dumps(
        {"count": 2, "bytes": 24 * MIB, "sizeless": 0}, separators=(",", ":")
    )
    rclone("purge", f"door:{rclone.door.bucket}/copies")
    assert rclone.names(f"door:{rclone.door.bucket}") != []


def test_modification_times_stay(rclone: Rclone, tree: Path) -> None:
    there = f"door:{rclone.door.bucket}/times"
    rclone("copyto", str(tree / "empty"), there)
    rclone("touch", "-t", "2020-02-03T04:05:06", there)
    (found,) = json.loads(rclone("lsjson", there).out)
    assert found["ModTime"].startswith("2020-02-03T04:05:06")


def test_a_link_is_presigned_by_the_session(rclone: Rclone) -> None:
    rclone.door.server.client("s3").put_object(Bucket=rclone.door.bucket, Key="linked", Body=b"linked")
    link = rclone("link", f"door:{rclone.door.bucket}/linked", "--expire", "60s").out.strip()
    assert "X-Amz-Security-Token=" in link
    assert rclone.door.run("curl", "--silent", "--show-error", link).out == "linked"


def test_a_refusal_is_an_access_denied_of_the_client(rclone: Rclone, tree: Path) -> None:
    closed = f"door:{rclone.door.bucket}/closed/door"
    # It asks for the head first, whose refusal has no body to say more.
    assert "StatusCode: 403" in rclone("copyto", str(tree / "empty"), closed, code=1).err
    said = rclone("copyto", str(tree / "parts"), closed, "--s3-no-head-object", "--ignore-times", code=1)
    assert "AccessDenied" in said.err
    assert "explicit deny" in said.err
    rclone.door.server.client("s3").create_bucket(Bucket="door-of-somebody-else")
    assert "AccessDenied" in rclone("lsf", "door:door-of-somebody-else", code=None).err


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
