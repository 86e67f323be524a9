"""`rolecall generate-policy`: it allows every request that was made, and none of their neighbours."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.client.asked import Command
from tests.serving import ACCOUNT, Credentials, Server, serving

from rolecall.analysis.validation import PolicyType, Subject, validate
from rolecall.client import generate_policy
from rolecall.client.least_privilege import GROUPINGS, policy_for
from rolecall.client.used import Need, needs_of, refusals_of, unlisted_of
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import decide
from rolecall.policy.layers import Attached, Policies
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
EVERYTHING = [{"Effect": "Allow", "Action": ["s3:*", "iam:Get*", "sts:*"], "Resource": "*"}]
READING = [{"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}]


def document(statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allows(policy: dict[str, object], action: str, resource: str) -> bool:
    attached = Attached(compile_policy(parse(json.dumps(policy))), "generated")
    caller = Principal(PrincipalKind.USER, ALICE, ACCOUNT, "AIDAALICE")
    return decide(PolicyRequest(caller, action, resource, ACCOUNT, {}), Policies(identity=(attached,))).allowed


OBJECTS = [f"arn:aws:s3:::b/logs/{number}.txt" for number in range(8)]
USED = [
    *(Need("s3:GetObject", one) for one in OBJECTS),
    Need("s3:PutObject", "arn:aws:s3:::b/logs/0.txt"),
    Need("s3:GetObject", "arn:aws:s3:::b/odd*?${aws:username}"),
    Need("s3:ListBucket", "arn:aws:s3:::b"),
    Need("s3:ListAllMyBuckets", "*"),
    Need("iam:GetUser", ALICE),
    Need("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/app/reader"),
]
NEIGHBOURS = [
    ("s3:DeleteObject", OBJECTS[0]),
    ("s3:PutObject", OBJECTS[1]),
    ("s3:GetObjectAcl", OBJECTS[0]),
    ("s3:GetObject", "arn:aws:s3:::c/logs/0.txt"),
    ("s3:ListBucket", "arn:aws:s3:::c"),
    ("iam:GetUser", f"{ALICE}2"),
    ("iam:DeleteUser", ALICE),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/app/writer"),
    ("sts:TagSession", f"arn:aws:iam::{ACCOUNT}:role/app/reader"),
]


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_what_was_used_is_allowed_and_its_neighbours_are_not(grouping: str) -> None:
    policy = policy_for(USED, grouping)
    assert all(allows(policy, need.action, need.resource) for need in USED)
    beside = ("s3:PutObject", OBJECTS[1])
    assert not any(allows(policy, *one) for one in NEIGHBOURS if grouping != "bucket" or one != beside)
    assert validate(json.dumps(policy), Subject(PolicyType.IDENTITY)) == []


def test_groupings_differ_in_how_far_they_reach() -> None:
    other, elsewhere = "arn:aws:s3:::b/logs/99.txt", "arn:aws:s3:::b/private/1.txt"
    reach = {
        grouping: [allows(policy_for(USED, grouping), "s3:GetObject", one) for one in (other, elsewhere)]
        for grouping in GROUPINGS
    }
    assert reach == {"none": [False, False], "folder": [True, False], "bucket": [True, True]}


def test_signs_of_patterns_in_keys_are_taken_literally() -> None:
    policy = policy_for([Need("s3:GetObject", "arn:aws:s3:::b/odd*?${aws:username}")])
    assert allows(policy, "s3:GetObject", "arn:aws:s3:::b/odd*?${aws:username}")
    assert not allows(policy, "s3:GetObject", "arn:aws:s3:::b/oddity?${aws:username}")


def awss(name: str, source: str = "s3", *arns: str, **more: Any) -> dict[str, Any]:
    """A record as AWS writes it: without decisions."""
    return {
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "resources": [{"ARN": arn, "type": "x"} for arn in arns],
        **more,
    }


KEY, BUCKET = "arn:aws:s3:::b/k", "arn:aws:s3:::b"


@pytest.mark.parametrize(
    ("record", "needs"),
    [
        (awss("ListObjectsV2", "s3", BUCKET), [Need("s3:ListBucket", BUCKET)]),
        (awss("HeadObject", "s3", KEY, BUCKET), [Need("s3:GetObject", KEY)]),
        (awss("HeadBucket", "s3", BUCKET), [Need("s3:ListBucket", BUCKET)]),
        (awss("ListBuckets", "s3"), [Need("s3:ListAllMyBuckets", "*")]),
        (awss("UploadPart", "s3", KEY, BUCKET), [Need("s3:PutObject", KEY)]),
        (awss("GetBucketEncryption", "s3", BUCKET), [Need("s3:GetEncryptionConfiguration", BUCKET)]),
        (awss("GetUser", "iam"), [Need("iam:GetUser", "*")]),
        (awss("GetCallerIdentity", "sts"), []),
        (awss("GetObject", "s3", KEY, errorCode="AccessDenied"), []),
    ],
)
def test_awss_records_are_read_by_the_names_of_operations(record: dict[str, Any], needs: list[Need]) -> None:
    assert needs_of(record) == needs


@pytest.mark.parametrize(
    ("record", "actions"),
    [
        (awss("GetUser", "iam"), ["iam:GetUser"]),
        (awss("CopyObject", "s3"), ["s3:PutObject", "s3:GetObject"]),
        (awss("GetUser", "iam", ALICE), []),
        (awss("ListBuckets", "s3"), []),
        (awss("GetCallerIdentity", "sts"), []),
        (awss("GetUser", "iam", errorCode="AccessDenied"), []),
        (awss("GetUser", "iam", additionalEventData={"decision": [{"action": "iam:GetUser", "resource": "*"}]}), []),
    ],
)
def test_what_a_record_does_not_list_is_known_to_be_unlisted(record: dict[str, Any], actions: list[str]) -> None:
    assert unlisted_of(record) == actions


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_star_that_stands_for_the_unknown_is_warned_of(
    form: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS's own records list resources for few operations; a policy from them is wider than what was done."""
    records = [
        awss("GetUser", "iam", userIdentity={"arn": ALICE}),
        awss("GetObject", "s3", KEY, userIdentity={"arn": ALICE}),
    ]
    monkeypatch.setattr(generate_policy, "look_up", lambda *_, **__: iter(records))
    monkeypatch.setattr(generate_policy, "asking", lambda arguments, ask: ask(None))
    parser = ArgumentParser()
    generate_policy.configure(parser)
    assert generate_policy.run(parser.parse_args(["--principal", ALICE, *form])) == 0
    said = capsys.readouterr()
    assert 'Allowed on "*", because the records do not list the resources: iam:GetUser.' in said.err
    told = json.loads(said.out)
    assert told["onEverything"] == ["iam:GetUser"] if form else "onEverything" not in told


