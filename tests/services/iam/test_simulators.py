"""The policy simulator through boto3. Expected results are from AWS's documentation and from answers AWS gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, deny, document, trust
from tests.services.iam.refused import refused

DYNAMO = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
    '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)
OBJECT = "arn:aws:s3:::acme-data/only-here/some-obj"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
NEEDED = ("image", "security-group", "network-interface", "volume")
STRANGER = "arn:aws:iam::999999999999:user/stranger"


@pytest.fixture(scope="module")
def any_iam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An IAM client for what is simulated without a look at the account."""
    served = ServedAccount(tmp_path_factory.mktemp("simulated"))
    yield served.client()
    served.close()


def entry(name: str, *values: str, kind: str = "string") -> dict[str, object]:
    return {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": kind}


def custom(iam: Any, action: str, *policies: str, resource: str = "", **more: Any) -> dict[str, Any]:
    """Simulate one action and return its one result."""
    if resource:
        more["ResourceArns"] = [resource]
    (result,) = iam.simulate_custom_policy(PolicyInputList=list(policies), ActionNames=[action], **more)[
        "EvaluationResults"
    ]
    return result


def of_principal(iam: Any, arn: str, action: str, resource: str = "", **more: Any) -> dict[str, Any]:
    if resource:
        more["ResourceArns"] = [resource]
    (result,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], **more)["EvaluationResults"]
    return result


def ids(result: dict[str, Any]) -> list[str]:
    return [one["SourcePolicyId"] for one in result["MatchedStatements"]]


def test_the_examples_of_aws_cli_answer_as_printed(any_iam: Any) -> None:
    late = [entry("aws:CurrentTime", "2019-04-25T11:00:00Z", kind="date")]
    assert custom(any_iam, "dynamodb:CreateBackup", DYNAMO, ContextEntries=late) == {
        "EvalActionName": "dynamodb:CreateBackup",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 167},
            }
        ],
        "MissingContextValues": [],
    }
    early = [entry("aws:CurrentTime", "2014-04-25T11:00:00Z", kind="date")]
    result = custom(any_iam, "dynamodb:CreateBackup", DYNAMO, ContextEntries=early)
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("implicitDeny", [])


def test_a_named_resource_has_a_result_of_its_own(any_iam: Any) -> None:
    result = custom(
        any_iam, "s3:GetObject", document(allow("s3:GetObject", "arn:aws:s3:::acme-data/*")), resource=OBJECT
    )
    assert (result["EvalResourceName"], result["EvalDecisionDetails"]) == (OBJECT, {})
    (specific,) = result["ResourceSpecificResults"]
    assert specific["EvalResourceName"] == OBJECT
    assert specific["EvalResourceDecision"] == "allowed"
    assert specific["MatchedStatements"] == result["MatchedStatements"]


def test_each_action_is_tried_on_each_resource(any_iam: Any) -> None:
    policy = document(allow("s3:GetObject", "arn:aws:s3:::a/*"), deny("s3:*", "arn:aws:s3:::b/*"))
    results = any_iam.simulate_custom_policy(
        PolicyInputList=[policy],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::a/k", "arn:aws:s3:::b/k"],
    )["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalResourceName"][13], one["EvalDecision"]) for one in results] == [
        ("s3:GetObject", "a", "allowed"),
        ("s3:GetObject", "b", "explicitDeny"),
        ("s3:PutObject", "a", "implicitDeny"),
        ("s3:PutObject", "b", "explicitDeny"),
    ]


def test_pages_follow_each_other(any_iam: Any) -> None:
    pages = any_iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[document(allow("s3:Get*"))],
        ActionNames=["s3:GetObject", "s3:PutObject", "s3:GetBucketPolicy"],
        ResourceArns=["arn:aws:s3:::a", "arn:aws:s3:::b"],
        PaginationConfig={"PageSize": 4},
    )
    sizes = [[one["EvalDecision"] for one in page["EvaluationResults"]] for page in pages]
    assert [len(page) for page in sizes] == [4, 2]
    assert sizes[1] == ["allowed", "allowed"]
    answer = refused(
        any_iam.simulate_custom_policy, PolicyInputList=[DYNAMO], ActionNames=["s3:GetObject"], Marker="no"
    )
    assert answer[2] == "Invalid Marker."


