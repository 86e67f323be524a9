"""`rolecall doctor` names each kind of damage, says what it means, and calls nothing damaged that is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.app.filling import BUCKET, LARGE, fill
from tests.serving import ACCOUNT, serving

from rolecall import cli
from rolecall.buckets.versions import decode_version
from rolecall.directory.policies import attach
from rolecall.directory.principals import role_named, user_named
from rolecall.store.interface import Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.upkeep.identities import KINDS
from rolecall.upkeep.records import STORE, TRAIL


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds something of every kind, with no server on it."""
    data = tmp_path_factory.mktemp("sound") / "data"
    with serving(data, "--account", ACCOUNT, "--tutorial", workers=1) as server:
        fill(server)
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(sound, tmp_path / "data")
    (tmp_path / "data").chmod(0o700)
    return tmp_path / "data"


def examine(data: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Run doctor in this process and return its exit code and what it told."""
    capsys.readouterr()
    code = cli.main(["doctor", "--data", str(data), "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def change(data: Path, work: Callable[[Transaction], object]) -> None:
    """Change the store behind the server's back."""
    keys = MasterKeys.load(data / "keyring")
    with closing(SqliteStore(data / "rolecall.db", master_keys=keys, sync=False)) as store:
        store.write_now(work)
        store.new_epoch()  # all copies were at the same mark, and this process remembers by it


def blob_of(data: Path, key: str) -> Path:
    keys = MasterKeys.load(data / "keyring")
    with closing(SqliteStore(data / "rolecall.db", master_keys=keys, sync=False)) as store, store.view() as view:
        value = view.get(pack("current", BUCKET, key))
        assert value is not None
        segment = decode_version(value).segments[0]
        assert not segment.inline
        return data / "objects" / segment.source[:2] / segment.source


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def drop(kind: str) -> Callable[[Path], None]:
    """Return what removes the first record of a kind."""

    def spoil(data: Path) -> None:
        change(data, lambda transaction: transaction.delete(transaction.scan(pack(kind), limit=1)[0].key))

    return spoil


def put(*parts: str | int, value: bytes = b"") -> Callable[[Path], None]:
    return lambda data: change(data, lambda transaction: transaction.put(pack(*parts), value))


def garble(kind: str) -> Callable[[Path], None]:
    def work(transaction: Transaction) -> None:
        transaction.put(transaction.scan(pack(kind), limit=1)[0].key, b"\xc1garbled")

    return lambda data: change(data, work)


def swap_secrets(data: Path) -> None:
    """Lay one access key's secret under another's name."""

    def work(transaction: Transaction) -> None:
        one, other = transaction.scan(pack("access-key-secret"), limit=2)
        transaction.put(other.key, one.value)

    change(data, work)


def _retell(key: str, **changes: object) -> Callable[[Path], None]:
    """Return what changes an object's record."""

    def work(transaction: Transaction) -> None:
        place = pack("current", BUCKET, key)
        value = transaction.get(place)
        assert value is not None
        changed = msgspec.structs.replace(decode_version(value), **changes)
        transaction.put(place, msgspec.msgpack.encode(changed))

    return lambda data: change(data, work)


def _unreadable_trust(transaction: Transaction) -> None:
    found = role_named(transaction, ACCOUNT, "S3_Full_Access")
    assert found is not None
    key = pack("iam", ACCOUNT, "role", found.role_id)
    transaction.put(key, msgspec.msgpack.encode(msgspec.structs.replace(found, trust='{"Statement": [')))


def _attach_nothing(transaction: Transaction) -> None:
    found = user_named(transaction, ACCOUNT, "aws_cli_test")
    assert found is not None
    attach(transaction, ACCOUNT, found.user_id, f"arn:aws:iam::{ACCOUNT}:policy/gone")


def _doom(data: Path) -> None:
    blob = blob_of(data, "large").name
    put("garbage", 1, "x", value=msgspec.msgpack.encode([blob]))(data)


def _share(data: Path) -> None:
    def work(transaction: Transaction) -> None:
        value = transaction.get(pack("current", BUCKET, "large"))
        assert value is not None
        twin = msgspec.structs.replace(decode_version(value), key="twin")
        transaction.put(pack("current", BUCKET, "twin"), msgspec.msgpack.encode(twin))

    change(data, work)


def _cut_database(data: Path) -> None:
    os.truncate(data / "rolecall.db", (data / "rolecall.db").stat().st_size // 2)


def _reset_sequence(data: Path) -> None:
    with closing(sqlite3.connect(data / "rolecall.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = 3 WHERE name = 'sequence'")


def _garble_pages(data: Path) -> None:
    with (data / "rolecall.db").open("r+b") as file:
        file.seek(2 * 4096)
        file.write(os.urandom(2 * 4096))


def _other_keyring(data: Path) -> None:
    (data / "keyring").unlink()
    MasterKeys.create(data / "keyring")


def _change_trail(data: Path) -> None:
    keys = MasterKeys.load(data / "keyring")
    with closing(SqliteStore(data / "trail.db", master_keys=keys, sync=False)) as store:
        store.write_now(lambda transaction: transaction.put(transaction.scan(pack("segment"), limit=1)[0].key, b"x"))


DAMAGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a blob that is gone": (lambda data: blob_of(data, "large").unlink(), "bytes-missing", "current/examined/large"),
    "a blob that was cut": (lambda data: os.truncate(blob_of(data, "large"), 7), "bytes-cut", "7 of 200000 bytes"),
    "a blob that was emptied": (lambda data: os.truncate(blob_of(data, "large"), 0), "bytes-cut", "0 of 200000"),
    "a blob with a flipped bit": (lambda data: flip(blob_of(data, "large")), "bytes-changed", "examined/large"),
    "a part with a flipped bit": (lambda data: flip(blob_of(data, "parts")), "bytes-changed", "examined/parts"),
    "small bytes that are gone": (drop("data"), "bytes-missing", f"{BUCKET}/"),
    "small bytes that were changed": (garble("data"), "bytes-cut", f"{BUCKET}/"),
    "a file listed for removal that is named": (_doom, "bytes-doomed", "examined/large"),
    "a file that two objects name": (_share, "bytes-doomed", "examined/twin"),
    "an object whose record is garbled": (garble("current"), "record-unreadable", f"current/{BUCKET}"),
    "a user whose record is garbled": (garble("iam"), "record-unreadable", f"iam/{ACCOUNT}"),
    "an object's current version that is gone": (drop("current"), "version-order", "without a current one"),
    "a current version older than another": (_retell("small", sequence=1), "version-order", f"{BUCKET}/small"),
    "a null version that is not there": (_retell("small", older_null=5), "version-order", "its null version"),
    "a size that is not the parts'": (_retell("large", size=9), "object-size", f"{BUCKET}/large"),
    "a bucket that is gone": (
        lambda data: change(data, lambda t: t.delete(pack("bucket", BUCKET))),
        "bucket-missing",
        BUCKET,
    ),
    "parts of no upload": (drop("upload"), "index-dangling", "parts of the upload"),
    "a name that leads nowhere": (put("iam-name", ACCOUNT, "user", "x", value=b"AIDAX /"), "index-dangling", "user/x"),
    "a user without its name": (
        lambda data: change(data, lambda t: t.delete(pack("iam-name", ACCOUNT, "user", "bounded"))),
        "index-missing",
        "user/bounded",
    ),
    "half a membership": (drop("iam-group-of"), "index-missing", "iam-member"),
    "the other half": (drop("iam-member"), "index-dangling", "iam-group-of"),
    "an attachment of a missing policy": (lambda data: change(data, _attach_nothing), "policy-missing", "policy/gone"),
    "a trust policy that is cut": (
        lambda data: change(data, _unreadable_trust),
        "policy-unreadable",
        "role/S3_Full_Access",
    ),
    "an inline policy that is none": (
        put("iam-inline", ACCOUNT, "AIDAX", "p", value=b"{}"),
        "policy-unreadable",
        "p of",
    ),
    "policy versions that are gone": (drop("iam-version"), "count-wrong", "policy-version"),
    "a count that is wrong": (put("iam-count", ACCOUNT, "user", value=bytes(8)), "count-wrong", "user of account"),
    "a secret under another key's name": (swap_secrets, "secret-sealed", "access-key-secret/"),
    "an access key without its secret": (drop("access-key-secret"), "secret-missing", "access key AKIA"),
    "a session key that is gone": (drop("session-key"), "session-keys", "missing"),
    "a keyring of another folder": (_other_keyring, "keyring", "does not belong to this store"),
    "a keyring that is gone": (lambda data: (data / "keyring").unlink(), "keyring", "cannot be read"),
    "a keyring that others may read": (lambda data: (data / "keyring").chmod(0o644), "permissions", "chmod 600"),
    "a folder that others may read": (lambda data: data.chmod(0o755), "permissions", "chmod 700"),
    "pages of the database that are garbled": (_garble_pages, "store-damaged", "rolecall.db"),
    "a change's number that is behind": (_reset_sequence, "store-damaged", "would be given twice"),
    "half a database": (_cut_database, "store-refused", "its file is damaged"),
    "no database": (lambda data: (data / "rolecall.db").unlink(), "store-refused", "is missing"),
    "an empty database": (lambda data: os.truncate(data / "rolecall.db", 0), "store-refused", "is empty"),
    "what is no database": (
        lambda data: (data / "rolecall.db").write_bytes(b"Dear diary" * 999),
        "store-refused",
        "not a database",
    ),
    "a stranger among the blobs": (lambda data: (data / "objects" / "notes.txt").touch(), "stranger", "notes.txt"),
    "a trail whose segment is garbled": (
        _change_trail,
        "record-unreadable",
        "segment",
    ),
}


def _files_of(data: Path) -> dict[Path, bytes]:
    """Return what is in a folder, without what is empty and what SQLite shares between its readers."""
    found = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and "-shm" not in path.name}
    return {path: content for path, content in found.items() if content}


def test_a_folder_with_something_of_every_kind_is_sound(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _files_of(data)
    code, told = examine(data, capsys)
    assert (code, told["sound"], told["findings"]) == (0, True, [])
    assert told["looked_at"]["bytes of objects"] > 5 << 20
    assert _files_of(data) == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_where_what_it_means_and_what_to_do(
    damage: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, check, said = DAMAGES[damage]
    spoil(data)
    code, told = examine(data, capsys)
    assert (code, told["sound"]) == (1, False)
    named = [finding for finding in told["findings"] if finding["check"] == check]
    assert any(said in finding["at"] for finding in named), told["findings"]
    assert all(finding["means"] and finding["do"] for finding in told["findings"])


def test_every_kind_of_record_that_the_program_writes_is_examined() -> None:
    """Who adds a kind says in rolecall/upkeep what makes a record of it sound."""
    source = Path(cli.__file__).parent
    text = "".join(path.read_text() for path in source.rglob("*.py") if "upkeep" not in path.parts)
    words = set(re.findall(r'(?:pack|open_ended)\("([a-z-]+)"', text))
    for one, other in re.findall(r'Relation\("([a-z-]+)", "([a-z-]+)"\)', text):
        words |= {one, other}
    words |= set(re.findall(r'Drawer\("([a-z-]+)"', text))
    assert words - STORE.keys() - TRAIL.keys() == set()
    assert set(re.findall(r'Kind\("([a-z-]+)"', text)) == KINDS.keys()


def test_the_table_says_the_same_in_words(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(blob_of(data, "large"))
    capsys.readouterr()
    assert cli.main(["doctor", "--data", str(data)]) == 1
    shown = capsys.readouterr().out
    for words in ("bytes-changed (1)", f"current/{BUCKET}/large", "their MD5 is not the ETag", "is not sound"):
        assert words in shown
    assert cli.main(["doctor", "--data", str(data), "--quick"]) == 0


def test_no_secret_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swap_secrets(data)
    _, told = examine(data, capsys)
    secret = (data / "root-credentials").read_text().split("aws_secret_access_key = ")[1].split()[0]
    assert secret not in json.dumps(told)


def test_a_folder_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--data", str(tmp_path / "nothing")]) == 2
    assert "is not a data folder" in capsys.readouterr().err


def _leave_behind(data: Path, age: timedelta) -> list[Path]:
    """Leave what crashes leave: a blob without a record, one half written, and small bytes without a record."""
    blob = "ab" + "0" * 30
    left = [data / "objects" / "ab" / blob, data / "objects" / "incoming" / blob]
    moment = datetime.now(UTC) - age
    for path in left:
        path.write_bytes(b"left behind")
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    source = f"{int(moment.timestamp() * 1_000_000):015x}{'0' * 16}"
    put("data", source, value=b"left behind")(data)
    return left


def test_old_left_overs_are_named_and_removed_where_asked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = _leave_behind(data, timedelta(days=2))
    code, told = examine(data, capsys)
    assert (code, [finding["check"] for finding in told["findings"]]) == (1, ["orphan"] * 3)
    code, told = examine(data, capsys, "--repair")
    assert (code, told["repaired"], told["findings"]) == (0, 3, [])
    assert not any(path.exists() for path in left)
    assert examine(data, capsys)[0] == 0


def test_young_left_overs_may_be_on_their_way_and_stay(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = _leave_behind(data, timedelta(hours=1))
    code, told = examine(data, capsys, "--repair")
    assert (code, told["repaired"]) == (0, 0)
    assert {finding["check"] for finding in told["findings"]} == {"orphan-young"}
    assert all(path.exists() for path in left)


def test_repair_removes_nothing_else(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(data, _attach_nothing)
    flip(blob_of(data, "large"))
    _, before = examine(data, capsys)
    code, after = examine(data, capsys, "--repair")
    assert (code, after["findings"]) == (1, before["findings"])


def test_a_time_that_has_not_come_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    _retell("small", modified=ahead)(data)
    code, told = examine(data, capsys)
    assert (code, [finding["check"] for finding in told["findings"]]) == (1, ["clock"])


def test_the_doctor_looks_in_beside_a_server_that_works(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--tutorial") as server:
        fill(server)
        s3 = server.client("s3")
        command = [sys.executable, "-m", "rolecall.cli", "doctor", "--data", str(server.data), "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while process.poll() is None:
            for size in (100, LARGE):
                s3.put_object(Bucket=BUCKET, Key="busy", Body=os.urandom(size))
            s3.delete_object(Bucket=BUCKET, Key="busy")
            time.sleep(0.01)
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
        assert process.returncode == 0, told
        assert not [finding for finding in told["findings"] if finding["severity"] != "note"]
