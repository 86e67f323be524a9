"""What must, and what must not, make every process forget what it looked up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.directory.conftest import ACCOUNT, NOW, a_group, a_role, a_user

from rolecall.directory import credentials, policies, principals, sessions, uses
from rolecall.directory.accounts import Account, put_account
from rolecall.store.interface import Transaction
from rolecall.store.sqlite import SqliteStore

USER, ROLE, GROUP = a_user("alice"), a_role("ops"), a_group("devs")
KEY = credentials.AccessKey(access_key_id="AKIAQQQQQQQQQQQQQQQQ", account=ACCOUNT, user_id=USER.user_id, created=NOW)
POLICY = policies.ManagedPolicy(policy_id="ANPAX", account=ACCOUNT, name="p", created=NOW, updated=NOW)
ARN = "arn:aws:iam::aws:policy/ReadOnlyAccess"

CHANGES: dict[str, Callable[[Transaction], object]] = {
    "user created": lambda transaction: principals.create_user(transaction, a_user("new")),
    "user changed": lambda transaction: principals.update_user(
        transaction, USER, msgspec.structs.replace(USER, tags={"a": "b"})
    ),
    "user deleted": lambda transaction: principals.delete_user(transaction, USER),
    "role changed": lambda transaction: principals.update_role(
        transaction, ROLE, msgspec.structs.replace(ROLE, trust="{}")
    ),
    "role deleted": lambda transaction: principals.delete_role(transaction, ROLE),
    "group joined": lambda transaction: principals.add_member(transaction, ACCOUNT, GROUP.group_id, USER.user_id),
    "policy attached": lambda transaction: policies.attach(transaction, ACCOUNT, USER.user_id, ARN),
    "policy detached": lambda transaction: policies.detach(transaction, ACCOUNT, ROLE.role_id, ARN),
    "inline policy put": lambda transaction: policies.put_inline_policy(transaction, ACCOUNT, USER.user_id, "p", "{}"),
    "inline policy deleted": lambda transaction: policies.delete_inline_policy(transaction, ACCOUNT, ROLE.role_id, "p"),
    "version put": lambda transaction: policies.put_version(
        transaction, POLICY, policies.Version(number=2, text="", created=NOW)
    ),
    "default version set": lambda transaction: policies.update_policy(
        transaction, POLICY, msgspec.structs.replace(POLICY, default_version=2)
    ),
    "key created": lambda transaction: credentials.create_access_key(
        transaction, msgspec.structs.replace(KEY, access_key_id="AKIAPPPPPPPPPPPPPPPP"), "s"
    ),
    "key disabled": lambda transaction: credentials.set_status(transaction, KEY, "Inactive"),
    "key deleted": lambda transaction: credentials.delete_access_key(transaction, KEY),
    "session revoked": lambda transaction: sessions.revoke(transaction, b"0" * 16, NOW),
    "session keys rotated": lambda transaction: sessions.rotate(transaction, NOW),
    "account changed": lambda transaction: put_account(
        transaction, Account(account_id=ACCOUNT, created=NOW, canonical_id="a", alias="x")
    ),
}


@pytest.fixture
def world(directory: SqliteStore) -> SqliteStore:
    def lay_out(transaction: Transaction) -> None:
        principals.create_user(transaction, USER)
        principals.create_role(transaction, ROLE)
        principals.create_group(transaction, GROUP)
        policies.create_policy(transaction, POLICY, "{}")
        policies.attach(transaction, ACCOUNT, ROLE.role_id, ARN)
        policies.put_inline_policy(transaction, ACCOUNT, ROLE.role_id, "p", "{}")
        credentials.create_access_key(transaction, KEY, "secret")

    directory.write_now(lay_out)
    return directory


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_of_identities_or_policies_advances_the_watermark(world: SqliteStore, change: str) -> None:
    with world.view() as view:
        before = view.watermark()
    world.write_now(CHANGES[change])
    with world.view() as view:
        assert view.watermark() != before


def test_noting_a_use_does_not(world: SqliteStore) -> None:
    with world.view() as view:
        before = view.watermark()
    use = uses.LastUse(date=NOW, service="s3", region="us-east-1")
    world.write_now(lambda transaction: uses.note_use(transaction, KEY.access_key_id, use))
    with world.view() as view:
        assert view.watermark() == before
        assert uses.last_use(view, KEY.access_key_id) == use