def test_a_boundary_limits_and_is_told_apart(any_iam: Any) -> None:
    own = document(allow("s3:*"))
    for boundary, decision, within in (
        (document(allow("s3:Get*")), "allowed", True),
        (document(allow("ec2:*")), "implicitDeny", False),
        (document(allow("*"), deny("s3:GetObject")), "explicitDeny", False),
    ):
        result = custom(any_iam, "s3:GetObject", own, PermissionsBoundaryPolicyInputList=[boundary])
        assert result["EvalDecision"] == decision
        assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": within}
    assert ids(result) == ["PermissionsBoundaryPolicyInputList.1"]


def test_service_control_policies_are_taken_level_by_level(any_iam: Any) -> None:
    full, narrow = document(allow("*")), document(allow("s3:*"))

    def levels(*each: list[str]) -> list[dict[str, object]]:
        return [{"ServiceControlPolicyInputList": level} for level in each]

    own = document(allow("*"))
    for given, decision, allowed in (
        (levels([full], [narrow]), "allowed", True),
        (levels([full], [document(allow("ec2:*"))]), "implicitDeny", False),
        (levels([full], []), "implicitDeny", False),
        (levels([full, document(deny("s3:GetObject"))], [full]), "explicitDeny", False),
    ):
        result = custom(any_iam, "s3:GetObject", own, OrderedOrganizationPolicyInputList=given)
        assert result["EvalDecision"] == decision
        assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}
        assert "PolicyInput" not in "".join(one for one in ids(result) if one.startswith("Ordered"))


def test_a_resource_policy_counts_for_the_caller_it_names(any_iam: Any) -> None:
    bucket = document(
        {**allow("s3:GetObject", "arn:aws:s3:::acme-data/*"), "Principal": {"AWS": ALICE}},
        {**deny("s3:DeleteObject", "arn:aws:s3:::acme-data/*"), "Principal": "*"},
    )
    nothing = document(allow("ec2:*"))
    given = {"ResourcePolicy": bucket, "resource": OBJECT}
    allowed = custom(any_iam, "s3:GetObject", nothing, CallerArn=ALICE, **given)
    assert (allowed["EvalDecision"], ids(allowed)) == ("allowed", ["ResourcePolicy"])
    assert allowed["MatchedStatements"][0]["SourcePolicyType"] == "Resource Policy"
    bob = f"arn:aws:iam::{ACCOUNT}:user/bob"
    assert custom(any_iam, "s3:GetObject", nothing, CallerArn=bob, **given)["EvalDecision"] == "implicitDeny"
    denied = custom(any_iam, "s3:DeleteObject", document(allow("s3:*")), CallerArn=ALICE, **given)
    assert (denied["EvalDecision"], ids(denied)) == ("explicitDeny", ["ResourcePolicy"])


