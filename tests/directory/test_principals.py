from __future__ import annotations

from itertools import islice

import msgspec
import pytest
from tests.directory.conftest import ACCOUNT, NOW, a_group, a_role, a_user

from rolecall.directory.principals import (
    USERS,
    InstanceProfile,
    add_member,
    add_role_to_profile,
    bounded_by,
    create_group,
    create_profile,
    create_role,
    create_user,
    delete_user,
    groups_of,
    members_of,
    profiles_of_role,
    remove_member,
    role_by_arn,
    roles_in_profile,
    update_user,
    user,
    user_by_arn,
    user_named,
)
from rolecall.directory.records import NameTaken, NotThere
from rolecall.store.sqlite import SqliteStore


def test_a_name_finds_its_entity_without_regard_to_case_and_keeps_the_case_it_was_given(directory: SqliteStore) -> None:
    alice = a_user("Alice", "/team/")
    directory.write_now(lambda transaction: create_user(transaction, alice))
    with directory.view() as view:
        assert user_named(view, ACCOUNT, "aLICE") == alice
        assert user(view, ACCOUNT, alice.user_id) == alice
        assert alice.arn == f"arn:aws:iam::{ACCOUNT}:user/team/Alice"


def test_a_name_that_differs_in_case_alone_is_taken(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_user(transaction, a_user("Alice")))
    with pytest.raises(NameTaken):
        directory.write_now(lambda transaction: create_user(transaction, a_user("ALICE")))
    with directory.view() as view:
        assert USERS.count(view, ACCOUNT) == 1


def test_accounts_do_not_share_names(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_user(transaction, a_user("alice")))
    directory.write_now(lambda transaction: create_user(transaction, a_user("alice", account="999999999999")))
    with directory.view() as view:
        assert [found.account for found in USERS.each(view, ACCOUNT)] == [ACCOUNT]


def test_a_rename_keeps_the_id_and_frees_the_old_name(directory: SqliteStore) -> None:
    old = a_user("alice")
    new = msgspec.structs.replace(old, name="Alicia", path="/x/")
    directory.write_now(lambda transaction: create_user(transaction, old))
    directory.write_now(lambda transaction: update_user(transaction, old, new))
    with directory.view() as view:
        assert user_named(view, ACCOUNT, "alice") is None
        assert user(view, ACCOUNT, old.user_id) == new
        assert user_by_arn(view, f"arn:aws:iam::{ACCOUNT}:user/x/Alicia") == new
        assert USERS.count(view, ACCOUNT) == 1


def test_a_rename_to_a_taken_name_changes_nothing(directory: SqliteStore) -> None:
    alice, bob = a_user("alice"), a_user("bob")
    directory.write_now(lambda transaction: [create_user(transaction, alice), create_user(transaction, bob)])
    with pytest.raises(NameTaken):
        directory.write_now(
            lambda transaction: update_user(transaction, alice, msgspec.structs.replace(alice, name="BOB"))
        )
    with directory.view() as view:
        assert user_named(view, ACCOUNT, "alice") == alice


def test_a_rename_that_changes_case_alone_is_a_rename(directory: SqliteStore) -> None:
    alice = a_user("alice")
    directory.write_now(lambda transaction: create_user(transaction, alice))
    directory.write_now(
        lambda transaction: update_user(transaction, alice, msgspec.structs.replace(alice, name="ALICE"))
    )
    with directory.view() as view:
        found = user_named(view, ACCOUNT, "alice")
    assert found is not None
    assert found.name == "ALICE"


def test_an_arn_finds_its_entity_only_in_the_stored_case_and_path(directory: SqliteStore) -> None:
    role = a_role("Deploy", "/ci/")
    directory.write_now(lambda transaction: create_role(transaction, role))
    with directory.view() as view:
        assert role_by_arn(view, role.arn) == role
        for wrong in ("role/ci/deploy", "role/Deploy", "role/CI/Deploy", "user/ci/Deploy", "role/ci/Deploy/"):
            assert role_by_arn(view, f"arn:aws:iam::{ACCOUNT}:{wrong}") is None
        assert role_by_arn(view, "nonsense") is None


