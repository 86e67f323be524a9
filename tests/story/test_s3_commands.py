"""`aws s3` in all its forms, by both CLIs, over http and TLS: what goes up comes down, byte for byte."""

from __future__ import annotations

import hashlib
import os
import random
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.story.conftest import Aws

MIB = 1024 * 1024
SIZES = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB]


def _write(path: Path, size: int) -> str:
    content = random.Random(size).randbytes(size)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def root(aws: Aws, request: pytest.FixtureRequest) -> Aws:
    """An aws command that is the administrator, in a bucket of the test's own."""
    return Administrator(aws, "b" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20])


class Administrator(Aws):
    """The root user's aws command."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        super().__init__(aws.executable, aws.server, aws.home)
        self.bucket = bucket
        self.server.client("s3").create_bucket(Bucket=bucket)

    def __call__(self, *words: str, **options: object):  # type: ignore[override, no-untyped-def]
        return super().__call__(*words, **({"who": self.server.root} | options))  # type: ignore[arg-type]


def test_what_goes_up_comes_down(root: Administrator) -> None:
    """Empty, tiny, just below, at and above the size from which both CLIs upload in parts, and three parts."""
    (root.home / "up").mkdir()
    digests = {f"of-{size}": _write(root.home / "up" / f"of-{size}", size) for size in SIZES}
    root("s3", "cp", "up", f"s3://{root.bucket}/some", "--recursive", "--quiet")
    root("s3", "cp", f"s3://{root.bucket}/some", "down", "--recursive", "--quiet")
    assert {path.name: _digest(path) for path in (root.home / "down").iterdir()} == digests
    listed = root("s3", "ls", f"s3://{root.bucket}/some/").out
    assert [int(line.split()[2]) for line in listed.splitlines()] == [
        size for _, size in sorted((str(size), size) for size in SIZES)
    ]


def test_copies_moves_and_removes(root: Administrator) -> None:
    digest = _write(root.home / "up", 9 * MIB)
    one, other = f"s3://{root.bucket}", f"s3://{root.bucket}-other"
    root("s3", "mb", other)
    root("s3", "cp", "up", f"{one}/a", "--quiet")
    root("s3", "cp", f"{one}/a", f"{other}/b", "--quiet")
    root("s3", "mv", f"{other}/b", f"{other}/c")
    assert _keys(root, f"{root.bucket}-other") == ["c"]
    root("s3", "cp", f"{other}/c", "down", "--quiet")
    assert _digest(root.home / "down") == digest
    root("s3", "rm", f"{other}/c")
    assert _keys(root, f"{root.bucket}-other") == []
    root("s3", "rb", other)
    assert "NoSuchBucket" in root("s3", "ls", other, code=None).err
    assert "BucketNotEmpty" in root("s3", "rb", one, code=1).err
    root("s3", "rb", one, "--force")


def _keys(root: Administrator, bucket: str) -> list[str]:
    """Return what lies in a bucket, asked over boto3."""
    return [found["Key"] for found in root.server.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_sync_carries_over_what_changed_and_deletes_what_went(root: Administrator) -> None:
    tree = root.home / "tree"
    (tree / "deep").mkdir(parents=True)
    for name in ("one.txt", "deep/two.txt", "deep/spaced name +.txt", "ümlaut.txt"):
        (tree / name).write_text(name)
        os.utime(tree / name, (1_700_000_000, 1_700_000_000))  # sync compares times that S3 keeps in whole seconds
    root("s3", "sync", "tree", f"s3://{root.bucket}/tree")
    assert root("s3", "sync", "tree", f"s3://{root.bucket}/tree").out == ""
    root("s3", "sync", f"s3://{root.bucket}/tree", "back")
    assert {path.relative_to(root.home / "back").as_posix() for path in (root.home / "back").rglob("*.txt")} == {
        "one.txt", "deep/two.txt", "deep/spaced name +.txt", "ümlaut.txt",
    }  # fmt: skip
    (tree / "one.txt").unlink()
    assert "delete:" in root("s3", "sync", "tree", f"s3://{root.bucket}/tree", "--delete").out


def test_a_presigned_url_opens_one_object_for_a_while(root: Administrator) -> None:
    _write(root.home / "up", 100)
    root.server.client("s3").put_object(Bucket=root.bucket, Key="key", Body=(root.home / "up").read_bytes())
    # Version 1 signs URLs with Signature Version 2 unless it is told to use what AWS accepts for new buckets.
    root("configure", "set", "default.s3.signature_version", "s3v4")
    url = root("s3", "presign", f"s3://{root.bucket}/key", "--expires-in", "60").out.strip()
    trusted = root.server.certificate
    context = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    with urllib.request.urlopen(url, context=context) as answer:
        assert answer.read() == (root.home / "up").read_bytes()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("/key?", "/other?"), context=context)


def test_a_range_of_a_multipart_object_is_read(root: Administrator) -> None:
    _write(root.home / "up", 20 * MIB)
    root("s3", "cp", "up", f"s3://{root.bucket}/big")
    words = ("s3api", "get-object", "--bucket", root.bucket, "--key", "big", "--range", "bytes=8388600-8388620", "part")
    root(*words)
    assert (root.home / "part").read_bytes() == (root.home / "up").read_bytes()[8388600:8388621]
