from __future__ import annotations

import msgspec
from tests.directory.conftest import ACCOUNT, NOW

from rolecall.directory.policies import (
    ManagedPolicy,
    Version,
    attach,
    attached_policies,
    attached_to,
    create_policy,
    default_version,
    delete_inline_policy,
    delete_policy,
    detach,
    inline_policies,
    inline_policy,
    managed_policy,
    put_inline_policy,
    put_version,
    update_policy,
    version,
    versions,
)
from rolecall.store.sqlite import SqliteStore

POLICY = ManagedPolicy(policy_id="ANPA" + "A" * 17, account=ACCOUNT, name="Read", path="/p/", created=NOW, updated=NOW)


def test_a_managed_policy_says_what_its_default_version_says(directory: SqliteStore) -> None:
    second = msgspec.structs.replace(POLICY, default_version=2, next_version=3)
    directory.write_now(lambda transaction: create_policy(transaction, POLICY, "one"))
    directory.write_now(
        lambda transaction: put_version(transaction, POLICY, Version(number=2, text="two", created=NOW))
    )
    with directory.view() as view:
        assert default_version(view, POLICY.arn) == Version(number=1, text="one", created=NOW)
    directory.write_now(lambda transaction: update_policy(transaction, POLICY, second))
    with directory.view() as view:
        assert default_version(view, POLICY.arn) == Version(number=2, text="two", created=NOW)
        assert [kept.number for kept in versions(view, POLICY)] == [1, 2]
        assert version(view, POLICY, 3) is None


def test_a_policy_is_found_by_exactly_its_arn(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_policy(transaction, POLICY, "one"))
    with directory.view() as view:
        assert managed_policy(view, POLICY.arn) == POLICY
        assert managed_policy(view, POLICY.arn.replace("/p/", "/")) is None
        assert managed_policy(view, POLICY.arn.lower()) is None
        assert managed_policy(view, POLICY.arn.replace(ACCOUNT, "999999999999")) is None


def test_a_deleted_policy_takes_its_versions_with_it(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: create_policy(transaction, POLICY, "one"))
    directory.write_now(lambda transaction: delete_policy(transaction, POLICY))
    with directory.view() as view:
        assert default_version(view, POLICY.arn) is None
        assert versions(view, POLICY) == []


def test_attachment_is_seen_from_both_ends(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: attach(transaction, ACCOUNT, "AIDAX", POLICY.arn))
    with directory.view() as view:
        assert attached_policies(view, ACCOUNT, "AIDAX") == [POLICY.arn]
        assert attached_to(view, ACCOUNT, POLICY.arn) == ["AIDAX"]
        assert attached_policies(view, ACCOUNT, "AIDA") == []
    assert directory.write_now(lambda transaction: detach(transaction, ACCOUNT, "AIDAX", POLICY.arn))
    assert not directory.write_now(lambda transaction: detach(transaction, ACCOUNT, "AIDAX", POLICY.arn))


def test_inline_policies_are_their_owners_alone(directory: SqliteStore) -> None:
    directory.write_now(lambda transaction: put_inline_policy(transaction, ACCOUNT, "AIDAX", "b", "two"))
    directory.write_now(lambda transaction: put_inline_policy(transaction, ACCOUNT, "AIDAX", "a", "one"))
    directory.write_now(lambda transaction: put_inline_policy(transaction, ACCOUNT, "AIDAXY", "a", "other"))
    with directory.view() as view:
        assert inline_policies(view, ACCOUNT, "AIDAX") == [("a", "one"), ("b", "two")]
        assert inline_policy(view, ACCOUNT, "AIDAXY", "a") == "other"
    assert directory.write_now(lambda transaction: delete_inline_policy(transaction, ACCOUNT, "AIDAX", "a"))
    assert not directory.write_now(lambda transaction: delete_inline_policy(transaction, ACCOUNT, "AIDAX", "a"))
