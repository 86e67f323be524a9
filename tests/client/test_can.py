"""`rolecall can` and `rolecall who-can`: what-if and reverse questions, through chains of roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.client.asked import Command, Said
from tests.serving import ACCOUNT, Credentials, Server, serving

from rolecall.cases import facts
from rolecall.client.facts import ALWAYS, EVERY_CALLER, LONG_TERM_ONLY, NEVER, no_role_can
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ARN = f"arn:aws:iam::{ACCOUNT}"
KEY = "s3://the.data.bucket/report.csv"
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def admit(principal: str, **more: object) -> str:
    return document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **more})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """alice → DeployRole → S3_Full_Access; bob enters S3_Full_Access with MFA; carol may herself, from one address."""
    with serving(tmp_path_factory.mktemp("can") / "data", "--account", ACCOUNT, workers=1) as running:
        iam, s3 = running.client("iam"), running.client("s3")
        office = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
        for name, statements in {"alice": [], "bob": [], "carol": [allow("s3:*", Condition=office)]}.items():
            iam.create_user(UserName=name)
            if statements:
                iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        iam.create_role(RoleName="DeployRole", AssumeRolePolicyDocument=admit(f"{ARN}:user/alice"))
        trust = json.loads(admit(f"{ARN}:role/DeployRole"))
        trust["Statement"] += json.loads(admit(f"{ARN}:user/bob", Condition=mfa))["Statement"]
        iam.create_role(RoleName="S3_Full_Access", AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName="S3_Full_Access", PolicyArn=S3_FULL)
        iam.put_role_policy(RoleName="DeployRole", PolicyName="hop", PolicyDocument=document(allow("sts:AssumeRole")))
        s3.create_bucket(Bucket="the.data.bucket")
        named = allow("s3:GetObject", "arn:aws:s3:::the.data.bucket/*", Principal={"AWS": f"{ARN}:user/bob"})
        s3.put_bucket_policy(Bucket="the.data.bucket", Policy=document(named))
        yield running


@pytest.fixture
def ask(server: Server, tmp_path: Path) -> Any:
    rolecall = Command(server, tmp_path)

    def answer(*words: str, who: Credentials | None = None) -> Said:
        return rolecall(*words, who=who or server.root)

    return answer


def test_the_way_leads_through_a_chain_of_roles(ask: Any) -> None:
    said = ask("can", "alice", "s3:PutObject", KEY)
    assert said.code == 0
    assert said.out.startswith("Not by itself, but through a role. user/alice may not s3:PutObject on ")
    assert "  user/alice → role/DeployRole → role/S3_Full_Access  by AmazonS3FullAccess\n" in said.out
    (told,) = ask("can", "alice", "s3:PutObject", KEY, "--json").records()
    assert told["decision"] == "implicitDeny"
    assert told["through"] == [
        {
            "chain": [f"{ARN}:user/alice", f"{ARN}:role/DeployRole", f"{ARN}:role/S3_Full_Access"],
            "by": ["AmazonS3FullAccess"],
        }
    ]


def test_a_condition_on_the_way_holds_when_the_context_says_so(ask: Any) -> None:
    without = ask("can", "user/bob", "s3:PutObject", KEY)
    assert (without.code, without.out.splitlines()[0][:28]) == (1, "No. user/bob may not s3:PutO")
    proved = ask("can", "user/bob", "s3:PutObject", KEY, "--context", "aws:MultiFactorAuthPresent=true")
    assert proved.code == 0
    assert "  user/bob → role/S3_Full_Access  by AmazonS3FullAccess\n" in proved.out


def test_a_missing_condition_key_is_asked_for(ask: Any) -> None:
    said = ask("can", f"{ARN}:user/carol", "s3:PutObject", KEY)
    assert said.code == 1
    assert "not known: aws:SourceIp (give them with --context KEY=VALUE)" in said.out
    at_work = ask("can", "carol", "s3:PutObject", KEY, "--context", "aws:SourceIp=192.0.2.9")
    assert at_work.out == (
        "Yes. user/carol may s3:PutObject on arn:aws:s3:::the.data.bucket/report.csv.\n  by user_carol_own\n"
    )


def test_the_buckets_policy_counts(ask: Any) -> None:
    said = ask("can", "bob", "s3:GetObject", KEY)
    assert (said.code, said.out.splitlines()[1]) == (0, "  by ResourcePolicy")


def test_everyone_who_may_is_listed_with_the_way(ask: Any) -> None:
    said = ask("who-can", "s3:PutObject", KEY)
    assert said.code == 0
    ways = [line.split("  by ")[0].strip() for line in said.out.splitlines()[1:-1]]
    assert said.out.splitlines()[0].startswith("3 users and roles may s3:PutObject on ")
    assert ways == [
        "role/S3_Full_Access",
        "role/DeployRole → role/S3_Full_Access",
        "user/alice → role/DeployRole → role/S3_Full_Access",
    ]
    told = ask("who-can", "s3:PutObject", KEY, "--context", "aws:MultiFactorAuthPresent=true", "--json").records()
    assert [len(one["chain"]) for one in told if one["principal"] == f"{ARN}:user/bob"] == [2]


def test_what_needs_no_permission_is_known(ask: Any) -> None:
    """AWS: no permissions are required for GetCallerIdentity, and a Deny of it has no effect."""
    said = ask("can", "alice", "sts:GetCallerIdentity", "*")
    assert said.out == (
        "Yes. user/alice may sts:GetCallerIdentity on *.\n  no permission is needed, and no policy can deny it\n"
    )
    (told,) = ask("can", "role/DeployRole", "sts:getcalleridentity", "*", "--json").records()
    assert (told["decision"], told["by"], told["fact"]) == ("allowed", [], ALWAYS)
    who = ask("who-can", "sts:GetSessionToken", "*", "--json").records()
    assert {one["principal"] for one in who} >= {f"{ARN}:user/{name}" for name in ("alice", "bob", "carol")}
    assert not [one for one in who if ":role/" in one["principal"]]


def test_what_no_session_of_a_role_can_call_is_known(ask: Any) -> None:
    """AWS's table of what temporary credentials can call: neither GetSessionToken nor GetFederationToken."""
    said = ask("can", "role/S3_Full_Access", "sts:GetSessionToken", "*")
    assert said.code == 1
    assert f"may not sts:GetSessionToken on *: {NEVER}." in said.out
    (told,) = ask("can", "alice", "sts:GetFederationToken", "*", "--json").records()
    assert (told["decision"], told["through"], told["fact"]) == ("implicitDeny", [], None)


