"""`rolecall backup` and `rolecall restore`, as processes: a point in time that is whole, or no backup at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.serving import ACCOUNT, Credentials, Server, serving

from rolecall.app.backup import back_up as back_up_here
from rolecall.app.folder import DataFolder
from rolecall.app.progress import Progress
from rolecall.app.removals import Removals
from rolecall.app.snapshot import Options
from rolecall.files import RealFiles

BUCKET = "kept"
LARGE = 200_000


def rolecall(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rolecall.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def back_up(data: Path, target: Path, *options: object) -> Path:
    """Make a backup that must succeed, and return its folder."""
    done = rolecall("backup", target, "--data", data, *options)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.partition(": account")[0])


def restored(backup: Path, data: Path, *options: object) -> None:
    done = rolecall("restore", backup, "--data", data, *options)
    assert done.returncode == 0, done.stderr


def blobs_of(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in (folder / "objects").glob("[0-9a-f][0-9a-f]/*")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the tutorial, a small and a large object, which the tests here only read or add to."""
    with serving(tmp_path_factory.mktemp("world") / "data", "--account", ACCOUNT, "--tutorial") as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="small", Body=b"small")
        s3.put_object(Bucket=BUCKET, Key="large", Body=bytes(LARGE))
        yield server


def test_a_backup_of_a_served_folder_restores_to_a_folder_that_serves_the_same(world: Server, tmp_path: Path) -> None:
    backup = back_up(world.data, tmp_path / "backups")
    restored(backup, tmp_path / "data", "--keyring", world.data / "keyring")
    with serving(tmp_path / "data") as again:
        s3 = again.client("s3", world.root)
        assert s3.get_object(Bucket=BUCKET, Key="small")["Body"].read() == b"small"
        assert s3.get_object(Bucket=BUCKET, Key="large")["Body"].read() == bytes(LARGE)
        iam = again.client("iam", world.root)
        assert {role["RoleName"] for role in iam.list_roles()["Roles"]} == {"S3_Full_Access"}
        identity = again.client("sts", world.learner).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/aws_cli_test"
        events = again.client("cloudtrail", world.root).lookup_events()["Events"]
        assert "CreateBucket" in {event["EventName"] for event in events}
    done = rolecall("doctor", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stdout


def test_no_secret_and_no_key_is_in_a_backup_unless_asked_for(world: Server, tmp_path: Path) -> None:
    backup = back_up(world.data, tmp_path / "backups")
    secrets = [world.root.secret_access_key, world.learner.secret_access_key]
    keyring = json.loads((world.data / "keyring").read_text())
    secrets += [key["key"] for key in keyring["keys"]]
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert {path.name for path in backup.iterdir()} == {
        "backup.json",
        "blobs.txt",
        "objects",
        "rolecall.db",
        "trail.db",
    }
    for path in files:
        assert not any(secret.encode() in path.read_bytes() for secret in secrets), path
        assert path.stat().st_mode & 0o077 == 0, path
    with_keys = back_up(world.data, tmp_path / "other", "--with-keys")
    assert (with_keys / "keyring").read_bytes() == (world.data / "keyring").read_bytes()
    assert (with_keys / "root-credentials").exists()
    restored(with_keys, tmp_path / "data")


def test_a_backup_without_its_keyring_is_not_restored_and_says_what_to_give(world: Server, tmp_path: Path) -> None:
    backup = back_up(world.data, tmp_path / "backups")
    done = rolecall("restore", backup, "--data", tmp_path / "data")
    assert done.returncode == 2
    assert "--keyring" in done.stderr
    with serving(tmp_path / "another"):
        pass
    wrong = rolecall("restore", backup, "--data", tmp_path / "data", "--keyring", tmp_path / "another" / "keyring")
    assert wrong.returncode == 2
    assert "does not belong to this store" in wrong.stderr
    assert not (tmp_path / "data").exists()
    assert list(tmp_path.glob(".data.restoring*")) == []


def test_a_later_backup_takes_unchanged_blobs_from_the_one_before(world: Server, tmp_path: Path) -> None:
    first = back_up(world.data, tmp_path / "backups")
    world.client("s3").put_object(Bucket=BUCKET, Key="later", Body=os.urandom(LARGE))
    second = back_up(world.data, tmp_path / "backups")
    before, after = blobs_of(first), blobs_of(second)
    assert len(after) == len(before) + 1
    for blob, path in before.items():
        assert path.samefile(after[blob])
        assert not path.samefile(blobs_of(world.data)[blob])
    assert rolecall("restore", second, "--check").returncode == 0


def test_links_to_the_data_folder_are_made_only_where_asked_for(world: Server, tmp_path: Path) -> None:
    backup = back_up(world.data, tmp_path / "backups", "--link")
    live = blobs_of(world.data)
    assert blobs_of(backup)
    assert all(path.samefile(live[blob]) for blob, path in blobs_of(backup).items())


def test_only_the_newest_backups_are_kept_where_asked_for(world: Server, tmp_path: Path) -> None:
    made = [back_up(world.data, tmp_path / "backups", "--keep", 2) for _ in range(3)]
    assert sorted(path for path in (tmp_path / "backups").iterdir() if path.is_dir()) == sorted(made[1:])
    assert rolecall("restore", made[-1], "--check").returncode == 0


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a byte of the store": ("rolecall.db", _flip),
    "a byte of the trail": ("trail.db", _flip),
    "a byte of a blob": ("objects", _flip),
    "the end of a blob": ("objects", _truncate),
    "a whole blob": ("objects", Path.unlink),
    "a line of the list": ("blobs.txt", _truncate),
    "the manifest": ("backup.json", _truncate),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_backup_that_lost_something_is_not_restored(damage: str, world: Server, tmp_path: Path) -> None:
    name, spoil = DAMAGES[damage]
    backup = back_up(world.data, tmp_path / "backups", "--with-keys")
    spoil(next(iter(blobs_of(backup).values())) if name == "objects" else backup / name)
    for done in (rolecall("restore", backup, "--check"), rolecall("restore", backup, "--data", tmp_path / "data")):
        assert done.returncode == 2, damage
        assert "rolecall restore:" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_half_made_backup_has_no_name_and_goes_with_the_next(world: Server, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    half = target / ".partial-20200101T000000Z"
    half.mkdir(parents=True)
    (half / "rolecall.db").write_bytes(b"half")
    done = rolecall("restore", target, "--data", tmp_path / "data")
    assert "is no backup" in done.stderr
    backup = back_up(world.data, target)
    assert not half.exists()
    named = rolecall("restore", target, "--data", tmp_path / "data")
    assert (named.returncode, str(backup) in named.stderr) == (2, True)


def test_a_backup_of_damaged_objects_says_so_and_keeps_all_the_others(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for key in ("one", "two"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=os.urandom(LARGE))
        _truncate(next(iter(blobs_of(tmp_path / "data").values())))
        done = rolecall("backup", tmp_path / "backups", "--data", tmp_path / "data", "--with-keys")
    assert done.returncode == 1
    assert "1 object files were missing or damaged already" in done.stderr
    backup = Path(done.stdout.partition(": account")[0])
    assert len(blobs_of(backup)) == 1
    again = rolecall("restore", backup, "--data", tmp_path / "again")
    assert again.returncode == 1
    assert "1 object files were damaged already" in again.stderr


def test_nothing_is_restored_over_a_folder_in_use_or_with_anything_in_it(world: Server, tmp_path: Path) -> None:
    backup = back_up(world.data, tmp_path / "backups", "--with-keys")
    used = rolecall("restore", backup, "--data", world.data)
    assert used.returncode == 2
    assert "another server (process" in used.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    full = rolecall("restore", backup, "--data", tmp_path / "full")
    assert full.returncode == 2
    assert "is not empty" in full.stderr
    (tmp_path / "empty").mkdir()
    restored(backup, tmp_path / "empty")
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o700


def _lives(server: Server, who: Credentials) -> bool:
    try:
        server.client("s3", who).list_buckets()
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "InvalidToken":
            raise
        return False
    return True


def test_sessions_from_before_the_backup_end_with_a_restore_unless_they_are_kept(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        user = server.user("someone", json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))
        session = Credentials.of(server.client("sts", user).get_session_token()["Credentials"])
        assert _lives(server, session)
        backup = back_up(server.data, tmp_path / "backups", "--with-keys")
    for name, options, lives in (("new", (), False), ("kept", ("--keep-session-keys",), True)):
        done = rolecall("restore", backup, "--data", tmp_path / name, *options)
        assert "access keys that were deleted or deactivated since" in done.stdout
        with serving(tmp_path / name) as server:
            assert _lives(server, session) is lives
            assert _lives(server, user)


def test_a_backup_after_kill_9_has_what_only_the_log_holds(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        root = server.root
        server.client("iam").create_user(UserName="just-before")
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
    assert (tmp_path / "data" / "rolecall.db-wal").stat().st_size > 0
    backup = back_up(tmp_path / "data", tmp_path / "backups", "--with-keys")
    assert not list(backup.glob("*-wal"))
    restored(backup, tmp_path / "again")
    with serving(tmp_path / "again") as again:
        assert again.client("iam", root).get_user(UserName="just-before")


def test_a_backup_is_not_made_inside_its_folder_and_is_not_served_itself(world: Server, tmp_path: Path) -> None:
    done = rolecall("backup", world.data / "backups", "--data", world.data)
    assert (done.returncode, "inside its own data folder" in done.stderr) == (2, True)
    backup = back_up(world.data, tmp_path / "backups", "--with-keys")
    for words in (("serve", "--port", "0"), ("doctor",)):
        refused = rolecall(*words, "--data", backup)
        assert (refused.returncode, "is a backup" in refused.stderr) == (2, True)
    assert rolecall("restore", backup, "--check").returncode == 0


class FullDisk(RealFiles):
    """A disk that is full after so many calls."""

    def __init__(self, left: int) -> None:
        self.left = left

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, descriptor: int, pieces: Sequence[bytes]) -> None:
        self._take()
        super().write(descriptor, pieces)

    def sync(self, descriptor: int) -> None:
        self._take()
        super().sync(descriptor)

    def sync_folder(self, path: str) -> None:
        self._take()
        super().sync_folder(path)


def test_a_disk_that_is_full_at_any_moment_leaves_no_backup_and_the_one_before(world: Server, tmp_path: Path) -> None:
    target, folder = tmp_path / "backups", DataFolder(world.data)
    before = back_up(world.data, target)
    world.client("s3").put_object(Bucket=BUCKET, Key="more", Body=os.urandom(LARGE))
    failed = 0
    for calls in range(1000):
        try:
            back_up_here(folder, target, Progress(), Options(), FullDisk(calls))
        except OSError as fault:
            assert fault.errno == errno.ENOSPC  # noqa: PT017
            failed += 1
            whole = [path for path in target.iterdir() if path.is_dir()]
            if whole != [before]:  # only its last sync failed, of a backup that is complete
                break
        else:
            break
    assert failed > 5
    assert all(rolecall("restore", path, "--check").returncode == 0 for path in target.iterdir() if path.is_dir())


def test_blobs_are_not_removed_while_they_are_copied(tmp_path: Path) -> None:
    removals = Removals(tmp_path / "lock")
    with removals.allowed() as may:
        assert may
    with removals.held_back(), removals.held_back(), removals.allowed() as may:
        assert not may
    with removals.allowed() as may:
        assert may


class Writers:
    """Clients that change everything there is to change, and remember what they were told, in order."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.objects: dict[str, str] = {}
        self.users: list[str] = []
        self.attached: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(work, number))
            for number, work in enumerate((self._put, self._put, self._users, self._churn, self._multipart))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Callable[[int, int], None], number: int) -> None:
        count = 0
        while not self._stop.is_set():
            try:
                work(number, count)
            except (BotoCoreError, ClientError) as error:
                raise AssertionError(f"a writer was refused while a backup was taken: {error}") from error
            count += 1

    def _put(self, number: int, count: int) -> None:
        key, body = f"{number}/{count}", os.urandom((500, 150_000)[count % 2])
        self._server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        self.objects[key] = hashlib.sha256(body).hexdigest()

    def _users(self, number: int, count: int) -> None:
        iam, name = self._server.client("iam"), f"user-{count}"
        iam.create_user(UserName=name)
        self.users.append(name)
        iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        self.attached.append(name)

    def _churn(self, number: int, count: int) -> None:
        """Overwrite and delete large objects, so that blobs become garbage all the time."""
        s3 = self._server.client("s3")
        s3.put_object(Bucket=BUCKET, Key="churned", Body=os.urandom(150_000))
        if count % 3 == 0:
            s3.delete_object(Bucket=BUCKET, Key="churned")

    def _multipart(self, number: int, count: int) -> None:
        s3, key = self._server.client("s3"), f"parts/{count}"
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        body = os.urandom(100_000)
        part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=body)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload=parts)
        self.objects[key] = hashlib.sha256(body).hexdigest()


def test_a_backup_under_load_has_everything_acknowledged_before_it_began_and_is_sound(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, sync=True) as server:
        root = server.root
        server.client("s3").create_bucket(Bucket=BUCKET)
        with Writers(server) as writers:
            while len(writers.objects) < 30 or len(writers.users) < 5:
                threading.Event().wait(0.05)
            objects, users, attached = dict(writers.objects), list(writers.users), list(writers.attached)
            backup = back_up(server.data, tmp_path / "backups")
    restored(backup, tmp_path / "again", "--keyring", tmp_path / "data" / "keyring")
    done = rolecall("doctor", "--data", tmp_path / "again")
    assert (done.returncode, "orphan" in done.stdout) == (0, False), done.stdout
    with serving(tmp_path / "again") as again:
        s3, iam = again.client("s3", root), again.client("iam", root)
        for key, digest in objects.items():
            assert hashlib.sha256(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).hexdigest() == digest, key
        names = {user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]}
        assert set(users) <= names
        for name in attached:
            assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"], name
        listed = [
            found["Key"]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            for found in page["Contents"]
        ]
        for key in listed:
            s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
