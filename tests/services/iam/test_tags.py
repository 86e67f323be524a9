from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused

Made = tuple[str, dict[str, str], bool]


def a_user(iam: Any) -> Made:
    iam.create_user(UserName="a")
    return "user", {"UserName": "a"}, True


def a_role(iam: Any) -> Made:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    return "role", {"RoleName": "a"}, True


def a_policy(iam: Any) -> Made:
    arn = iam.create_policy(PolicyName="a", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    return "policy", {"PolicyArn": arn}, False


def a_profile(iam: Any) -> Made:
    iam.create_instance_profile(InstanceProfileName="a")
    return "instance_profile", {"InstanceProfileName": "a"}, False


def a_device(iam: Any) -> Made:
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="a")["VirtualMFADevice"]
    return "mfa_device", {"SerialNumber": made["SerialNumber"]}, False


def a_provider(iam: Any) -> Made:
    arn = iam.create_open_id_connect_provider(Url="https://example.com")["OpenIDConnectProviderArn"]
    return "open_id_connect_provider", {"OpenIDConnectProviderArn": arn}, False


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


@pytest.mark.parametrize("make", [a_user, a_role, a_policy, a_profile, a_provider, a_device])
def test_tags_are_set_replaced_listed_and_taken_off(iam: Any, make: Callable[[Any], Made]) -> None:
    kind, named, folds = make(iam)
    tag, untag, list_tags = (getattr(iam, name) for name in (f"tag_{kind}", f"untag_{kind}", f"list_{kind}_tags"))
    tag(**named, Tags=tags(Team="red", b="1", c=""))
    tag(**named, Tags=tags(team="blue"))
    expected = tags(Team="blue", b="1", c="") if folds else tags(Team="red", b="1", c="", team="blue")
    assert list_tags(**named)["Tags"] == expected
    first = list_tags(**named, MaxItems=1)
    assert (first["Tags"], first["IsTruncated"]) == (expected[:1], True)
    assert list_tags(**named, Marker=first["Marker"])["Tags"] == expected[1:]
    untag(**named, TagKeys=["TEAM", "b", "absent"])
    assert list_tags(**named)["Tags"] == (tags(c="") if folds else tags(Team="red", c="", team="blue"))


@pytest.mark.parametrize("make", [a_user, a_role])
def test_keys_that_differ_in_case_alone_are_one_for_users_and_roles(iam: Any, make: Callable[[Any], Made]) -> None:
    kind, named, _ = make(iam)
    said = refused(getattr(iam, f"tag_{kind}"), **named, Tags=tags(a="1", A="2"))
    assert said == ("InvalidInput", 400, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")


def test_keys_of_aws_are_its_own(iam: Any) -> None:
    iam.create_user(UserName="a")
    for key in ("aws:x", "AWS:x"):
        assert refused(iam.tag_user, UserName="a", Tags=[{"Key": key, "Value": "v"}])[0] == "InvalidInput"


def test_fifty_tags_are_the_most(iam: Any) -> None:
    iam.create_user(UserName="a", Tags=tags(**{f"k{number}": "v" for number in range(50)}))
    assert refused(iam.tag_user, UserName="a", Tags=tags(other="v"))[:2] == ("LimitExceeded", 409)
    iam.tag_user(UserName="a", Tags=tags(k1="w"))
    assert {"Key": "k1", "Value": "w"} in iam.list_user_tags(UserName="a")["Tags"]


def test_creating_with_tags_needs_the_right_to_tag(account: ServedAccount) -> None:
    who = account.client(who=account.user("a", allow("iam:CreateUser")))
    who.create_user(UserName="b")
    text = refused(who.create_user, UserName="c", Tags=tags(k="v"))[2]
    assert "not authorized to perform: iam:TagUser on resource: arn:aws:iam::123456789012:user/c" in text
    assert refused(who.get_user, UserName="c")[0] == "AccessDenied"


def test_a_right_can_demand_tags_and_forbid_others(account: ServedAccount) -> None:
    condition = {
        "StringEquals": {"aws:RequestTag/Team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]},
    }
    who = account.client(who=account.user("a", allow(["iam:CreateUser", "iam:TagUser"], Condition=condition)))
    who.create_user(UserName="b", Tags=tags(Team="red"))
    for wrong in (tags(Team="blue"), tags(Team="red", Other="x")):
        assert refused(who.create_user, UserName="c", Tags=wrong)[0] == "AccessDenied"
    assert refused(who.create_user, UserName="c")[0] == "AccessDenied"


@pytest.mark.parametrize("key", ["aws:ResourceTag/team", "iam:ResourceTag/Team"])
def test_a_right_can_hang_on_the_tags_of_a_user(account: ServedAccount, iam: Any, key: str) -> None:
    who = account.client(who=account.user("a", allow("iam:DeleteUser", Condition={"StringEquals": {key: "red"}})))
    iam.create_user(UserName="red", Tags=tags(Team="red"))
    iam.create_user(UserName="blue", Tags=tags(Team="blue"))
    iam.create_user(UserName="none")
    who.delete_user(UserName="red")
    for name in ("blue", "none"):
        assert refused(who.delete_user, UserName=name)[0] == "AccessDenied"


def test_a_right_can_hang_on_the_tags_of_who_asks(account: ServedAccount, iam: Any) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}}
    key = account.user("a", allow("iam:GetUser", Condition=condition), Tags=tags(Team="red"))
    iam.create_user(UserName="mate", Tags=tags(Team="red"))
    iam.create_user(UserName="other", Tags=tags(Team="blue"))
    who = account.client(who=key)
    assert who.get_user(UserName="mate")
    assert refused(who.get_user, UserName="other")[0] == "AccessDenied"
    iam.tag_user(UserName="a", Tags=tags(team="blue"))
    assert who.get_user(UserName="other")
