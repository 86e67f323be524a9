"""Two accounts in one server: neither reaches into the other."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused
from tests.serving import Credentials

from rolecall.clock import SystemClock
from rolecall.directory.accounts import Account, put_account
from rolecall.directory.credentials import AccessKey, create_access_key
from rolecall.identifiers import new_access_key_id, new_secret_key

OTHER = "210987654321"


@pytest.fixture
def stranger(account: ServedAccount) -> Any:
    """The root user of another account."""
    now = SystemClock().now()
    key = AccessKey(access_key_id=new_access_key_id("AKIA", OTHER), account=OTHER, user_id=None, created=now)
    secret = new_secret_key()
    account.store.write_now(
        lambda transaction: [
            put_account(transaction, Account(account_id=OTHER, created=now, canonical_id="cd" * 32)),
            create_access_key(transaction, key, secret),
        ]
    )
    return account.client(who=Credentials(key.access_key_id, secret))


def test_a_new_credential_belongs_to_the_account_of_who_asks(account: ServedAccount, iam: Any, stranger: Any) -> None:
    """CVE-2026-43001: a credential was made for a scope that its maker was not in."""
    account.user("alice")
    assert refused(stranger.create_access_key, UserName="alice")[0] == "NoSuchEntity"
    stranger.create_user(UserName="alice")
    made = stranger.create_access_key(UserName="alice")["AccessKey"]
    assert stranger.get_user(UserName="alice")["User"]["Arn"] == f"arn:aws:iam::{OTHER}:user/alice"
    assert len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 1
    own_root = stranger.create_access_key()["AccessKey"]
    assert "UserName" not in own_root
    assert {made["AccessKeyId"], own_root["AccessKeyId"]}.isdisjoint({account.root.access_key_id})


def test_keys_of_another_account_are_nobodys(account: ServedAccount, stranger: Any) -> None:
    key = account.user("alice", allow("iam:GetUser"))
    stranger.create_user(UserName="alice")
    for access_key_id in (key.access_key_id, account.root.access_key_id):
        assert refused(stranger.get_access_key_last_used, AccessKeyId=access_key_id)[0] == "NoSuchEntity"
        assert refused(stranger.delete_access_key, AccessKeyId=access_key_id)[0] == "NoSuchEntity"
        said = refused(stranger.update_access_key, UserName="alice", AccessKeyId=access_key_id, Status="Inactive")
        assert said[0] == "NoSuchEntity"
    assert account.client(who=key).get_user()


def test_listings_and_details_are_of_ones_own_account(account: ServedAccount, iam: Any, stranger: Any) -> None:
    account.user("alice")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    assert stranger.list_users()["Users"] == []
    assert stranger.list_roles()["Roles"] == []
    details = stranger.get_account_authorization_details()
    assert (details["UserDetailList"], details["RoleDetailList"]) == ([], [])
    assert stranger.get_account_summary()["SummaryMap"]["Users"] == 0


def test_an_alias_is_had_once_in_the_world(iam: Any, stranger: Any) -> None:
    iam.create_account_alias(AccountAlias="mine")
    assert refused(stranger.create_account_alias, AccountAlias="mine")[0] == "EntityAlreadyExists"
    iam.delete_account_alias(AccountAlias="mine")
    stranger.create_account_alias(AccountAlias="mine")


def test_a_role_of_another_account_can_be_trusted_by_its_arn(account: ServedAccount, iam: Any, stranger: Any) -> None:
    arn = stranger.create_user(UserName="bob")["User"]["Arn"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))
    shown = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert shown == {"AWS": arn}


@pytest.mark.parametrize("call", ["get_policy", "delete_policy", "list_policy_versions", "list_entities_for_policy"])
def test_policies_of_another_account_are_out_of_reach(iam: Any, stranger: Any, call: str) -> None:
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    assert refused(getattr(stranger, call), PolicyArn=arn)[0] == "AccessDenied"
    stranger.create_user(UserName="a")
    assert refused(stranger.attach_user_policy, UserName="a", PolicyArn=arn)[0] == "NoSuchEntity"


def test_devices_of_another_account_are_out_of_reach(iam: Any, stranger: Any) -> None:
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="d")["VirtualMFADevice"]["SerialNumber"]
    assert refused(stranger.delete_virtual_mfa_device, SerialNumber=serial)[0] == "AccessDenied"
    stranger.create_user(UserName="a")
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}
    assert refused(stranger.enable_mfa_device, UserName="a", SerialNumber=serial, **codes)[0] == "NoSuchEntity"
