"""The story, steps 0 to 6, word for word, with both unmodified aws CLIs, over http and over TLS."""

from __future__ import annotations

import json
import re

import pytest
from tests.serving import Credentials
from tests.story.conftest import Aws

ROLE = "arn:aws:iam::123456789012:role/S3_Full_Access"
USER = "arn:aws:iam::123456789012:user/aws_cli_test"
ASSUME = ("sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "Test_CLI_Session")


@pytest.fixture
def before(aws: Aws) -> Aws:
    """The world as the story begins: the trust policy names somebody else, the bucket is empty."""
    iam, s3 = aws.server.client("iam"), aws.server.client("s3")
    document = iam.get_role(RoleName="S3_Full_Access")["Role"]["AssumeRolePolicyDocument"]
    document["Statement"] = document["Statement"][:1]
    assert USER not in json.dumps(document)
    iam.update_assume_role_policy(RoleName="S3_Full_Access", PolicyDocument=json.dumps(document))
    for found in s3.list_objects_v2(Bucket="a.demo.bucket").get("Contents", []):
        s3.delete_object(Bucket="a.demo.bucket", Key=found["Key"])
    return aws


def _with_the_user(document: dict) -> dict:
    statement = {"Sid": "", "Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole"}
    return document | {"Statement": [*document["Statement"], statement]}


@pytest.fixture
def trusted(before: Aws) -> Aws:
    """The world after step 3."""
    iam = before.server.client("iam")
    document = iam.get_role(RoleName="S3_Full_Access")["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName="S3_Full_Access", PolicyDocument=json.dumps(_with_the_user(document)))
    return before


def test_step_1_the_user_may_read_but_not_write(before: Aws) -> None:
    aws, user = before, before.server.learner
    assert "a.demo.bucket" in aws("s3", "ls", who=user).out
    aws("s3", "ls", "s3://a.demo.bucket", who=user, code=None)
    said = aws("s3", "cp", "testfile.txt", "s3://a.demo.bucket", who=user, code=1)
    expected = (
        "upload failed: ./testfile.txt to s3://a.demo.bucket/testfile.txt An error occurred (AccessDenied)"
        " when calling the PutObject operation"
    )
    assert expected in said.err
    assert (
        f'User: {USER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::a.demo.bucket/testfile.txt"'
        " because no identity-based policy allows the s3:PutObject action"
    ) in said.err


def test_step_2_the_role_is_not_assumable_yet(before: Aws) -> None:
    said = before(*ASSUME, who=before.server.learner, code=None)
    assert said.code in {254, 255}
    assert re.search(
        rf"An error occurred \(AccessDenied\) when calling the AssumeRole operation: User: {re.escape(USER)} is not"
        rf" authorized to perform: sts:AssumeRole on resource: {re.escape(ROLE)}$",
        said.err.strip(),
    )


def test_step_3_an_administrator_changes_the_trust(before: Aws) -> None:
    get = ("iam", "get-role", "--role-name", "S3_Full_Access")
    document = before(*get, who=before.server.root).json()["Role"]["AssumeRolePolicyDocument"]
    (before.home / "trust.json").write_text(json.dumps(_with_the_user(document)))
    words = ("--role-name", "S3_Full_Access", "--policy-document", "file://trust.json")
    before("iam", "update-assume-role-policy", *words, who=before.server.root)
    role = before(*get, who=before.server.root).json()["Role"]
    principals = [statement["Principal"] for statement in role["AssumeRolePolicyDocument"]["Statement"]]
    assert {"AWS": USER} in principals


def test_steps_4_and_5_the_user_assumes_the_role_uploads_and_is_itself_again(trusted: Aws) -> None:
    aws, user = trusted, trusted.server.learner
    answer = aws(*ASSUME, who=user).json()
    assert answer["AssumedRoleUser"]["Arn"] == (
        "arn:aws:sts::123456789012:assumed-role/S3_Full_Access/Test_CLI_Session"
    )
    assert re.fullmatch(r"AROA[A-Z2-7]{17}:Test_CLI_Session", answer["AssumedRoleUser"]["AssumedRoleId"])
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    session = Credentials.of(answer["Credentials"])
    assert aws("sts", "get-caller-identity", who=session).json()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    said = aws("s3", "cp", "testfile.txt", "s3://a.demo.bucket", who=session)
    assert "upload: ./testfile.txt to s3://a.demo.bucket/testfile.txt" in said.out
    assert "testfile.txt" in aws("s3", "ls", "s3://a.demo.bucket", who=user).out
    assert aws("sts", "get-caller-identity", who=user).json()["Arn"] == USER
    aws("s3", "cp", "testfile.txt", "s3://a.demo.bucket", who=user, code=1)
    assert aws("s3", "cp", "s3://a.demo.bucket/testfile.txt", "-", who=user).out == "This is a test file.\n"


def test_step_6_durations_have_the_bounds_of_the_role(trusted: Aws) -> None:
    user = trusted.server.learner
    trusted(*ASSUME, "--duration-seconds", "900", who=user)
    said = trusted(*ASSUME, "--duration-seconds", "3601", who=user, code=None)
    assert "The requested DurationSeconds exceeds the MaxSessionDuration set for this role." in said.err
    said = trusted(*ASSUME, "--duration-seconds", "43201", who=user, code=None)
    assert "Member must have value less than or equal to 43200" in said.err


def test_a_profile_with_role_arn_and_source_profile_assumes_the_role(trusted: Aws) -> None:
    config = trusted.home / ".aws" / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text(
        f"[profile base]\n\n[profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\nrole_session_name = by-profile\n"
    )
    user = trusted.server.learner
    (config.parent / "credentials").write_text(
        f"[base]\naws_access_key_id = {user.access_key_id}\naws_secret_access_key = {user.secret_access_key}\n"
    )
    said = trusted("--profile", "deploy", "sts", "get-caller-identity")
    assert said.json()["Arn"] == "arn:aws:sts::123456789012:assumed-role/S3_Full_Access/by-profile"
    trusted("--profile", "deploy", "s3", "cp", "testfile.txt", "s3://a.demo.bucket/by-profile.txt")
