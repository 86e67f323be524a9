"""Documents that are none, sent to a running server: each is refused as malformed, and nothing of it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Server

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
PRINCIPAL = json.dumps({"Principal": {"AWS": ACCOUNT}})[1:-1]
"""What a trust policy and a bucket's must have besides."""


def statement(**elements: object) -> str:
    """A document for every kind of policy, but for what is wrong in it."""
    found = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::badly/*", **elements}
    return json.dumps({"Version": "2012-10-17", "Statement": [found]})


DOCUMENTS = {
    "not JSON": "x" * 20,
    "cut off": ALLOW[:-1],
    "more behind it": ALLOW + "{}",
    "a list": "[" + ALLOW + "]",
    "a text": json.dumps(ALLOW),
    "a repeated key": ALLOW.replace('"Effect"', '"Effect":"Deny","Effect"'),
    "a repeated statement": ALLOW.replace('"Statement"', '"Statement":[],"Statement"'),
    "deep": '{"Version":"2012-10-17","Statement":' + "[" * 900 + "]" * 900 + "}",
    "NaN": statement(Condition={"NumericEquals": {"k": 1}}).replace(": 1}", ": NaN}"),
    "Infinity": statement(Condition={"NumericEquals": {"k": 1}}).replace(": 1}", ": -Infinity}"),
    "half a character": statement(Sid="").replace('"Sid": ""', '"Sid": "\\ud800"'),
    "a number for an action": statement(Action=5),
    "a boolean for a resource": statement(Resource=True),
    "an object for an action": statement(Action={"s3": "GetObject"}),
    "a number for a Sid": statement(Sid=1),
    "null for an effect": statement(Effect=None),
    "null for a condition": statement(Condition=None),
    "null for a value": statement(Condition={"StringEquals": {"k": None}}),
    "a list in a list": statement(Condition={"StringEquals": {"k": [["v"]]}}),
    "an unknown operator": statement(Condition={"StringEqual": {"k": "v"}}),
    "Null with IfExists": statement(Condition={"NullIfExists": {"k": "true"}}),
    "an unknown element": statement(Actions="s3:*"),
    "an unknown version": ALLOW.replace("2012-10-17", "2025-01-01"),
    "no statement": '{"Version":"2012-10-17"}',
    "an empty list of statements": '{"Version":"2012-10-17","Statement":[]}',
    "Action and NotAction": statement(NotAction="s3:*"),
    "Resource and NotResource": statement(NotResource="*"),
}
MALFORMED = {"MalformedPolicyDocument", "MalformedPolicy"}

Write = Callable[[Server, str], object]


def trusting(text: str) -> str:
    """The same mistake in a trust policy, which has a principal, no resource, and an action of STS."""
    found = text.replace('"Effect"', f'{PRINCIPAL},"Effect"', 1).replace("s3:GetObject", "sts:AssumeRole")
    return found.replace(',"Resource":"*"', "").replace(', "Resource": "arn:aws:s3:::badly/*"', "")


def guarding(text: str) -> str:
    """The same mistake in a bucket's policy, which has a principal."""
    found = text.replace('"Effect"', f'{PRINCIPAL},"Effect"', 1)
    return found.replace(',"Resource":"*"', ',"Resource":"arn:aws:s3:::badly/*"')


@cache
def client(server: Server, service: str) -> Any:
    """One client of a service for all that is tried: making one takes longer than what it is asked."""
    return server.client(service)


def _iam(operation: str, document: str = "PolicyDocument", **arguments: str) -> Write:
    written = trusting if document == "AssumeRolePolicyDocument" or "assume_role" in operation else str
    return lambda server, text: getattr(client(server, "iam"), operation)(**{document: written(text)}, **arguments)


POLICY = f"arn:aws:iam::{ACCOUNT}:policy/badly"
WRITES: dict[str, Write] = {
    "CreatePolicy": _iam("create_policy", PolicyName="badly-new"),
    "CreatePolicyVersion": _iam("create_policy_version", PolicyArn=POLICY),
    "PutUserPolicy": _iam("put_user_policy", UserName="badly", PolicyName="p"),
    "PutGroupPolicy": _iam("put_group_policy", GroupName="badly", PolicyName="p"),
    "PutRolePolicy": _iam("put_role_policy", RoleName="badly", PolicyName="p"),
    "CreateRole": _iam("create_role", "AssumeRolePolicyDocument", RoleName="badly-new"),
    "UpdateAssumeRolePolicy": _iam("update_assume_role_policy", RoleName="badly"),
    "PutBucketPolicy": lambda server, text: client(server, "s3").put_bucket_policy(
        Bucket="badly", Policy=guarding(text)
    ),
    "GetFederationToken": lambda server, text: client(server, "sts").get_federation_token(Name="badly", Policy=text),
}


@pytest.fixture(scope="module")
def stored(server: Server) -> Callable[[], Any]:
    """Make one of everything that holds a policy; return what tells what they hold."""
    iam, s3 = client(server, "iam"), client(server, "s3")
    iam.create_user(UserName="badly")
    iam.create_group(GroupName="badly")
    iam.create_role(RoleName="badly", AssumeRolePolicyDocument=trusting(ALLOW))
    iam.create_policy(PolicyName="badly", PolicyDocument=ALLOW)
    s3.create_bucket(Bucket="badly")

    def look() -> Any:
        found = iam.get_account_authorization_details()
        lists = [found[name] for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")]
        try:
            bucket = s3.get_bucket_policy(Bucket="badly")["Policy"]
        except ClientError as error:
            bucket = error.response["Error"]["Code"]
        return lists, bucket

    return look


@pytest.mark.parametrize("operation", [name for name in WRITES if name not in {"CreatePolicy", "CreateRole"}])
def test_without_a_mistake_it_is_taken(operation: str, server: Server, stored: Callable[[], Any]) -> None:
    before = stored()
    WRITES[operation](server, ALLOW if operation != "GetFederationToken" else statement())
    assert (stored() != before) is (operation not in {"UpdateAssumeRolePolicy", "GetFederationToken"})


@pytest.mark.parametrize("operation", WRITES)
def test_what_is_no_policy_is_refused_and_not_stored(operation: str, server: Server, stored: Callable[[], Any]) -> None:
    before = stored()
    for name, document in DOCUMENTS.items():
        with pytest.raises(ClientError) as refused:
            WRITES[operation](server, document)
        answer = refused.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400, name
        assert answer["Error"]["Code"] in MALFORMED, name
        assert answer["Error"]["Message"], name
    assert stored() == before


@pytest.mark.parametrize("byte", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_what_is_not_utf_8_is_no_bucket_policy(byte: bytes, server: Server, stored: Callable[[], Any]) -> None:
    """Query parameters cannot hold such bytes through an SDK; a body can."""
    before = stored()
    s3 = server.client("s3")

    def spoil(request: Any, **_: object) -> None:
        request.data = request.data.replace(b"*", byte)

    s3.meta.events.register("before-sign.s3.PutBucketPolicy", spoil)
    text = statement(Principal="*")
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(Bucket="badly", Policy=text, ChecksumAlgorithm="CRC32")
    assert refused.value.response["Error"]["Code"] in {"MalformedPolicy", "InvalidRequest", "BadDigest"}
    assert stored() == before
