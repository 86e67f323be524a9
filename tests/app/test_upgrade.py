"""Folders of older, newer and other programs, and folders that something is missing from: served, or refused with a reason."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.app.filling import BUCKET, LARGE, body
from tests.app.record import RECORDED, unpack
from tests.serving import ACCOUNT, serving

from rolecall import cli
from rolecall.files import RealFiles
from rolecall.store.interface import SchemaMismatch
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import Inspection, SqliteStore
from rolecall.store.sqlite.database import SCHEMA, Database, Migration

FOLDERS = sorted(RECORDED.glob("schema-*.tar.gz"))


def test_there_is_a_recorded_folder_of_every_schema_up_to_the_present() -> None:
    assert [path.name for path in FOLDERS] == [f"schema-{number}.tar.gz" for number in range(1, SCHEMA + 1)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return unpack(FOLDERS[-1], tmp_path / "data")


@pytest.mark.parametrize("recorded", FOLDERS, ids=lambda path: path.name.partition(".")[0])
def test_a_folder_of_an_earlier_program_is_served_with_all_that_is_in_it(recorded: Path, tmp_path: Path) -> None:
    data = unpack(recorded, tmp_path / "data")
    with serving(data, "--account", ACCOUNT) as server:
        s3, iam = server.client("s3"), server.client("iam")
        for key, size in (("small", 101), ("large", LARGE)):
            assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body(key, size)
        parts = body("part 1", 5 << 20) + body("part 2", 77)
        assert s3.get_object(Bucket=BUCKET, Key="parts")["Body"].read() == parts
        versions = s3.list_object_versions(Bucket=BUCKET)
        assert [found["Key"] for found in versions["Versions"]] == ["gone", "large", "parts", "small", "small"]
        assert [found["Key"] for found in versions["DeleteMarkers"]] == ["gone"]
        assert [found["Key"] for found in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == ["waiting"]
        assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"][0]["AllowedMethods"] == ["GET"]
        assert [user["UserName"] for user in iam.list_users()["Users"]] == [
            "aws_cli_test",
            "bounded",
            "s3_administrator",
        ]
        boundary = iam.get_user(UserName="bounded")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert boundary == f"arn:aws:iam::{ACCOUNT}:policy/own"
        assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="aws_cli_test")["Groups"]] == [
            "Group"
        ]
        who = server.client("sts", server.learner).get_caller_identity()["Arn"]
        assert who == f"arn:aws:iam::{ACCOUNT}:user/aws_cli_test"
        assert server.client("sts").get_session_token()["Credentials"]
    assert cli.main(["doctor", "--data", str(data)]) == 0


def migrate(path: Path, keys: MasterKeys, step: Migration) -> None:
    Database(path, RealFiles(), None).prepare(keys, schema=SCHEMA + 1, migrations={SCHEMA: step})


def rename_users(connection: apsw.Connection) -> None:
    """Stand in for a migration that rewrites records."""
    rows = connection.execute("SELECT key, value FROM kv WHERE key >= ? AND key < ?", _USERS).fetchall()
    assert rows
    for key, value in rows:
        connection.execute("UPDATE kv SET value = ? WHERE key = ?", (value + b"migrated", key))


def rename_users_and_fail(connection: apsw.Connection) -> None:
    rename_users(connection)
    raise OSError(28, "No space left on device")


_USERS = (pack("iam", ACCOUNT, "user"), pack("iam", ACCOUNT, "user") + b"\xff")


def records(path: Path) -> list[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, value FROM kv ORDER BY key").fetchall()


def test_a_migration_keeps_a_copy_that_the_older_program_still_opens(data: Path) -> None:
    keys, path = MasterKeys.load(data / "keyring"), data / "rolecall.db"
    before = records(path)
    migrate(path, keys, rename_users)
    assert records(path) != before
    kept = data / f"rolecall.db.schema-{SCHEMA}"
    assert records(kept) == before
    assert kept.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SchemaMismatch, match="written by a newer version"):
        SqliteStore(path, master_keys=keys)
    kept.rename(path)
    for log in data.glob("rolecall.db-*"):
        log.unlink()
    with closing(SqliteStore(path, master_keys=keys, sync=False)) as store, store.view() as view:
        assert view.scan(pack("iam", ACCOUNT, "user"))


def test_a_migration_that_fails_changes_nothing_and_can_be_tried_again(data: Path) -> None:
    keys, path = MasterKeys.load(data / "keyring"), data / "rolecall.db"
    before = records(path)
    with pytest.raises(Exception, match="the disk is full"):
        migrate(path, keys, rename_users_and_fail)
    assert records(path) == before
    with closing(Inspection(path)) as store:
        assert store.schema == SCHEMA
    migrate(path, keys, rename_users)
    assert records(path) != before


def test_a_store_with_a_foreign_keyring_is_not_migrated(data: Path) -> None:
    before = records(data / "rolecall.db")
    with pytest.raises(Exception, match="does not belong to this store"):
        migrate(data / "rolecall.db", MasterKeys.in_memory(), rename_users)
    assert records(data / "rolecall.db") == before


def test_only_serve_migrates_for_a_server_of_the_older_program_may_be_running(data: Path) -> None:
    keys, path = MasterKeys.load(data / "keyring"), data / "rolecall.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA - 1}")
    with pytest.raises(SchemaMismatch, match="`rolecall serve` migrates it"):
        SqliteStore(path, master_keys=keys, migrate=False)
    done = run("root", "rotate-key", "--data", data)
    assert (done.returncode, "`rolecall serve` migrates it" in done.stderr) == (2, True)


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rolecall.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def _newer(data: Path) -> None:
    with closing(sqlite3.connect(data / "rolecall.db")) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")


def _foreign(data: Path) -> None:
    (data / "rolecall.db").unlink()
    with closing(sqlite3.connect(data / "rolecall.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")


def _newer_trail(data: Path) -> None:
    with closing(sqlite3.connect(data / "trail.db")) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "of a newer program": (_newer, f"written by a newer version of this program (schema {SCHEMA + 1}"),
    "of another program": (_foreign, "is the database of another program"),
    "that is no database": (lambda data: (data / "rolecall.db").write_bytes(b"Dear diary" * 999), "is not a database"),
    "that is empty": (lambda data: os.truncate(data / "rolecall.db", 0), "is missing or empty, though"),
    "that is gone": (lambda data: (data / "rolecall.db").unlink(), "is missing or empty, though"),
    "whose keyring is gone": (lambda data: (data / "keyring").unlink(), "put the keyring file back"),
}


@pytest.mark.parametrize("store", REFUSED)
def test_a_folder_with_a_store_that_cannot_be_served_is_refused_and_left_alone(store: str, data: Path) -> None:
    spoil, said = REFUSED[store]
    spoil(data)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    done = run("serve", "--data", data, "--port", "0")
    assert done.returncode == 2
    assert said in done.stderr
    after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    passing = {data / "lock", data / "rolecall.db.lock"}
    assert {path: content for path, content in after.items() if path not in passing} == before


def test_a_trail_of_a_newer_program_is_refused_before_anything_is_served(data: Path) -> None:
    _newer_trail(data)
    done = run("serve", "--data", data, "--port", "0", "--workers", "1")
    assert done.returncode != 0
    assert "written by a newer version of this program" in done.stderr
