from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document, trust
from tests.services.iam.refused import refused

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ONE = document(allow("s3:GetObject", "arn:aws:s3:::b/*"))
TWO = document(allow("s3:PutObject", "arn:aws:s3:::b/*"))


def test_a_policy_is_shown_as_it_was_created(iam: Any) -> None:
    made = iam.create_policy(PolicyName="P", Path="/x/", PolicyDocument=ONE, Description="d")["Policy"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:policy/x/P"
    assert made["PolicyId"].startswith("ANPA")
    assert "Description" not in made
    assert "Tags" not in made
    got = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert got == made | {"Description": "d", "Tags": []}


def test_a_document_comes_back_as_it_was_written(iam: Any) -> None:
    text = (
        '{ "Version":"2012-10-17",\n"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::é+%20/*"}}'
    )
    arn = iam.create_policy(PolicyName="P", PolicyDocument=text)["Policy"]["Arn"]
    got = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert got["Document"] == json.loads(text)
    assert got["IsDefaultVersion"] is True


def test_a_policy_name_is_taken_whatever_its_case_and_path(iam: Any) -> None:
    iam.create_policy(PolicyName="P", PolicyDocument=ONE)
    said = refused(iam.create_policy, PolicyName="p", Path="/x/", PolicyDocument=ONE)
    assert said == ("EntityAlreadyExists", 409, "A policy called p already exists. Duplicate names are not allowed.")


def test_versions_are_numbered_for_ever_and_five_are_kept(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="P", PolicyDocument=ONE)["Policy"]["Arn"]
    made = [iam.create_policy_version(PolicyArn=arn, PolicyDocument=TWO)["PolicyVersion"] for _ in range(4)]
    assert [version["VersionId"] for version in made] == ["v2", "v3", "v4", "v5"]
    assert "Document" not in made[0]
    code, status, text = refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=TWO)
    assert (code, status) == ("LimitExceeded", 409)
    assert text.startswith("A managed policy can have up to 5 versions.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    made = [iam.create_policy_version(PolicyArn=arn, PolicyDocument=TWO, SetAsDefault=True)["PolicyVersion"]]
    assert made[0]["VersionId"] == "v6"
    assert made[0]["IsDefaultVersion"] is True
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in listed] == ["v6", "v4", "v3", "v2", "v1"]


def test_the_default_version_is_the_one_that_counts(account: ServedAccount, iam: Any) -> None:
    who = account.client(who=account.user("a"))
    arn = iam.create_policy(PolicyName="P", PolicyDocument=document(allow("iam:ListUsers")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="a", PolicyArn=arn)
    assert who.list_users()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("iam:ListRoles")))
    assert who.list_users()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert refused(who.list_users)[0] == "AccessDenied"
    assert who.list_roles()


def test_the_default_version_is_not_deleted_and_others_stand_in_the_way_of_deletion(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="P", PolicyDocument=ONE)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=TWO)
    said = refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v1")
    assert said == ("DeleteConflict", 409, "Cannot delete the default version of a policy.")
    assert refused(iam.delete_policy, PolicyArn=arn)[2].startswith("This policy has more than one version.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404, f"Policy {arn} was not found.")
    said = refused(iam.get_policy_version, PolicyArn=READ_ONLY, VersionId="v1")
    assert said == ("NoSuchEntity", 404, f"Policy {READ_ONLY} version v1 does not exist or is not attachable.")


@pytest.mark.parametrize("use", ["user", "group", "role", "boundary"])
def test_a_policy_in_use_is_not_deleted(iam: Any, use: str) -> None:
    arn = iam.create_policy(PolicyName="P", PolicyDocument=ONE)["Policy"]["Arn"]
    if use == "user":
        iam.create_user(UserName="a")
        iam.attach_user_policy(UserName="a", PolicyArn=arn)
    elif use == "group":
        iam.create_group(GroupName="a")
        iam.attach_group_policy(GroupName="a", PolicyArn=arn)
    elif use == "role":
        iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
        iam.attach_role_policy(RoleName="a", PolicyArn=arn)
    else:
        iam.create_user(UserName="a", PermissionsBoundary=arn)
    said = refused(iam.delete_policy, PolicyArn=arn)
    assert said == ("DeleteConflict", 409, "Cannot delete a policy attached to entities.")


@pytest.mark.parametrize("call", ["delete_policy", "create_policy_version", "set_default_policy_version",
                                  "delete_policy_version", "tag_policy", "untag_policy"])  # fmt: skip
def test_policies_of_aws_are_changed_by_nobody_not_even_root(iam: Any, call: str) -> None:
    more: dict[str, Any] = {
        "create_policy_version": {"PolicyDocument": ONE},
        "set_default_policy_version": {"VersionId": "v1"},
        "delete_policy_version": {"VersionId": "v1"},
        "tag_policy": {"Tags": [{"Key": "a", "Value": "b"}]},
        "untag_policy": {"TagKeys": ["a"]},
    }
    code, status, text = refused(getattr(iam, call), PolicyArn=READ_ONLY, **more.get(call, {}))
    assert (code, status) == ("AccessDenied", 403)
    assert f"on resource: policy {READ_ONLY}" in text


def test_policies_of_aws_are_read_and_listed(iam: Any) -> None:
    assert iam.get_policy(PolicyArn=READ_ONLY)["Policy"]["PolicyId"].startswith("ANPA")
    version = iam.list_policy_versions(PolicyArn=READ_ONLY)["Versions"][0]["VersionId"]
    assert iam.get_policy_version(PolicyArn=READ_ONLY, VersionId=version)["PolicyVersion"]["Document"]["Statement"]
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 500})
    names = [policy["PolicyName"] for page in pages for policy in page["Policies"]]
    assert len(names) == len(set(names)) > 1000
    assert names == sorted(names, key=str.casefold)


