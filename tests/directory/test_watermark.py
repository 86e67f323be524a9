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
    "user created": lambda tx: principals.create_user(tx, a_user("new")),
    "user changed": lambda tx: principals.update_user(tx, USER, msgspec.structs.replace(USER, tags={"a": "b"})),
    "user deleted": lambda tx: principals.delete_user(tx, USER),
    "role changed": lambda tx: principals.update_role(tx, ROLE, msgspec.structs.replace(ROLE, trust="{}")),
    "role deleted": lambda tx: principals.delete_role(tx, ROLE),
    "group joined": lambda tx: principals.add_member(tx, ACCOUNT, GROUP.group_id, USER.user_id),
    "policy attached": lambda tx: policies.attach(tx, ACCOUNT, USER.user_id, ARN),
    "policy detached": lambda tx: policies.detach(tx, ACCOUNT, ROLE.role_id, ARN),
    "inline policy put": lambda tx: policies.put_inline_policy(tx, ACCOUNT, USER.user_id, "p", "{}"),
    "inline policy deleted": lambda tx: policies.delete_inline_policy(tx, ACCOUNT, ROLE.role_id, "p"),
    "version put": lambda tx: policies.put_version(tx, POLICY, policies.Version(number=2, text="", created=NOW)),
    "default version set": lambda tx: policies.update_policy(
        tx, POLICY, msgspec.structs.replace(POLICY, default_version=2)
    ),
    "key created": lambda tx: credentials.create_access_key(
        tx, msgspec.structs.replace(KEY, access_key_id="AKIAPPPPPPPPPPPPPPPP"), "s"
    ),
    "key disabled": lambda tx: credentials.set_status(tx, KEY, "Inactive"),
    "key deleted": lambda tx: credentials.delete_access_key(tx, KEY),
    "session revoked": lambda tx: sessions.revoke(tx, b"0" * 16, NOW),
    "session keys rotated": lambda tx: sessions.rotate(tx, NOW),
    "account changed": lambda tx: put_account(
        tx, Account(account_id=ACCOUNT, created=NOW, canonical_id="a", alias="x")
    ),
}


@pytest.fixture
def world(directory: SqliteStore) -> SqliteStore:
    def lay_out(tx: Transaction) -> None:
        principals.create_user(tx, USER)
        principals.create_role(tx, ROLE)
        principals.create_group(tx, GROUP)
        policies.create_policy(tx, POLICY, "{}")
        policies.attach(tx, ACCOUNT, ROLE.role_id, ARN)
        policies.put_inline_policy(tx, ACCOUNT, ROLE.role_id, "p", "{}")
        credentials.create_access_key(tx, KEY, "secret")

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
    world.write_now(lambda tx: uses.note_use(tx, KEY.access_key_id, use))
    with world.view() as view:
        assert view.watermark() == before
        assert uses.last_use(view, KEY.access_key_id) == use
