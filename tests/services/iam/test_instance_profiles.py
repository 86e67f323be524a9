from __future__ import annotations

from typing import Any

from tests.services.iam.account import ACCOUNT, ServedAccount, allow, trust
from tests.services.iam.refused import refused

EC2 = trust({"Service": "ec2.amazonaws.com"})


def test_a_profile_holds_one_role(iam: Any) -> None:
    made = iam.create_instance_profile(InstanceProfileName="P", Path="/x/")["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/x/P"
    assert made["InstanceProfileId"].startswith("AIPA")
    assert made["Roles"] == []
    for name in ("r", "s"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2)
    iam.add_role_to_instance_profile(InstanceProfileName="P", RoleName="r")
    said = refused(iam.add_role_to_instance_profile, InstanceProfileName="P", RoleName="s")
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    shown = iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert [role["RoleName"] for role in shown["Roles"]] == ["r"]
    listed = iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]
    assert [profile["InstanceProfileName"] for profile in listed] == ["P"]
    assert iam.list_instance_profiles(PathPrefix="/x/")["InstanceProfiles"] == listed


def test_a_profile_with_a_role_is_not_deleted(iam: Any) -> None:
    iam.create_instance_profile(InstanceProfileName="p")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    said = refused(iam.delete_instance_profile, InstanceProfileName="p")
    assert said == ("DeleteConflict", 409, "Cannot delete entity, must remove roles from instance profile first.")
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    iam.delete_instance_profile(InstanceProfileName="p")
    said = refused(iam.get_instance_profile, InstanceProfileName="p")
    assert said == ("NoSuchEntity", 404, "Instance Profile p cannot be found.")


def test_a_name_is_taken_whatever_its_case(iam: Any) -> None:
    iam.create_instance_profile(InstanceProfileName="p")
    said = refused(iam.create_instance_profile, InstanceProfileName="P")
    assert said == ("EntityAlreadyExists", 409, "Instance Profile P already exists.")


def test_putting_a_role_into_a_profile_needs_the_right_to_pass_it(account: ServedAccount, iam: Any) -> None:
    """A user who could hand any role to a machine would have that role's rights."""
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)["Role"]["Arn"]
    iam.create_instance_profile(InstanceProfileName="p")
    named = {"InstanceProfileName": "p", "RoleName": "r"}
    profile_only = account.client(who=account.user("a", allow("iam:AddRoleToInstanceProfile")))
    text = refused(profile_only.add_role_to_instance_profile, **named)[2]
    assert f"not authorized to perform: iam:PassRole on resource: {role} because" in text
    to_lambda = allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})
    wrong = account.client(who=account.user("b", allow("iam:AddRoleToInstanceProfile"), to_lambda))
    assert refused(wrong.add_role_to_instance_profile, **named)[0] == "AccessDenied"
    to_ec2 = allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
    account.client(who=account.user("c", allow("iam:AddRoleToInstanceProfile"), to_ec2)).add_role_to_instance_profile(
        **named
    )