def test_the_commands_know_the_facts_that_decide_knows() -> None:
    assert facts.EVERY_CALLER == EVERY_CALLER
    for action in (*LONG_TERM_ONLY, "s3:GetObject"):
        session = Principal(PrincipalKind.ROLE_SESSION, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", ACCOUNT, "AROA:s")
        assert facts.cannot_call(PolicyRequest(session, action, "*", ACCOUNT, {})) is no_role_can(action)


def test_nobody_may_is_an_answer_too(ask: Any) -> None:
    said = ask("who-can", "sqs:SendMessage", "*")
    assert (said.code, said.out.splitlines()[0]) == (1, "Nobody may sqs:SendMessage on *.")


def test_the_answer_is_the_servers_when_it_is_tried(ask: Any, server: Server) -> None:
    key = server.client("iam").create_access_key(UserName="alice")["AccessKey"]
    sts = server.client("sts", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    for role in ("DeployRole", "S3_Full_Access"):
        given = sts.assume_role(RoleArn=f"{ARN}:role/{role}", RoleSessionName="hop")["Credentials"]
        sts = server.client("sts", Credentials.of(given))
    s3 = server.client("s3", Credentials.of(given))
    s3.put_object(Bucket="the.data.bucket", Key="report.csv", Body=b"x")


def test_it_asks_with_the_rights_of_who_asks(ask: Any, server: Server) -> None:
    nosy = server.user("nosy", document(allow("iam:GetUser")))
    said = ask("can", "user/alice", "s3:PutObject", KEY, who=nosy)
    assert (said.code, said.out) == (2, "")
    assert "not authorized to perform: iam:SimulatePrincipalPolicy" in said.err
    assert "This needs iam:SimulatePrincipalPolicy" in said.err
    near = server.user("near", document(allow("iam:GetUser"), allow("iam:SimulatePrincipalPolicy")))
    said = ask("can", "user/alice", "s3:PutObject", KEY, who=near)
    assert said.out.startswith("No. user/alice may not")
    assert "roles were not looked at: that needs iam:GetAccountAuthorizationDetails" in said.out
    assert "iam:GetAccountAuthorizationDetails" in ask("who-can", "s3:PutObject", KEY, who=near).err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("can", "nobody", "s3:PutObject", KEY), "There is no user or role called `nobody`"),
        (("can", "alice", "PutObject", KEY), "`PutObject` is no action"),
        (("can", "alice", "s3:PutObject", "report.csv"), "`report.csv` is no ARN"),
        (("can", "alice", "s3:PutObject", KEY, "--context", "mfa"), "`mfa` is no condition key"),
        (("can", "user/missing", "s3:PutObject", KEY), "NoSuchEntity: The user with name missing cannot be found."),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Any, words: tuple[str, ...], sentence: str) -> None:
    said = ask(*words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