def test_across_accounts_both_sides_must_allow_and_each_is_told(any_iam: Any) -> None:
    bucket = document({**allow("s3:GetObject", "arn:aws:s3:::acme-data/*"), "Principal": {"AWS": STRANGER}})
    given = {
        "ResourcePolicy": bucket,
        "resource": OBJECT,
        "CallerArn": STRANGER,
        "ResourceOwner": f"arn:aws:iam::{ACCOUNT}:root",
    }
    alone = custom(any_iam, "s3:GetObject", document(allow("ec2:*")), **given)
    assert alone["EvalDecision"] == "implicitDeny"
    assert alone["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    both = custom(any_iam, "s3:GetObject", document(allow("s3:*")), **given)
    assert both["EvalDecision"] == "allowed"
    assert both["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "allowed"}


def test_a_trust_policy_given_as_resource_policy_decides_about_entering(any_iam: Any) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/deploy"
    own = document(allow("sts:AssumeRole"))
    given: dict[str, Any] = {"resource": role, "CallerArn": ALICE}
    with_mfa = trust({"AWS": ALICE}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    result = custom(any_iam, "sts:AssumeRole", own, ResourcePolicy=with_mfa, **given)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["aws:MultiFactorAuthPresent"]
    mfa = [entry("aws:MultiFactorAuthPresent", "true", kind="boolean")]
    assert (
        custom(any_iam, "sts:AssumeRole", own, ResourcePolicy=with_mfa, ContextEntries=mfa, **given)["EvalDecision"]
        == "allowed"
    )
    nobody = document({"Effect": "Deny", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"})
    assert custom(any_iam, "sts:AssumeRole", own, ResourcePolicy=nobody, **given)["EvalDecision"] == "explicitDeny"


def test_a_principal_is_simulated_with_all_that_it_has(account: ServedAccount, iam: Any) -> None:
    account.user("alice", allow("s3:GetObject", "arn:aws:s3:::acme-data/${aws:username}/*"))
    iam.create_group(GroupName="devs")
    iam.put_group_policy(GroupName="devs", PolicyName="queues", PolicyDocument=document(allow("sqs:*")))
    iam.attach_group_policy(GroupName="devs", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    iam.add_user_to_group(GroupName="devs", UserName="alice")
    own = of_principal(iam, ALICE, "s3:GetObject", "arn:aws:s3:::acme-data/alice/k")
    assert (own["EvalDecision"], ids(own), own["MissingContextValues"]) == ("allowed", ["user_alice_inline"], [])
    assert ids(of_principal(iam, ALICE, "sqs:SendMessage")) == ["group_devs_queues"]
    managed = of_principal(iam, ALICE, "ec2:DescribeInstances")
    assert ids(managed) == ["AmazonEC2ReadOnlyAccess"]
    group = f"arn:aws:iam::{ACCOUNT}:group/devs"
    assert of_principal(iam, group, "sqs:SendMessage")["EvalDecision"] == "allowed"
    assert of_principal(iam, group, "s3:GetObject")["EvalDecision"] == "implicitDeny"
    added = of_principal(iam, ALICE, "sns:Publish", PolicyInputList=[document(allow("sns:*"))])
    assert ids(added) == ["PolicyInputList.1"]


def test_a_boundary_that_is_passed_takes_the_place_of_the_one_that_is_set(account: ServedAccount, iam: Any) -> None:
    iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("ec2:*")))
    account.user("alice", allow("s3:*"), PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/edge")
    assert of_principal(iam, ALICE, "s3:GetObject")["PermissionsBoundaryDecisionDetail"] == {
        "AllowedByPermissionsBoundary": False
    }
    wider = [document(allow("s3:*"))]
    assert (
        of_principal(iam, ALICE, "s3:GetObject", PermissionsBoundaryPolicyInputList=wider)["EvalDecision"] == "allowed"
    )


def test_the_trust_policy_a_role_has_decides_unlike_on_aws(account: ServedAccount, iam: Any) -> None:
    account.user("alice", allow("sts:AssumeRole"))
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ALICE}))
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.create_role(RoleName="next", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/deploy"}))

    def entering(who: str, role: str) -> str:
        decision: str = of_principal(iam, who, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{role}")["EvalDecision"]
        return decision

    assert entering(ALICE, "deploy") == "allowed"
    result = of_principal(iam, ALICE, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/deploy")
    (matched,) = result["MatchedStatements"]
    shown = trust({"AWS": ALICE})  # as GetRole shows it, not with the id that is stored
    assert matched["SourcePolicyType"] == "Resource Policy"
    assert matched["EndPosition"] == {"Line": 1, "Column": shown.index("}]}") + 2}
    assert entering(ALICE, "other") == "implicitDeny"
    assert entering(ALICE, "next") == "implicitDeny"
    assert entering(ALICE, "missing") == "implicitDeny"
    assert entering(f"arn:aws:iam::{ACCOUNT}:role/deploy", "next") == "allowed"


def test_the_trust_policy_is_asked_only_for_those_who_may_read_it(account: ServedAccount, iam: Any) -> None:
    account.user("alice", allow("sts:AssumeRole"))
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ALICE}))
    asker = account.client(who=account.user("asker", allow("iam:SimulatePrincipalPolicy")))
    role = f"arn:aws:iam::{ACCOUNT}:role/deploy"
    with pytest.raises(ClientError, match="because no identity-based policy allows the iam:GetRole action"):
        of_principal(asker, ALICE, "sts:AssumeRole", role)
    assert of_principal(asker, ALICE, "iam:GetRole", role)["EvalDecision"] == "implicitDeny"


def test_policies_can_be_left_out(account: ServedAccount, iam: Any) -> None:
    account.user("alice", allow("s3:*"))
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    for exclusion, left in (
        ({"PolicyType": "inline"}, ["AmazonS3ReadOnlyAccess"]),
        ({"PolicyType": "aws-managed"}, ["user_alice_inline"]),
        ({"PolicyArn": "arn:aws:iam::aws:policy/AmazonS3*"}, ["user_alice_inline"]),
        (
            {
                "InlinePolicyIdentifier": {
                    "PolicyName": "inline",
                    "AttachmentType": "user",
                    "AttachmentName": "alice",
                }
            },
            ["AmazonS3ReadOnlyAccess"],
        ),
        ({"PolicyType": "rcp"}, ["user_alice_inline", "AmazonS3ReadOnlyAccess"]),
    ):
        assert ids(of_principal(iam, ALICE, "s3:GetObject", PolicyExclusionList=[exclusion])) == left
    answer = refused(
        iam.simulate_principal_policy,
        PolicySourceArn=ALICE,
        ActionNames=["s3:GetObject"],
        PolicyExclusionList=[{"PolicyArn": "arn:aws:iam::*:policy/AmazonS3"}],
    )
    assert answer == ("InvalidInput", 400, "ARN arn:aws:iam::*:policy/AmazonS3 is not valid.")


def test_missing_values_are_those_no_parameter_gave(any_iam: Any) -> None:
    policy = document(
        allow(
            "s3:ListBucket",
            "arn:aws:s3:::b",
            Condition={"StringLike": {"aws:PrincipalTag/allowed_service": "s3"}},
        ),
        allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}"),
    )
    result = custom(any_iam, "s3:ListBucket", policy, resource="arn:aws:s3:::b")
    assert result["MissingContextValues"] == ["aws:PrincipalTag/allowed_service", "aws:username"]
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == result["MissingContextValues"]
    tag = [entry("aws:principaltag/allowed_service", "s3")]
    given = custom(any_iam, "s3:ListBucket", policy, resource="arn:aws:s3:::b", ContextEntries=tag)
    assert (given["EvalDecision"], given["MissingContextValues"]) == ("allowed", ["aws:username"])


@pytest.mark.parametrize(
    ("kind", "operator", "wanted", "good", "bad"),
    [
        ("numeric", "NumericLessThan", "10", ["7.5"], ["seven"]),
        ("boolean", "Bool", "true", ["TRUE"], ["yes"]),
        ("ip", "IpAddress", "192.0.2.0/24", ["192.0.2.7"], ["192.0.2"]),
        ("date", "DateLessThan", "2026-01-01", ["2025-12-31T00:00:00Z"], ["yesterday"]),
        ("binary", "BinaryEquals", "aGVsbG8=", ["aGVsbG8="], ["%%"]),
        ("string", "StringEquals", "x", ["x"], ["x", "y"]),
        ("stringList", "ForAnyValue:StringEquals", "x", ["y", "x"], None),
        ("numericList", "ForAllValues:NumericLessThan", "10", ["1", "2"], ["1", "two"]),
        ("dateList", "ForAnyValue:DateLessThan", "2026-01-01", ["2027-01-01", "2025-01-01"], ["never"]),
        ("ipList", "ForAllValues:IpAddress", "192.0.2.0/24", ["192.0.2.7"], ["x"]),
        ("booleanList", "ForAnyValue:Bool", "true", ["false", "true"], ["maybe"]),
        ("binaryList", "ForAnyValue:BinaryEquals", "aGVsbG8=", ["aGVsbG8="], ["="]),
    ],
)
def test_a_context_value_is_of_its_type(
    any_iam: Any, kind: str, operator: str, wanted: str, good: list[str], bad: list[str] | None
) -> None:
    policy = document(allow("s3:GetObject", Condition={operator: {"x:Key": wanted}}))
    result = custom(any_iam, "s3:GetObject", policy, ContextEntries=[entry("x:Key", *good, kind=kind)])
    assert result["EvalDecision"] == "allowed"
    if bad is not None:
        code, status, message = refused(
            any_iam.simulate_custom_policy,
            PolicyInputList=[policy],
            ActionNames=["s3:GetObject"],
            ContextEntries=[entry("x:Key", *bad, kind=kind)],
        )
        assert (code, status) == ("InvalidInput", 400)
        assert "x:Key" in message
        assert kind in message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ResourceArns": ["14a050d4"]}, "ResourceNames are not in a valid ARN format: 14a050d4."),
        ({"ResourceOwner": ACCOUNT}, f"'{ACCOUNT}' is not a valid as a Resource Owner."),
        (
            {"CallerArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"},
            f"Invalid Entity Arn: arn:aws:sts::{ACCOUNT}:assumed-role/r/s does not clearly define entity type and name.",
        ),
        ({"PolicyInputList": ["{"]}, "Syntax errors in policy."),
        (
            {"PolicyInputList": [document({**allow("*"), "Principal": "*"})]},
            "Policy document should not specify a principal.",
        ),
        ({"ResourcePolicy": "{", "CallerArn": ALICE}, "Syntax errors in policy."),
        ({"ActionNames": ["s3:Get*"]}, "Invalid Input Actions: s3:Get*"),
        ({"ActionNames": ["GetObject"]}, "Invalid Input Actions: GetObject"),
        ({"ResourceHandlingOption": "EC2-Mars"}, "EC2-Mars is not a valid resource handling option."),
        (
            {"ResourceHandlingOption": "EC2-VPC-EBS", "ResourceArns": ["arn:aws:ec2:us-east-1:1:instance/*"]},
            f"The resource handling option EC2-VPC-EBS requires resources: {', '.join(NEEDED)}.",
        ),
        (
            {"PermissionsBoundaryPolicyInputList": [DYNAMO, DYNAMO]},
            "Only one permissions boundary policy can be provided.",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(any_iam: Any, parameters: dict[str, Any], message: str) -> None:
    given = {"PolicyInputList": [DYNAMO], "ActionNames": ["s3:GetObject"], **parameters}
    assert refused(any_iam.simulate_custom_policy, **given) == ("InvalidInput", 400, message)


def test_a_source_must_be_an_entity_of_the_account_that_exists(any_iam: Any) -> None:
    def simulated(arn: str) -> tuple[str, int, str]:
        return refused(any_iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"])

    where = f"Invalid Policy Source Arn: caller's account {ACCOUNT} does not have access to policies in account"
    assert simulated(STRANGER) == ("InvalidInput", 400, f"{where} 999999999999")
    assert simulated(ALICE) == ("NoSuchEntity", 404, "The user with name alice cannot be found.")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/u-admin/s"
    assert simulated(session)[2] == f"Invalid Entity Arn: {session} does not clearly define entity type and name."


def test_simulating_a_principal_needs_the_right_on_that_principal(account: ServedAccount, iam: Any) -> None:
    account.user("alice", allow("s3:*"))
    asker = account.client(who=account.user("asker", allow("iam:SimulateCustomPolicy")))
    assert custom(asker, "s3:GetObject", document(allow("s3:*")))["EvalDecision"] == "allowed"
    code, status, message = refused(
        asker.simulate_principal_policy, PolicySourceArn=ALICE, ActionNames=["s3:GetObject"]
    )
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/asker is not authorized to perform: iam:SimulatePrincipalPolicy on"
        f" resource: {ALICE} because no identity-based policy allows the iam:SimulatePrincipalPolicy action"
    )


def test_context_keys_are_listed_for_given_policies_and_for_those_of_a_principal(
    account: ServedAccount, iam: Any
) -> None:
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[DYNAMO])["ContextKeyNames"] == ["aws:CurrentTime"]
    account.user("alice", allow("s3:*", "arn:aws:s3:::b/${aws:username}"))
    iam.create_group(GroupName="devs")
    iam.put_group_policy(
        GroupName="devs",
        PolicyName="p",
        PolicyDocument=document(allow("sqs:*", Condition={"Bool": {"aws:SecureTransport": "true"}})),
    )
    iam.add_user_to_group(GroupName="devs", UserName="alice")
    found = iam.get_context_keys_for_principal_policy(PolicySourceArn=ALICE, PolicyInputList=[DYNAMO])
    assert found["ContextKeyNames"] == ["aws:username", "aws:SecureTransport", "aws:CurrentTime"]
    assert refused(iam.get_context_keys_for_custom_policy, PolicyInputList=["[]"])[2] == "Syntax errors in policy."


@pytest.mark.parametrize("shape", ["statements", "values"])
def test_a_large_simulation_ends_its_page_early(any_iam: Any, shape: str) -> None:
    """A page is so much work: of many statements, or of a few whose conditions have thousands of values."""
    statements = [allow("s3:GetObject", f"arn:aws:s3:::b{number}/*") for number in range(1000)]
    if shape == "values":
        names = [f"*{number}*" for number in range(6000)]
        statements = [allow("s3:GetObject"), allow("s3:Get*", Condition={"StringLike": {"aws:username": names}})]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    answer = any_iam.simulate_custom_policy(
        PolicyInputList=[text],
        ActionNames=["s3:GetObject"],
        ResourceArns=[f"arn:aws:s3:::b{number}/k" for number in range(300)],
        MaxItems=1000,
    )
    assert len(answer["EvaluationResults"]) == 100_000 // (len(text) // 12) < 30
    assert answer["IsTruncated"]
    assert {one["EvalDecision"] for one in answer["EvaluationResults"]} == {"allowed"}
