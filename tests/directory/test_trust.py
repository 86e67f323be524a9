"""How stored policies name users and roles: AWS's rules for the Principal element."""

from __future__ import annotations

import msgspec
import pytest
from tests.directory.conftest import ACCOUNT, a_role, a_user

from rolecall.directory.principals import create_role, create_user, delete_user, update_user
from rolecall.directory.trust import resolve_principal, show_principal
from rolecall.store.sqlite import SqliteStore

ALICE = a_user("Alice", "/team/")
ROLE = a_role("Deploy")


@pytest.fixture
def world(directory: SqliteStore) -> SqliteStore:
    directory.write_now(lambda transaction: [create_user(transaction, ALICE), create_role(transaction, ROLE)])
    return directory


def resolved(store: SqliteStore, value: str, type_: str = "AWS") -> str | None:
    with store.view() as view:
        return resolve_principal(view, ACCOUNT, type_, value)


def shown(store: SqliteStore, value: str) -> str:
    with store.view() as view:
        return show_principal(view, value)


def test_users_and_roles_are_stored_by_their_ids(world: SqliteStore) -> None:
    assert resolved(world, ALICE.arn) == ALICE.user_id
    assert resolved(world, ROLE.arn) == ROLE.role_id


@pytest.mark.parametrize(
    "value",
    [
        "*",
        ACCOUNT,
        "999999999999",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/session",
        f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
    ],
)
def test_accounts_everybody_and_sessions_are_stored_as_written(world: SqliteStore, value: str) -> None:
    assert resolved(world, value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "alice",
        "1234",
        f"arn:aws:iam::{ACCOUNT}:user/nobody",
        f"arn:aws:iam::{ACCOUNT}:user/Alice",
        f"arn:aws:iam::{ACCOUNT}:user/team/alice",
        f"arn:aws:iam::{ACCOUNT}:user/*",
        f"arn:aws:iam::{ACCOUNT}:user/team/A*",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        f"arn:aws:iam::{ACCOUNT}:group/devs",
        f"arn:aws:iam:us-east-1:{ACCOUNT}:root",
        "arn:aws:iam::*:root",
        "arn:aws:iam::999999999999:role/Deploy",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/*",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy",
        f"arn:aws:s3::{ACCOUNT}:root",
        "AIDAAAAAAAAAAAAAAAAAA",
    ],
)
def test_what_does_not_exist_or_is_no_principal_is_refused(world: SqliteStore, value: str) -> None:
    assert resolved(world, value) is None


def test_services_are_stored_by_name_and_wildcards_are_none(world: SqliteStore) -> None:
    assert resolved(world, "ec2.amazonaws.com", "Service") == "ec2.amazonaws.com"
    assert resolved(world, "s3.ap-east-1.amazonaws.com", "Service") == "s3.ap-east-1.amazonaws.com"
    for wrong in ("*", "ec2", "ec2.example.com", "arn:aws:iam::1:root"):
        assert resolved(world, wrong, "Service") is None


def test_a_canonical_user_must_be_an_account_of_ours(world: SqliteStore) -> None:
    assert resolved(world, "ab" * 32, "CanonicalUser") == "ab" * 32
    assert resolved(world, "cd" * 32, "CanonicalUser") is None


def test_a_type_that_is_none_is_refused(world: SqliteStore) -> None:
    assert resolved(world, ALICE.arn, "aws") is None


def test_the_living_are_shown_by_their_present_arn(world: SqliteStore) -> None:
    assert shown(world, ALICE.user_id) == ALICE.arn
    moved = msgspec.structs.replace(ALICE, name="Alicia", path="/")
    world.write_now(lambda transaction: update_user(transaction, ALICE, moved))
    assert shown(world, ALICE.user_id) == f"arn:aws:iam::{ACCOUNT}:user/Alicia"
    assert shown(world, "ec2.amazonaws.com") == "ec2.amazonaws.com"


def test_the_dead_are_shown_by_their_id_which_nobody_inherits(world: SqliteStore) -> None:
    world.write_now(lambda transaction: delete_user(transaction, ALICE))
    world.write_now(lambda transaction: create_user(transaction, a_user("Alice", "/team/")))
    assert shown(world, ALICE.user_id) == ALICE.user_id
    assert resolved(world, ALICE.user_id) is None
    assert resolved(world, ALICE.arn) not in {None, ALICE.user_id}
