"""s3cmd, with a session's credentials in its configuration."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from tests.doors.conftest import Door, Said
from tests.requirements import tool

pytestmark = pytest.mark.doors

MIB = 1024 * 1024


class S3cmd:
    """s3cmd as the role's session."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.program = tool("doors/bin/s3cmd")
        self.config = door.home / "s3cfg"
        session = door.session()
        host = door.server.endpoint.removeprefix("http://")
        settings = {
            "access_key": session.access_key_id,
            "secret_key": session.secret_access_key,
            "access_token": session.session_token,
            "host_base": host,
            "host_bucket": host,
            "use_https": "False",
            "bucket_location": "us-east-1",
            "progress_meter": "False",
            # Without this it copies the ACL too, which a bucket of today refuses, here as on AWS.
            "acl_public": "False",
        }
        self.config.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        (door.home / "small").write_text("small")
        (door.home / "parts").write_bytes(random.Random(2).randbytes(12 * MIB))

    def __call__(self, *words: str, code: int | None = 0) -> Said:
        return self.door.run(self.program, "--config", self.config, *words, code=code)

    def names(self, place: str) -> list[str]:
        return [line.split(maxsplit=3)[3] for line in self("ls", "-r", place).out.splitlines()]


@pytest.fixture(scope="module")
def s3cmd(door: Door) -> S3cmd:
    return S3cmd(door)


def test_what_goes_up_in_one_or_in_parts_comes_down(s3cmd: S3cmd) -> None:
    there = f"s3://{s3cmd.door.bucket}"
    s3cmd("put", "small", f"{there}/put/small")
    s3cmd("put", "--multipart-chunk-size-mb=5", "parts", f"{there}/put/parts ü +")
    assert s3cmd.names(f"{there}/put/") == [f"{there}/put/parts ü +", f"{there}/put/small"]
    s3cmd("get", f"{there}/put/parts ü +", "back")
    assert _digest(s3cmd.door.home / "back") == _digest(s3cmd.door.home / "parts")


def test_a_broken_download_goes_on_where_it_stopped(s3cmd: S3cmd) -> None:
    there = f"s3://{s3cmd.door.bucket}/broken"
    s3cmd("put", "parts", there)
    whole = (s3cmd.door.home / "parts").read_bytes()
    (s3cmd.door.home / "rest").write_bytes(whole[: 7 * MIB])
    s3cmd("get", "--continue", there, "rest")
    assert _digest(s3cmd.door.home / "rest") == _digest(s3cmd.door.home / "parts")


def test_a_sync_carries_over_what_changed_and_deletes_what_went(s3cmd: S3cmd) -> None:
    tree, there = s3cmd.door.home / "tree", f"s3://{s3cmd.door.bucket}/tree/"
    tree.mkdir()
    for name in ("one", "two"):
        (tree / name).write_text(name)
    s3cmd("sync", f"{tree}/", there)
    assert s3cmd("sync", f"{tree}/", there).out == ""
    (tree / "one").unlink()
    s3cmd("sync", "--delete-removed", f"{tree}/", there)
    assert s3cmd.names(there) == [f"{there}two"]


def test_copies_moves_changes_and_removes(s3cmd: S3cmd) -> None:
    there = f"s3://{s3cmd.door.bucket}/copies"
    s3cmd("put", "small", f"{there}/one")
    s3cmd("cp", f"{there}/one", f"{there}/two")
    s3cmd("mv", f"{there}/two", f"{there}/three")
    s3cmd("modify", "--add-header=Cache-Control: no-store", f"{there}/three")
    found = s3cmd.door.server.client("s3").head_object(Bucket=s3cmd.door.bucket, Key="copies/three")
    assert found["CacheControl"] == "no-store"
    assert s3cmd.names(f"{there}/") == [f"{there}/one", f"{there}/three"]
    s3cmd("del", "--recursive", "--force", f"{there}/")
    assert s3cmd.names(f"{there}/") == []


def test_a_bucket_is_described(s3cmd: S3cmd) -> None:
    said = s3cmd("info", f"s3://{s3cmd.door.bucket}").out
    assert "Location:  us-east-1" in said
    s3cmd("setpolicy", str(_policy(s3cmd.door)), f"s3://{s3cmd.door.bucket}")
    assert "DenyNothing" in s3cmd("info", f"s3://{s3cmd.door.bucket}").out
    s3cmd("delpolicy", f"s3://{s3cmd.door.bucket}")


def test_a_refusal_is_an_access_denied_of_the_client(s3cmd: S3cmd) -> None:
    said = s3cmd("put", "small", f"s3://{s3cmd.door.bucket}/closed/door", code=77)  # its code for a refusal
    assert "403 (AccessDenied)" in said.err
    assert "explicit deny" in said.err


def _policy(door: Door) -> Path:
    path = door.home / "policy.json"
    path.write_text(
        '{"Version": "2012-10-17", "Statement": [{"Sid": "DenyNothing", "Effect": "Deny", "Action": "s3:GetObject",'
        f' "Principal": {{"AWS": "arn:aws:iam::123456789012:root"}}, "Resource": "arn:aws:s3:::{door.bucket}/nothing"}}]}}'
    )
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
