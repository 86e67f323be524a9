from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_an_account_has_one_alias(iam: Any) -> None:
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="one")
    said = refused(iam.create_account_alias, AccountAlias="one")
    assert said == ("EntityAlreadyExists", 409, "The account alias one already exists.")
    iam.create_account_alias(AccountAlias="two")
    assert iam.list_account_aliases()["AccountAliases"] == ["two"]
    assert refused(iam.delete_account_alias, AccountAlias="one")[0] == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="two")
    iam.create_account_alias(AccountAlias="one")


def test_a_password_policy_is_set_as_a_whole(iam: Any) -> None:
    text = f"The Password Policy with domain name {ACCOUNT} cannot be found."
    assert refused(iam.get_account_password_policy) == ("NoSuchEntity", 404, text)
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireNumbers=True, MaxPasswordAge=90)
    got = iam.get_account_password_policy()["PasswordPolicy"]
    assert (got["MinimumPasswordLength"], got["RequireNumbers"], got["ExpirePasswords"], got["MaxPasswordAge"]) == (
        12, True, True, 90,
    )  # fmt: skip
    iam.update_account_password_policy(RequireSymbols=True)
    got = iam.get_account_password_policy()["PasswordPolicy"]
    assert (got["MinimumPasswordLength"], got["RequireNumbers"], got["ExpirePasswords"]) == (6, False, False)
    assert "MaxPasswordAge" not in got
    iam.delete_account_password_policy()
    assert refused(iam.delete_account_password_policy) == ("NoSuchEntity", 404, text)


def test_the_summary_counts_what_there_is(iam: Any) -> None:
    before = iam.get_account_summary()["SummaryMap"]
    assert (before["Users"], before["AccountAccessKeysPresent"], before["UsersQuota"]) == (0, 1, 5000)
    iam.create_user(UserName="a")
    iam.create_user(UserName="b")
    iam.delete_user(UserName="b")
    iam.create_group(GroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("s3:*")))
    iam.create_instance_profile(InstanceProfileName="i")
    iam.create_open_id_connect_provider(Url="https://example.com")
    after = iam.get_account_summary()["SummaryMap"]
    counted = ("Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse", "InstanceProfiles", "Providers")
    assert [after[name] for name in counted] == [1, 1, 1, 1, 2, 1, 1]


@pytest.fixture
def populated(iam: Any) -> Any:
    iam.create_user(UserName="u", Path="/x/", Tags=[{"Key": "k", "Value": "v"}], PermissionsBoundary=READ_ONLY)
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="i", PolicyDocument=document(allow("s3:*")))
    iam.put_group_policy(GroupName="g", PolicyName="i", PolicyDocument=document(allow("s3:*")))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")), Description="d")["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("s3:GetObject")), SetAsDefault=True)
    iam.attach_group_policy(GroupName="g", PolicyArn=arn)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/x/u"}))
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    iam.create_instance_profile(InstanceProfileName="i")
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
    return iam


def test_authorization_details_tell_everybody_with_their_policies(populated: Any) -> None:
    said = populated.get_account_authorization_details()
    (user,) = said["UserDetailList"]
    assert (user["UserName"], user["GroupList"]) == ("u", ["g"])
    assert user["UserPolicyList"] == [{"PolicyName": "i", "PolicyDocument": json.loads(document(allow("s3:*")))}]
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert user["Tags"] == [{"Key": "k", "Value": "v"}]
    (group,) = said["GroupDetailList"]
    assert [policy["PolicyName"] for policy in group["GroupPolicyList"]] == ["i"]
    assert [policy["PolicyName"] for policy in group["AttachedManagedPolicies"]] == ["p"]
    (role,) = said["RoleDetailList"]
    trusted = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trusted == {"AWS": f"arn:aws:iam::{ACCOUNT}:user/x/u"}
    assert [profile["InstanceProfileName"] for profile in role["InstanceProfileList"]] == ["i"]
    policies = {policy["PolicyName"]: policy for policy in said["Policies"]}
    assert set(policies) == {"p", "ReadOnlyAccess", "PowerUserAccess"}
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in policies["p"]["PolicyVersionList"]] == [
        ("v2", True), ("v1", False),
    ]  # fmt: skip
    assert policies["p"]["PolicyVersionList"][0]["Document"] == json.loads(document(allow("s3:GetObject")))
    assert policies["ReadOnlyAccess"]["PermissionsBoundaryUsageCount"] == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["User"], (1, 0, 0, [])),
        (["Group", "Role"], (0, 1, 1, [])),
        (["LocalManagedPolicy"], (0, 0, 0, ["p"])),
        (["AWSManagedPolicy"], (0, 0, 0, ["PowerUserAccess", "ReadOnlyAccess"])),
    ],
)
def test_authorization_details_are_filtered(populated: Any, wanted: list[str], found: object) -> None:
    said = populated.get_account_authorization_details(Filter=wanted)
    lists = (len(said["UserDetailList"]), len(said["GroupDetailList"]), len(said["RoleDetailList"]))
    assert (*lists, [policy["PolicyName"] for policy in said["Policies"]]) == found


def test_authorization_details_page_by_page_are_the_whole_once(populated: Any) -> None:
    for number in range(3):
        populated.create_user(UserName=f"more{number}")
    whole = populated.get_account_authorization_details()
    members = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    collected: dict[str, list[Any]] = {member: [] for member in members}
    parameters: dict[str, Any] = {"MaxItems": 1}
    for _ in range(9):
        page = populated.get_account_authorization_details(**parameters)
        assert sum(len(page[member]) for member in members) == 1
        for member in members:
            collected[member] += page[member]
        if not page["IsTruncated"]:
            break
        parameters["Marker"] = page["Marker"]
    assert page["IsTruncated"] is False
    assert collected == {member: whole[member] for member in members}


def test_account_wide_calls_are_decided_on_everything(account: ServedAccount) -> None:
    narrow = account.client(who=account.user("a", allow("iam:*", f"arn:aws:iam::{ACCOUNT}:*")))
    wide = account.client(who=account.user("b", allow(["iam:GetAccount*", "iam:ListAccountAliases"])))
    for call in ("get_account_summary", "get_account_authorization_details", "list_account_aliases"):
        assert refused(getattr(narrow, call))[2].split(" because")[0].endswith("on resource: *")
        assert getattr(wide, call)()
