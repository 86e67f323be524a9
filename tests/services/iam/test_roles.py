from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused
from tests.serving import Credentials

EC2 = trust({"Service": "ec2.amazonaws.com"})


def test_a_role_is_shown_as_it_was_created(iam: Any) -> None:
    made = iam.create_role(
        RoleName="Deploy",
        Path="/ci/",
        AssumeRolePolicyDocument=EC2,
        Description="deploys",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "b"}],
        PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess",
    )["Role"]
    assert made["RoleId"].startswith("AROA")
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/ci/Deploy"
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert made["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess",
    }
    assert iam.get_role(RoleName="deploy")["Role"] == made
    listed = iam.list_roles(PathPrefix="/ci/")["Roles"][0]
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & set(listed)


def test_a_trust_policy_shows_the_arn_of_the_living_and_the_id_of_the_dead(iam: Any) -> None:
    user_id = iam.create_user(UserName="alice")["User"]["UserId"]
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"

    def shown() -> str:
        role = iam.get_role(RoleName="r")["Role"]
        return str(role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"])

    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))
    assert shown() == arn
    iam.update_user(UserName="alice", NewUserName="alicia")
    assert shown() == f"arn:aws:iam::{ACCOUNT}:user/alicia"
    iam.delete_user(UserName="alicia")
    iam.create_user(UserName="alice")
    assert shown() == user_id


def test_trust_in_a_deleted_user_does_not_pass_to_its_namesake(account: ServedAccount, iam: Any) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"

    def assume(key: Credentials) -> Any:
        sts = account.client("sts", key)
        return sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="session")

    first = account.user("alice")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))
    assert assume(first)["AssumedRoleUser"]["Arn"].endswith("assumed-role/r/session")
    iam.delete_access_key(UserName="alice", AccessKeyId=first.access_key_id)
    iam.delete_user(UserName="alice")
    second = account.user("alice")
    with pytest.raises(iam.exceptions.ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(second)
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"AWS": arn}))
    assert assume(second)


@pytest.mark.parametrize(
    ("principal", "text"),
    [
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:role/x"'),
        ({"AWS": "AIDAAAAAAAAAAAAAAAAAA"}, '"AWS":"AIDAAAAAAAAAAAAAAAAAA"'),
        ({"AWS": [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/*"]}, f'"AWS":"arn:aws:iam::{ACCOUNT}:user/*"'),
        ({"Service": "x"}, '"SERVICE":"x"'),
    ],
)
def test_a_principal_that_does_not_exist_is_refused(iam: Any, principal: dict[str, str], text: str) -> None:
    said = refused(iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust(principal))
    assert said == ("MalformedPolicyDocument", 400, f"Invalid principal in policy: {text}")


def test_a_dead_id_is_not_saved_again(iam: Any) -> None:
    user_id = iam.create_user(UserName="alice")["User"]["UserId"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}))
    iam.delete_user(UserName="alice")
    said = refused(iam.update_assume_role_policy, RoleName="r", PolicyDocument=trust({"AWS": user_id}))
    assert said == ("MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{user_id}"')


def test_a_trust_policy_is_measured(iam: Any) -> None:
    long = trust({"Service": "ec2.amazonaws.com"}, Condition={"StringEquals": {"aws:username": ["x" * 40] * 60}})
    said = refused(iam.create_role, RoleName="r", AssumeRolePolicyDocument=long)
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for ACLSizePerRole: 2048")


def test_what_a_trust_policy_says_beyond_principals_stays_as_written(iam: Any) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "é 1"}, "Bool": {"aws:MultiFactorAuthPresent": True}}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}, Condition=condition))
    statement = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Condition"] == condition
    assert statement["Principal"] == {"AWS": ACCOUNT}


def test_a_role_is_updated_in_what_is_said_alone(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2, Description="one", MaxSessionDuration=7200)
    iam.update_role(RoleName="r", Description="two")
    assert iam.get_role(RoleName="r")["Role"]["MaxSessionDuration"] == 7200
    iam.update_role(RoleName="r", MaxSessionDuration=3600)
    assert iam.get_role(RoleName="r")["Role"]["Description"] == "two"
    assert iam.update_role_description(RoleName="r", Description="three")["Role"]["Description"] == "three"


def test_a_role_is_deleted_only_when_nothing_hangs_on_it(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=EC2)
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    said = [refused(iam.delete_role, RoleName="r")[2]]
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    said.append(refused(iam.delete_role, RoleName="r")[2])
    iam.detach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    said.append(refused(iam.delete_role, RoleName="r")[2])
    iam.delete_role_policy(RoleName="r", PolicyName="p")
    iam.delete_role(RoleName="r")
    assert said == [
        "Cannot delete entity, must remove roles from instance profile first.",
        "Cannot delete entity, must detach all policies first.",
        "Cannot delete entity, must delete policies first.",
    ]


def test_nobody_makes_a_role_where_service_linked_ones_live(iam: Any) -> None:
    """A role below that path would escape service control policies and be changeable by nobody."""
    for path in ("/aws-service-role/", "/aws-service-role/ec2.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/"):
        assert refused(iam.create_role, RoleName="r", Path=path, AssumeRolePolicyDocument=EC2)[0] == "InvalidInput"


def test_a_service_linked_role_is_changed_by_nobody(iam: Any) -> None:
    made = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com", Description="d")["Role"]
    name = "AWSServiceRoleForECS"
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/{name}"
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonECSServiceRolePolicy"]
    text = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for call, more in (
        (iam.delete_role, {}),
        (iam.update_assume_role_policy, {"PolicyDocument": EC2}),
        (iam.attach_role_policy, {"PolicyArn": arn}),
        (iam.detach_role_policy, {"PolicyArn": arn}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": document(allow("s3:*"))}),
        (iam.delete_role_policy, {"PolicyName": "p"}),
        (iam.put_role_permissions_boundary, {"PermissionsBoundary": arn}),
        (iam.delete_role_permissions_boundary, {}),
    ):
        assert refused(call, RoleName=name, **more) == ("UnmodifiableEntity", 400, text)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=name)[0] == "NoSuchEntity"


def test_a_service_linked_role_has_a_suffix_only_where_its_service_takes_one(iam: Any) -> None:
    said = refused(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com", CustomSuffix="x")
    assert said == ("InvalidInput", 400, "Custom suffix is not allowed for ecs.amazonaws.com")
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")
    said = refused(iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")
    assert said == (
        "InvalidInput",
        400,
        "Service role name AWSServiceRoleForAutoScaling_x has been taken in this account, please try a different suffix.",
    )
