from __future__ import annotations

from datetime import timedelta

import pytest
from tests.directory.conftest import ACCOUNT, NOW

from rolecall.directory.credentials import (
    AccessKey,
    access_key,
    create_access_key,
    delete_access_key,
    keys_of,
    secret_of,
    set_status,
)
from rolecall.directory.records import NameTaken, NotThere
from rolecall.directory.uses import LastUse, last_use, note_use
from rolecall.store.sqlite import SqliteStore

KEY = AccessKey(access_key_id="AKIAQQQQQQQQQQQQQQQQ", account=ACCOUNT, user_id="AIDAX", created=NOW)
SECRET = "the/secret+of/the+key"


def test_a_key_is_found_by_its_id_and_lies_with_its_owner(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_access_key(transaction, KEY, SECRET))
    with directory.view() as view:
        assert access_key(view, KEY.access_key_id) == KEY
        assert secret_of(view, KEY.access_key_id) == SECRET
        assert keys_of(view, ACCOUNT, "AIDAX") == [KEY]
        assert keys_of(view, ACCOUNT, None) == []


def test_an_absent_secret_is_none_and_never_an_empty_one(directory: SqliteStore) -> None:
    """minio 4c71f1b4e: no stored key was taken for an accepted one."""
    with directory.view() as view:
        assert secret_of(view, KEY.access_key_id) is None


def test_a_secret_is_not_in_the_store_in_clear(directory: SqliteStore) -> None:
    """GHSA-r54g-49rx-98cr: credentials where they can be read."""
    directory.write_now(lambda transaction: create_access_key(transaction, KEY, SECRET))
    assert all(SECRET.encode() not in entry.value for entry in directory.long_scan(b""))


def test_a_key_id_is_given_once(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_access_key(transaction, KEY, SECRET))
    with pytest.raises(NameTaken):
        directory.write_now(lambda transaction: create_access_key(transaction, KEY, "another"))
    with directory.view() as view:
        assert secret_of(view, KEY.access_key_id) == SECRET


def test_a_deleted_key_leaves_nothing(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_access_key(transaction, KEY, SECRET))
    directory.write_now(
        lambda transaction: note_use(
            transaction, KEY.access_key_id, LastUse(date=NOW, service="iam", region="us-east-1")
        )
    )
    directory.write_now(lambda transaction: delete_access_key(transaction, KEY))
    with directory.view() as view:
        assert access_key(view, KEY.access_key_id) is None
        assert secret_of(view, KEY.access_key_id) is None
        assert keys_of(view, ACCOUNT, "AIDAX") == []
        assert last_use(view, KEY.access_key_id) is None
    with pytest.raises(NotThere):
        directory.write_now(lambda transaction: set_status(transaction, KEY, "Active"))


def test_the_latest_use_is_kept(directory: SqliteStore) -> None:
    late = LastUse(date=NOW, service="s3", region="us-east-1")
    early = LastUse(date=NOW - timedelta(hours=1), service="iam", region="us-east-1")
    directory.write_now(lambda transaction: create_access_key(transaction, KEY, SECRET))
    directory.write_now(lambda transaction: [note_use(transaction, KEY.access_key_id, use) for use in (late, early)])
    with directory.view() as view:
        assert last_use(view, KEY.access_key_id) == late


def test_the_use_of_a_deleted_key_is_not_written_down(directory: SqliteStore) -> None:
    use = LastUse(date=NOW, service="s3", region="us-east-1")
    directory.write_now(lambda transaction: note_use(transaction, "AKIAGONE", use))
    with directory.view() as view:
        assert last_use(view, "AKIAGONE") is None
