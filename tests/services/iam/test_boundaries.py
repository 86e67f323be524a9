"""Permissions boundaries: what they limit, and the condition that guards delegation."""

from __future__ import annotations

from typing import Any

from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
POWER = "arn:aws:iam::aws:policy/PowerUserAccess"


def test_a_boundary_limits_and_grants_nothing(account: ServedAccount, iam: Any) -> None:
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("iam:List*")))["Policy"]["Arn"]
    who = account.client(who=account.user("a", allow(["iam:ListUsers", "iam:CreateUser"])))
    who.create_user(UserName="before")
    iam.put_user_permissions_boundary(UserName="a", PermissionsBoundary=edge)
    assert who.list_users()
    text = refused(who.create_user, UserName="after")[2]
    assert text.endswith("because no permissions boundary allows the iam:CreateUser action")
    assert refused(who.list_roles)[2].endswith("because no identity-based policy allows the iam:ListRoles action")
    iam.delete_user_permissions_boundary(UserName="a")
    who.create_user(UserName="after")


def test_a_boundary_is_shown_and_replaced(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=READ_ONLY)
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=POWER)
    assert iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == POWER
    assert iam.get_policy(PolicyArn=READ_ONLY)["Policy"]["PermissionsBoundaryUsageCount"] == 0
    iam.delete_role_permissions_boundary(RoleName="r")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="r")["Role"]


def test_a_boundary_must_be_a_policy_that_exists(iam: Any) -> None:
    iam.create_user(UserName="a")
    missing = f"arn:aws:iam::{ACCOUNT}:policy/none"
    said = ("NoSuchEntity", 404, f"Policy {missing} does not exist or is not attachable.")
    assert refused(iam.put_user_permissions_boundary, UserName="a", PermissionsBoundary=missing) == said
    assert refused(iam.create_user, UserName="b", PermissionsBoundary=missing) == said
    assert refused(iam.get_user, UserName="b")[0] == "NoSuchEntity"


def test_a_delegate_creates_only_users_with_the_boundary_it_must_set(account: ServedAccount) -> None:
    condition = {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}
    who = account.client(who=account.user("a", allow("iam:CreateUser", Condition=condition)))
    assert refused(who.create_user, UserName="free")[0] == "AccessDenied"
    assert refused(who.create_user, UserName="wide", PermissionsBoundary=POWER)[0] == "AccessDenied"
    who.create_user(UserName="bound", PermissionsBoundary=READ_ONLY)


def test_a_delegate_attaches_only_to_those_who_are_bound(account: ServedAccount, iam: Any) -> None:
    condition = {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}
    who = account.client(
        who=account.user(
            "a", allow(["iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy"], Condition=condition)
        )
    )
    iam.create_user(UserName="free")
    iam.create_user(UserName="bound", PermissionsBoundary=READ_ONLY)
    inline = {"PolicyName": "p", "PolicyDocument": document(allow("s3:*"))}
    who.attach_user_policy(UserName="bound", PolicyArn=POWER)
    who.put_user_policy(UserName="bound", **inline)
    who.delete_user_policy(UserName="bound", PolicyName="p")
    assert refused(who.attach_user_policy, UserName="free", PolicyArn=POWER)[0] == "AccessDenied"
    assert refused(who.put_user_policy, UserName="free", **inline)[0] == "AccessDenied"


def test_taking_a_boundary_away_is_decided_on_the_boundary_there_is(account: ServedAccount, iam: Any) -> None:
    condition = {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}
    who = account.client(who=account.user("a", allow("iam:DeleteUserPermissionsBoundary", Condition=condition)))
    iam.create_user(UserName="one", PermissionsBoundary=READ_ONLY)
    iam.create_user(UserName="two", PermissionsBoundary=POWER)
    who.delete_user_permissions_boundary(UserName="one")
    assert refused(who.delete_user_permissions_boundary, UserName="two")[0] == "AccessDenied"


def test_a_right_to_attach_can_name_the_policy(account: ServedAccount, iam: Any) -> None:
    condition = {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}
    who = account.client(
        who=account.user("a", allow(["iam:AttachUserPolicy", "iam:DetachUserPolicy"], Condition=condition))
    )
    iam.create_user(UserName="b")
    who.attach_user_policy(UserName="b", PolicyArn=READ_ONLY)
    who.detach_user_policy(UserName="b", PolicyArn=READ_ONLY)
    assert refused(who.attach_user_policy, UserName="b", PolicyArn=POWER)[0] == "AccessDenied"
