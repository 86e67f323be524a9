"""Access keys, and the attacks that would make a key stronger than who made it."""

from __future__ import annotations

from typing import Any

from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused
from tests.serving import Credentials


def test_a_new_key_works_and_its_secret_is_told_once(account: ServedAccount, iam: Any) -> None:
    key = account.user("a", allow("iam:GetUser"))
    assert account.client(who=key).get_user()["User"]["UserName"] == "a"
    listed = iam.list_access_keys(UserName="a")["AccessKeyMetadata"]
    assert [entry["AccessKeyId"] for entry in listed] == [key.access_key_id]
    assert "SecretAccessKey" not in listed[0]


def test_a_user_has_two_keys_at_most(account: ServedAccount, iam: Any) -> None:
    account.user("a")
    iam.create_access_key(UserName="a")
    said = refused(iam.create_access_key, UserName="a")
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2")


def test_an_inactive_key_is_no_key_and_a_deleted_one_neither(account: ServedAccount, iam: Any) -> None:
    key = account.user("a", allow("iam:GetUser"))
    who = account.client(who=key)
    iam.update_access_key(UserName="a", AccessKeyId=key.access_key_id, Status="Inactive")
    dead = ("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
    assert refused(who.get_user) == dead
    iam.update_access_key(UserName="a", AccessKeyId=key.access_key_id, Status="Active")
    assert who.get_user()
    iam.delete_access_key(UserName="a", AccessKeyId=key.access_key_id)
    assert refused(who.get_user) == dead


def test_a_user_manages_its_own_keys_without_naming_itself(account: ServedAccount) -> None:
    key = account.user("a", allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/a"))
    who = account.client(who=key)
    made = who.create_access_key()["AccessKey"]
    assert made["UserName"] == "a"
    assert len(who.list_access_keys()["AccessKeyMetadata"]) == 2
    who.delete_access_key(AccessKeyId=made["AccessKeyId"])


def test_creating_a_key_for_somebody_else_needs_the_right_on_them(account: ServedAccount, iam: Any) -> None:
    """CVE-2022-24842: any user could create keys for root."""
    who = account.client(who=account.user("a", allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/a")))
    iam.create_user(UserName="admin")
    code, _, text = refused(who.create_access_key, UserName="admin")
    assert code == "AccessDenied"
    assert "iam:CreateAccessKey on resource: user admin because no identity-based policy" in text
    assert iam.list_access_keys(UserName="admin")["AccessKeyMetadata"] == []


def test_no_name_means_root_for_nobody_but_root(account: ServedAccount) -> None:
    """CVE-2022-24842."""
    who = account.client(who=account.user("a", allow("iam:CreateAccessKey")))
    assert who.create_access_key()["AccessKey"]["UserName"] == "a"
    for name in ("root", ACCOUNT):
        assert refused(who.create_access_key, UserName=name)[0] == "NoSuchEntity"


def test_a_key_is_changed_only_through_the_user_it_belongs_to(account: ServedAccount, iam: Any) -> None:
    """CVE-2024-24747: a key could be edited by naming something one has the right on."""
    mine = account.user("mine", allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/mine"))
    other = account.user("other", allow("iam:GetUser"))
    who = account.client(who=mine)
    text = f"The Access Key with id {other.access_key_id} cannot be found."
    for named in ({}, {"UserName": "mine"}):
        assert refused(who.delete_access_key, AccessKeyId=other.access_key_id, **named) == ("NoSuchEntity", 404, text)
        said = refused(who.update_access_key, AccessKeyId=other.access_key_id, Status="Inactive", **named)
        assert said == ("NoSuchEntity", 404, text)
    root_key = account.root.access_key_id
    assert refused(who.delete_access_key, AccessKeyId=root_key)[0] == "NoSuchEntity"
    assert account.client(who=other).get_user()


def test_a_session_policy_limits_what_its_session_may_do_to_its_own_account(account: ServedAccount, iam: Any) -> None:
    """CVE-2025-62506: a session policy did not count for calls about one's own account."""
    account.user("a", allow("sts:AssumeRole"))
    arn = iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="admin", PolicyName="p", PolicyDocument=document(allow("*")))
    key = iam.create_access_key(UserName="a")["AccessKey"]
    sts = account.client("sts", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    session = sts.assume_role(RoleArn=arn, RoleSessionName="session", Policy=document(allow("s3:GetObject")))
    limited = account.client(who=Credentials.of(session["Credentials"]))
    code, _, text = refused(limited.create_access_key, UserName="a")
    assert code == "AccessDenied"
    assert "because no session policy allows the iam:CreateAccessKey action" in text
    assert refused(limited.create_user, UserName="b")[0] == "AccessDenied"


def test_a_role_session_names_the_user_it_means(account: ServedAccount, iam: Any) -> None:
    arn = iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="admin", PolicyName="p", PolicyDocument=document(allow("*")))
    sts = account.client("sts", account.user("a", allow("sts:AssumeRole")))
    session = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    who = account.client(who=Credentials.of(session))
    said = ("ValidationError", 400, "Must specify userName when calling with non-User credentials")
    assert refused(who.get_user) == said
    assert refused(who.create_access_key) == said
    assert who.create_access_key(UserName="a")


def test_a_parameter_that_an_operation_does_not_have_is_never_applied(account: ServedAccount, iam: Any) -> None:
    """CVE-2021-43858: a policy slipped in beside one's own password."""
    key = account.user("a", allow(["iam:CreateAccessKey", "iam:GetUser"]))
    who = account.client(who=key)

    def slip_in(request: Any, **_: Any) -> None:
        request.data.update(
            {"PolicyDocument": document(allow("*")), "PolicyName": "p", "UserId": "x", "Status": "Inactive"}
        )

    who.meta.events.register(
        "request-created.iam.CreateAccessKey", lambda request, **_: slip_in(request), unique_id="x"
    )
    who.meta.events.unregister("request-created.iam.CreateAccessKey", unique_id="x")
    who.meta.events.register("before-sign.iam.CreateAccessKey", slip_in)
    made = who.create_access_key()["AccessKey"]
    assert made["Status"] == "Active"
    assert iam.list_user_policies(UserName="a")["PolicyNames"] == ["inline"]


def test_the_last_use_of_a_key_is_told_with_its_user(account: ServedAccount, iam: Any) -> None:
    key = account.user("a")
    answer = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    assert answer["UserName"] == "a"
    assert answer["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    said = refused(iam.get_access_key_last_used, AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
    assert said[0] == "NoSuchEntity"


def test_the_last_use_is_decided_on_the_user_of_the_key(account: ServedAccount) -> None:
    other = account.user("other")
    key = account.user("a", allow("iam:GetAccessKeyLastUsed", f"arn:aws:iam::{ACCOUNT}:user/a"))
    who = account.client(who=key)
    assert who.get_access_key_last_used(AccessKeyId=key.access_key_id)["UserName"] == "a"
    assert refused(who.get_access_key_last_used, AccessKeyId=other.access_key_id)[0] == "AccessDenied"