def test_a_refused_request_is_no_need() -> None:
    record = awss("GetObject", "s3", KEY, BUCKET, errorCode="AccessDenied", requestID="r")
    assert [(one.need, one.code) for one in refusals_of(record)] == [(Need("s3:GetObject", KEY), "AccessDenied")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("generated") / "data", "--account", ACCOUNT, workers=1) as running:
        yield running


def work(s3: Any) -> None:
    """What alice does all day; each call succeeds."""
    s3.list_objects_v2(Bucket="work")
    s3.put_object(Bucket="work", Key="in/1", Body=b"x")
    s3.head_object(Bucket="work", Key="in/1")
    s3.get_object(Bucket="work", Key="in/1")
    s3.delete_objects(Bucket="work", Delete={"Objects": [{"Key": "in/1"}]})
    s3.list_buckets()


@pytest.fixture(scope="module")
def alice(server: Server) -> Credentials:
    server.client("s3").create_bucket(Bucket="work")
    key = server.user("alice", document(EVERYTHING))
    work(server.client("s3", key))
    with pytest.raises(ClientError, match="AccessDenied") as refused:
        server.client("iam", key).delete_user(UserName="bob")
    server.recorded(refused.value.response)
    return key


def test_the_generated_policy_lets_the_same_work_be_done(server: Server, alice: Credentials, tmp_path: Path) -> None:
    auditor = server.user("auditor", document(READING))
    told = Command(server, tmp_path)("generate-policy", "--principal", ALICE, "--last", "1h", who=auditor)
    assert told.code == 0, told.err
    policy = json.loads(told.out)
    assert validate(told.out, Subject(PolicyType.IDENTITY)) == []
    assert f"iam:DeleteUser on arn:aws:iam::{ACCOUNT}:user/bob: 1 times" in told.err
    server.client("iam").put_user_policy(UserName="alice", PolicyName="p0", PolicyDocument=json.dumps(policy))
    s3 = server.client("s3", alice)
    work(s3)
    for call, given in (
        (s3.put_object, {"Bucket": "work", "Key": "in/2"}),
        (s3.get_object_tagging, {"Bucket": "work", "Key": "in/1"}),
        (s3.delete_bucket, {"Bucket": "work"}),
        (server.client("iam", alice).get_user, {"UserName": "alice"}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**given)
        assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_nobody_did_nothing(server: Server, tmp_path: Path) -> None:
    auditor = server.user("auditor2", document(READING))
    words = ("generate-policy", "--principal", f"arn:aws:iam::{ACCOUNT}:user/idle", "--json")
    told = Command(server, tmp_path)(*words, who=auditor)
    assert told.code == 1
    assert json.loads(told.out) == {
        "policy": {"Version": "2012-10-17", "Statement": []},
        "requests": 0,
        "refused": [],
        "onEverything": [],
    }