def test_policies_are_listed_by_scope_use_and_path(iam: Any) -> None:
    used = iam.create_policy(PolicyName="Used", Path="/p/", PolicyDocument=ONE)["Policy"]["Arn"]
    iam.create_policy(PolicyName="Free", PolicyDocument=ONE)
    edge = iam.create_policy(PolicyName="Edge", PolicyDocument=ONE)["Policy"]["Arn"]
    iam.create_user(UserName="a", PermissionsBoundary=edge)
    iam.attach_user_policy(UserName="a", PolicyArn=used)
    iam.attach_user_policy(UserName="a", PolicyArn=READ_ONLY)

    def names(**parameters: Any) -> list[str]:
        return [policy["PolicyName"] for policy in iam.list_policies(**parameters)["Policies"]]

    assert names(Scope="Local") == ["Edge", "Free", "Used"]
    assert names(Scope="Local", OnlyAttached=True) == ["Edge", "Used"]
    assert names(OnlyAttached=True) == ["Edge", "ReadOnlyAccess", "Used"]
    assert names(Scope="AWS", OnlyAttached=True) == ["ReadOnlyAccess"]
    assert names(PathPrefix="/p/") == ["Used"]
    assert names(PolicyUsageFilter="PermissionsBoundary") == ["Edge"]
    assert names(PolicyUsageFilter="PermissionsPolicy") == ["ReadOnlyAccess", "Used"]
    counts = {policy["PolicyName"]: (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"])
              for policy in iam.list_policies(Scope="Local")["Policies"]}  # fmt: skip
    assert counts == {"Edge": (0, 1), "Free": (0, 0), "Used": (1, 0)}


def test_who_uses_a_policy_is_listed_by_kind_use_and_path(iam: Any) -> None:
    iam.create_user(UserName="u", Path="/p/")
    iam.create_group(GroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), PermissionsBoundary=READ_ONLY)
    iam.attach_user_policy(UserName="u", PolicyArn=READ_ONLY)
    iam.attach_group_policy(GroupName="g", PolicyArn=READ_ONLY)

    def found(**parameters: Any) -> list[str]:
        answer = iam.list_entities_for_policy(PolicyArn=READ_ONLY, **parameters)
        return [
            *[entry["GroupName"] for entry in answer["PolicyGroups"]],
            *[entry["UserName"] for entry in answer["PolicyUsers"]],
            *[entry["RoleName"] for entry in answer["PolicyRoles"]],
        ]

    assert found() == ["g", "u", "r"]
    assert found(EntityFilter="Role") == ["r"]
    assert found(EntityFilter="User") == ["u"]
    assert found(PolicyUsageFilter="PermissionsPolicy") == ["g", "u"]
    assert found(PolicyUsageFilter="PermissionsBoundary") == ["r"]
    assert found(PathPrefix="/p/") == ["u"]
    first = iam.list_entities_for_policy(PolicyArn=READ_ONLY, MaxItems=2)
    assert first["IsTruncated"] is True
    assert found(Marker=first["Marker"]) == ["u"]


def test_attaching_twice_is_once_and_detaching_twice_is_refused(iam: Any) -> None:
    iam.create_user(UserName="a")
    for _ in range(2):
        iam.attach_user_policy(UserName="a", PolicyArn=READ_ONLY)
    assert iam.list_attached_user_policies(UserName="a")["AttachedPolicies"] == [
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}
    ]
    iam.detach_user_policy(UserName="a", PolicyArn=READ_ONLY)
    said = refused(iam.detach_user_policy, UserName="a", PolicyArn=READ_ONLY)
    assert said == ("NoSuchEntity", 404, f"Policy {READ_ONLY} was not found.")


