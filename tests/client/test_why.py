"""`rolecall why` on every kind of refusal: the sentence, the policy and statement, the condition, and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from tests.client.asked import Command
from tests.serving import ACCOUNT, Credentials, Server, serving

ARN = f"arn:aws:iam::{ACCOUNT}"
BUCKET = "the.data.bucket"
EDGE = f"{ARN}:policy/Edge"
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def admit(principal: str, **more: object) -> str:
    return document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **more})


class World:
    """An account with users and roles for whom things are refused."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.users = {
            "alice": server.user("alice", document(allow("iam:Get*"))),
            "carol": server.user("carol", document(allow("s3:*"), allow("sts:*"), allow("iam:*"))),
            "dan": server.user("dan", document(allow("s3:*"), deny("s3:Delete*", Sid="NeverDelete"))),
        }
        self.iam, self.s3 = server.client("iam"), server.client("s3")
        self.iam.create_policy(PolicyName="Edge", PolicyDocument=document(allow("ec2:*"), deny("s3:DeleteObject")))
        self.iam.put_user_permissions_boundary(UserName="carol", PermissionsBoundary=EDGE)
        self.iam.create_group(GroupName="devs")
        self.iam.attach_group_policy(GroupName="devs", PolicyArn=S3_READ)
        self.iam.add_user_to_group(GroupName="devs", UserName="alice")
        self.role("Closed", admit(f"{ARN}:user/dan"))
        self.role("WithMfa", admit(f"{ARN}:user/alice", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
        self.role("ForAccount", admit(f"{ARN}:root"))
        self.role("Entered", admit(f"{ARN}:user/alice"))
        self.iam.put_role_policy(RoleName="Entered", PolicyName="s3", PolicyDocument=document(allow("s3:*")))
        self.s3.create_bucket(Bucket=BUCKET)
        lock = {**deny("s3:GetObject", f"arn:aws:s3:::{BUCKET}/locked/*", Sid="Locked"), "Principal": "*"}
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=document(lock))

    def role(self, name: str, trust: str) -> None:
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def assume(self, who: str, role: str, **more: Any) -> Any:
        sts = self.server.client("sts", self.users[who])
        return sts.assume_role(RoleArn=f"{ARN}:role/{role}", RoleSessionName="me", **more)

    def session(self, policy: str) -> Any:
        """Return an S3 client of a session of role Entered under a session policy."""
        key = self.assume("alice", "Entered", Policy=policy)["Credentials"]
        return self.server.client("s3", Credentials.of(key))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(tmp_path_factory.mktemp("why") / "data", "--account", ACCOUNT, workers=1) as running:
        yield World(running)


@pytest.fixture
def why(world: World, tmp_path: Path) -> Callable[[Callable[[], Any]], tuple[str, dict[str, Any]]]:
    rolecall = Command(world.server, tmp_path)

    def ask(call: Callable[[], Any]) -> tuple[str, dict[str, Any]]:
        """Make a refused call, and return what `why` says of it: to people, and to tools."""
        with pytest.raises(ClientError) as refused:
            call()
        request_id = world.server.recorded(refused.value.response)
        told = rolecall("why", request_id, who=world.server.root)
        (record,) = rolecall("why", request_id, "--json", who=world.server.root).records()
        assert told.out.splitlines()[0] == record["explained"]["sentence"]
        return told.out, record

    return ask


Why = Callable[[Callable[[], Any]], tuple[str, dict[str, Any]]]


def decided(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = record["additionalEventData"]["decision"][-1]
    return found


def test_a_missing_allow_names_the_whole_way_of_each_policy_and_the_exact_statement(world: World, why: Why) -> None:
    s3 = world.server.client("s3", world.users["alice"])
    told, record = why(lambda: s3.put_object(Bucket=BUCKET, Key="a*b.txt", Body=b"x"))
    assert told.startswith(f"Refused: no policy of user/alice allows s3:PutObject on arn:aws:s3:::{BUCKET}/a*b.txt.\n")
    assert "▸ identity-based policy does not allow  ← this decided\n" in told
    assert f"user/alice > group/devs > {S3_READ} (v" in told
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/a${{*}}b.txt"}
    assert f"To allow it, attach to user/alice a policy with:\n    {json.dumps(statement)}\n" in told
    assert "opens more" not in told
    policies = decided(record)["explanation"][-1]["policies"]
    managed = next(policy for policy in policies if policy.get("policyArn") == S3_READ)
    assert managed["attachedTo"] == ["user/alice", "group/devs"]
    assert managed["policyName"] == "AmazonS3ReadOnlyAccess"
    assert record["explained"]["refusing"] == ["identity-based policy"]


def test_the_command_it_prints_lifts_the_refusal(world: World, why: Why) -> None:
    s3 = world.server.client("s3", world.users["alice"])
    told, _ = why(lambda: s3.put_object(Bucket=BUCKET, Key="it's mine?", Body=b"x"))
    (command,) = [line.strip() for line in told.splitlines() if line.strip().startswith("aws iam put-user-policy")]
    text = command.partition("--policy-document ")[2].strip("'").replace("'\\''", "'")
    world.iam.put_user_policy(UserName="alice", PolicyName="AllowPutObject", PolicyDocument=text)
    s3.put_object(Bucket=BUCKET, Key="it's mine?", Body=b"x")
    with pytest.raises(ClientError):
        s3.put_object(Bucket=BUCKET, Key="it's minex", Body=b"x")


def test_a_deny_is_named_with_the_condition_that_would_spare_the_caller(world: World, why: Why) -> None:
    s3 = world.server.client("s3", world.users["dan"])
    told, record = why(lambda: s3.delete_object(Bucket=BUCKET, Key="k"))
    assert told.startswith(
        "Refused: statement “NeverDelete” of user/dan inline p0 (identity-based policy) denies it.\n"
    )
    assert "Deny statement “NeverDelete” applies" in told
    assert "add to the Condition of statement “NeverDelete” of user/dan inline p0:" in told
    assert json.dumps({"StringNotEquals": {"aws:PrincipalArn": f"{ARN}:user/dan"}}) in told
    assert "This opens more than the request: the caller is spared everything that the statement denies." in told
    assert record["explained"]["now"]["decision"] == "explicitDeny"


def test_a_boundary_that_is_silent_or_denies_is_named(world: World, why: Why) -> None:
    s3 = world.server.client("s3", world.users["carol"])
    told, record = why(lambda: s3.put_object(Bucket=BUCKET, Key="k", Body=b"x"))
    assert told.startswith("Refused: the permissions boundary of user/carol does not allow s3:PutObject on ")
    assert f"add to the statements of permissions boundary {EDGE}:" in told
    assert f"permissions boundary {EDGE} (v1)\n" in told
    assert "This opens more than the request: everyone whose permissions boundary this is" in told
    assert [one["layer"] for one in decided(record)["remedy"]] == ["permissions boundary"]
    told, _ = why(lambda: s3.delete_object(Bucket=BUCKET, Key="k"))
    assert f"statement 2 of permissions boundary {EDGE} (permissions boundary) denies it" in told
    assert told.count("\n  and, ") == 1  # the Deny has to spare carol, and then an Allow is missing


def test_a_session_policy_is_named_and_lasts_as_long_as_the_session(world: World, why: Why) -> None:
    silent = world.session(document(allow("s3:List*")))
    told, record = why(lambda: silent.put_object(Bucket=BUCKET, Key="k", Body=b"x"))
    assert told.startswith("Refused: the session policy does not allow s3:PutObject on ")
    assert "add to the statements of the session policy:" in told
    assert "The session's own policy refuses it for as long as the session lasts." in told
    assert record["explained"]["now"]["decision"] is None
    denying = world.session(document(allow("s3:*"), deny("s3:Put*", Sid="ReadOnly")))
    told, _ = why(lambda: denying.put_object(Bucket=BUCKET, Key="k", Body=b"x"))
    assert told.startswith("Refused: statement “ReadOnly” of session policy (session policy) denies it.\n")


def test_a_bucket_policy_that_denies_is_named(world: World, why: Why) -> None:
    s3 = world.server.client("s3", world.users["dan"])
    told, record = why(lambda: s3.get_object(Bucket=BUCKET, Key="locked/k"))
    assert told.startswith(
        f"Refused: statement “Locked” of bucket/{BUCKET} policy (resource-based policy) denies it.\n"
    )
    assert decided(record)["remedy"][0]["to"] == f"bucket/{BUCKET} policy"
    assert record["explained"]["now"]["decision"] == "explicitDeny"


def test_the_roles_side_is_named_with_what_to_add_to_its_trust(world: World, why: Why) -> None:
    told, record = why(lambda: world.assume("alice", "Closed"))
    assert told.startswith("Refused: the trust policy of role/Closed does not admit user/alice.\n")
    assert f"its Principal is `{ARN}:user/dan`" in told
    statement = {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:user/alice"}, "Action": "sts:AssumeRole"}
    assert f"add to the statements of role/Closed trust policy:\n    {json.dumps(statement)}\n" in told
    assert "This opens more than the request: whoever is let in may do everything that the role may." in told
    assert record["explained"]["refusing"] == ["role trust policy"]


def test_the_condition_of_a_trust_policy_is_named_with_what_the_caller_can_do(world: World, why: Why) -> None:
    told, _ = why(lambda: world.assume("alice", "WithMfa"))
    answer = told.splitlines()[0]
    assert "statement 1 of role/WithMfa trust policy would" in answer
    assert "Bool aws:MultiFactorAuthPresent wants `true` and the request has none" in answer
    assert "Without changing a policy, call with an MFA device (--serial-number and --token-code)" in told
    assert "it is then allowed without the condition above" in told


def test_the_callers_side_is_named_where_the_trust_policy_admits_its_account(world: World, why: Why) -> None:
    told, record = why(lambda: world.assume("dan", "ForAccount"))
    assert told.startswith(
        f"Refused: no policy of user/dan allows sts:AssumeRole on {ARN}:role/ForAccount"
        " (the role's trust policy does admit it).\n"
    )
    assert "role trust policy allows\n" in told
    assert record["explained"]["refusing"] == ["identity-based policy"]


def test_a_role_that_does_not_exist_is_told_to_those_who_read_the_trail_alone(world: World, why: Why) -> None:
    told, record = why(lambda: world.assume("carol", "Nowhere"))
    assert told.startswith("Refused: there is no such role.\n")
    assert record["errorMessage"] == (
        f"User: {ARN}:user/carol is not authorized to perform: sts:AssumeRole on resource: {ARN}:role/Nowhere"
    )


def test_what_was_refused_and_would_be_allowed_now_is_told(world: World, why: Why) -> None:
    def refused_then_allowed() -> None:
        try:
            world.assume("carol", "Closed")
        finally:
            world.iam.update_assume_role_policy(RoleName="Closed", PolicyDocument=admit(f"{ARN}:user/carol"))

    told, record = why(refused_then_allowed)
    assert told.startswith("Refused: the trust policy of role/Closed does not admit user/carol.\n")
    changed = "changed since by iam:UpdateAssumeRolePolicy on role/Closed by root"
    assert f"  Now  It would be allowed now: {changed}.\n" in told
    assert record["explained"]["now"]["decision"] == "allowed"
    world.iam.update_assume_role_policy(RoleName="Closed", PolicyDocument=admit(f"{ARN}:user/dan"))


def test_what_a_policy_says_is_shown_to_those_who_may_read_it(world: World, tmp_path: Path) -> None:
    rolecall = Command(world.server, tmp_path)
    trail = world.server.user("clerk", document(allow("cloudtrail:LookupEvents")))
    with pytest.raises(ClientError) as refused:
        world.assume("alice", "WithMfa")
    world.server.recorded(refused.value.response)
    told = rolecall("why", "--last", "--user", "alice", who=trail).out
    assert told.startswith("Refused: the trust policy of role/WithMfa does not admit user/alice.\n")
    assert "you may not see what is in it: that needs iam:GetRole" in told
    assert "that needs iam:GetUserPolicy" in told
    assert "MultiFactorAuthPresent" not in told
    assert "cannot be told: AccessDenied" in told
    whole = world.server.user("auditor", document(allow("cloudtrail:LookupEvents"), allow("iam:Get*")))
    assert "aws:MultiFactorAuthPresent" in rolecall("why", "--last", "--user", "alice", who=whole).out


def test_an_unsigned_request_to_a_bucket_without_a_policy_hears_that_it_needs_one(world: World, why: Why) -> None:
    world.s3.create_bucket(Bucket="bare.bucket")
    nobody = world.server.client("s3", signature_version=UNSIGNED)
    told, _ = why(lambda: nobody.get_object(Bucket="bare.bucket", Key="k"))
    assert told.startswith(
        "Refused: there is no bucket policy on bare.bucket, and an unsigned request needs one that allows s3:GetObject"
        " on arn:aws:s3:::bare.bucket/k (or credentials).\n"
    )
    assert "▸ resource-based policy does not allow  ← this decided\n        there is none\n" in told


def test_a_deny_with_a_condition_says_which_held_and_how_to_ask_without_it(world: World, why: Why) -> None:
    world.s3.create_bucket(Bucket="tls.bucket")
    only = {"Bool": {"aws:SecureTransport": "false"}}
    lock = {**deny("s3:*", "arn:aws:s3:::tls.bucket/*", Sid="OnlyTls", Condition=only), "Principal": "*"}
    world.s3.put_bucket_policy(Bucket="tls.bucket", Policy=document(lock))
    told, _ = why(lambda: world.s3.get_object(Bucket="tls.bucket", Key="k"))
    assert told.startswith(
        "Refused: statement “OnlyTls” of bucket/tls.bucket policy (resource-based policy) denies it, since"
        " Bool aws:SecureTransport `false` holds (the request has `false`).\n"
    )
    assert (
        "Without changing a policy, call over TLS (https): statement “OnlyTls” of bucket/tls.bucket policy then does"
        " not deny it\n"
    ) in told


def test_a_federated_session_hears_that_it_needs_a_session_policy(world: World, why: Why) -> None:
    user = world.server.user("feda", document(allow("s3:*"), allow("sts:GetFederationToken")))
    key = world.server.client("sts", user).get_federation_token(Name="fed")["Credentials"]
    s3 = world.server.client("s3", Credentials.of(key))
    told, record = why(lambda: s3.get_object(Bucket=BUCKET, Key="k"))
    assert told.startswith(
        "Refused: the session was made by GetFederationToken without a session policy (Policy, PolicyArns), and may do"
        " only what such a one and the policies of its user both allow, so it may not s3:GetObject on"
    )
    assert "To allow it, pass to GetFederationToken a session policy with:\n" in told
    assert "A session without a session policy stays without one for as long as it lasts." in told
    assert decided(record)["layer"] == "session policy"