def test_a_deleted_user_is_gone_and_its_successor_is_another(directory: SqliteStore) -> None:
    first, second = a_user("alice"), a_user("alice")
    directory.write_now(lambda transaction: create_user(transaction, first))
    directory.write_now(lambda transaction: delete_user(transaction, first))
    directory.write_now(lambda transaction: create_user(transaction, second))
    with directory.view() as view:
        assert user(view, ACCOUNT, first.user_id) is None
        assert first.user_id != second.user_id
    with pytest.raises(NotThere):
        directory.write_now(lambda transaction: delete_user(transaction, first))


def test_a_listing_is_in_the_order_of_names_and_goes_on_behind_any_name(directory: SqliteStore) -> None:
    names = [f"User{number:04d}" for number in range(600)]
    directory.write_now(
        lambda transaction: [
            create_user(transaction, a_user(name, "/a/" if name[-1] == "0" else "/b/")) for name in names
        ]
    )
    with directory.view() as view:
        assert [found.name for found in USERS.each(view, ACCOUNT)] == names
        assert [found.name for found in islice(USERS.each(view, ACCOUNT, "user0300"), 2)] == ["User0301", "User0302"]
        assert len(list(USERS.each(view, ACCOUNT, path_prefix="/a/"))) == 60
        assert [found.name for found in USERS.each(view, ACCOUNT, "User0590x", "/a/")] == []
        assert [found.name for found in USERS.each(view, ACCOUNT, "User05985")] == ["User0599"]


def test_a_name_that_begins_another_is_not_skipped(directory: SqliteStore) -> None:
    directory.write_now(
        lambda transaction: [create_user(transaction, a_user(name)) for name in ("bob", "bobby", "bob-b")]
    )
    with directory.view() as view:
        assert [found.name for found in USERS.each(view, ACCOUNT, "bob")] == ["bob-b", "bobby"]


def test_membership_is_seen_from_both_ends(directory: SqliteStore) -> None:
    alice, devs = a_user("alice"), a_group("devs")
    directory.write_now(lambda transaction: [create_user(transaction, alice), create_group(transaction, devs)])
    assert (
        directory.write_now(lambda transaction: add_member(transaction, ACCOUNT, devs.group_id, alice.user_id)) is True
    )
    assert (
        directory.write_now(lambda transaction: add_member(transaction, ACCOUNT, devs.group_id, alice.user_id)) is False
    )
    with directory.view() as view:
        assert groups_of(view, ACCOUNT, alice.user_id) == [devs]
        assert members_of(view, ACCOUNT, devs.group_id) == [alice]
    assert (
        directory.write_now(lambda transaction: remove_member(transaction, ACCOUNT, devs.group_id, alice.user_id))
        is True
    )
    assert (
        directory.write_now(lambda transaction: remove_member(transaction, ACCOUNT, devs.group_id, alice.user_id))
        is False
    )
    with directory.view() as view:
        assert groups_of(view, ACCOUNT, alice.user_id) == []


def test_a_profile_and_its_role_find_each_other(directory: SqliteStore) -> None:
    role = a_role("app")
    profile = InstanceProfile(account=ACCOUNT, name="app", created=NOW, profile_id="AIPA" + "A" * 17)
    directory.write_now(lambda transaction: [create_role(transaction, role), create_profile(transaction, profile)])
    directory.write_now(lambda transaction: add_role_to_profile(transaction, ACCOUNT, profile.profile_id, role.role_id))
    with directory.view() as view:
        assert roles_in_profile(view, ACCOUNT, profile.profile_id) == [role]
        assert profiles_of_role(view, ACCOUNT, role.role_id) == [profile]


def test_who_a_boundary_bounds_is_known_until_it_is_taken_away(directory: SqliteStore) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    free = a_user("alice")
    bound = msgspec.structs.replace(free, boundary=arn)
    directory.write_now(lambda transaction: create_user(transaction, bound))
    with directory.view() as view:
        assert bounded_by(view, ACCOUNT, arn) == [bound.user_id]
    directory.write_now(lambda transaction: update_user(transaction, bound, free))
    with directory.view() as view:
        assert bounded_by(view, ACCOUNT, arn) == []
    directory.write_now(lambda transaction: update_user(transaction, free, bound))
    directory.write_now(lambda transaction: delete_user(transaction, bound))
    with directory.view() as view:
        assert bounded_by(view, ACCOUNT, arn) == []