def test_what_is_no_policy_is_not_attached(iam: Any) -> None:
    iam.create_user(UserName="a")
    missing = f"arn:aws:iam::{ACCOUNT}:policy/none"
    said = refused(iam.attach_user_policy, UserName="a", PolicyArn=missing)
    assert said == ("NoSuchEntity", 404, f"Policy {missing} does not exist or is not attachable.")
    wrong = f"arn:aws:iam::{ACCOUNT}:user/a-long-enough-arn"
    assert refused(iam.attach_user_policy, UserName="a", PolicyArn=wrong) == (
        "InvalidInput",
        400,
        f"ARN {wrong} is not valid.",
    )
    service_role = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
    assert refused(iam.attach_user_policy, UserName="a", PolicyArn=service_role)[0] == "PolicyNotAttachable"


def test_ten_policies_are_attached_to_a_user_and_twenty_to_a_role(iam: Any) -> None:
    arns = [policy["Arn"] for policy in iam.list_policies(Scope="AWS", PathPrefix="/job-function/")["Policies"]]
    more = iam.list_policies(Scope="AWS", MaxItems=400)["Policies"]
    arns += [policy["Arn"] for policy in more if policy["IsAttachable"]]
    arns = list(dict.fromkeys(arns))[:21]
    iam.create_user(UserName="a")
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    for arn in arns[:10]:
        iam.attach_user_policy(UserName="a", PolicyArn=arn)
    for arn in arns[:20]:
        iam.attach_role_policy(RoleName="a", PolicyArn=arn)
    said = refused(iam.attach_user_policy, UserName="a", PolicyArn=arns[10])
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerUser: 10")
    said = refused(iam.attach_role_policy, RoleName="a", PolicyArn=arns[20])
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerRole: 20")
    iam.attach_user_policy(UserName="a", PolicyArn=arns[0])


@pytest.mark.parametrize(("kind", "size"), [("user", 2048), ("group", 5120), ("role", 10240)])
def test_inline_policies_are_measured_together(iam: Any, kind: str, size: int) -> None:
    named = {f"{kind.title()}Name": "a"}
    more = {"AssumeRolePolicyDocument": trust({"AWS": ACCOUNT})} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**named, **more)
    put = getattr(iam, f"put_{kind}_policy")
    empty = len(document(allow("s3:GetObject", "arn:aws:s3:::")).replace(" ", ""))
    half = document(allow("s3:GetObject", "arn:aws:s3:::" + "x" * (size // 2 - empty)))
    put(**named, PolicyName="one", PolicyDocument=half)
    put(**named, PolicyName="two", PolicyDocument=half.replace(",", ",\n   "))
    put(**named, PolicyName="two", PolicyDocument=half)
    said = refused(put, **named, PolicyName="three", PolicyDocument=ONE)
    assert said == ("LimitExceeded", 409, f"Maximum policy size of {size} bytes exceeded for {kind} a")
    assert getattr(iam, f"list_{kind}_policies")(**named)["PolicyNames"] == ["one", "two"]


def test_a_managed_policy_is_measured_without_white_space(iam: Any) -> None:
    long = document(allow("s3:GetObject", ["arn:aws:s3:::" + "x" * 1000] * 5))
    said = refused(
        iam.create_policy, PolicyName="P", PolicyDocument=document(allow("s3:*", ["arn:aws:s3:::" + "x" * 1000] * 7))
    )
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
    iam.create_policy(PolicyName="P", PolicyDocument=long.replace(" ", " " * 50))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Syntax errors in policy."),
        (document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (document({"Effect": "Allow", "Action": "s3:*"}), "Policy statement must contain resources."),
        (document(allow("s3:*", "b")), 'Resource b must be in ARN format or "*".'),
        (trust({"AWS": "*"}), "Policy document should not specify a principal."),
    ],
)
def test_a_malformed_document_is_refused_everywhere(iam: Any, text: str, message: str) -> None:
    iam.create_user(UserName="a")
    arn = iam.create_policy(PolicyName="P", PolicyDocument=ONE)["Policy"]["Arn"]
    said = ("MalformedPolicyDocument", 400, message)
    assert refused(iam.put_user_policy, UserName="a", PolicyName="p", PolicyDocument=text) == said
    assert refused(iam.create_policy, PolicyName="Q", PolicyDocument=text) == said
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=text) == said
    assert iam.list_user_policies(UserName="a")["PolicyNames"] == []


def test_an_inline_policy_that_is_not_there_cannot_be_found(iam: Any) -> None:
    iam.create_user(UserName="a")
    for call in (iam.get_user_policy, iam.delete_user_policy):
        said = refused(call, UserName="a", PolicyName="p")
        assert said == ("NoSuchEntity", 404, "The user policy with name p cannot be found.")


def test_the_policy_of_another_account_is_that_accounts(iam: Any) -> None:
    """GHSA-566f-q62r-wcr8: no allow by absence."""
    assert refused(iam.get_policy, PolicyArn="arn:aws:iam::999999999999:policy/P")[0] == "AccessDenied"
    iam.create_user(UserName="a")
    arn = "arn:aws:iam::999999999999:policy/P"
    assert refused(iam.attach_user_policy, UserName="a", PolicyArn=arn)[0] == "NoSuchEntity"
