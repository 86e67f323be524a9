"""Records as AWS's clients read them: LookupEvents by every attribute, and the shape of an event.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Credentials, Server, serving

ORDER = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "eventCategory",
    "tlsDetails",
]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("records") / "data", "--account", ACCOUNT) as served:
        yield served


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.fixture(scope="module")
def records(server: Server) -> dict[str, dict[str, Any]]:
    """What alice's session and alice did: the records of one AssumeRole, one GetObject, one refused PutObject."""
    alice = server.user("alice", policy(Action="sts:AssumeRole", Resource=ROLE))
    iam, s3 = server.client("iam"), server.client("s3")
    iam.create_role(
        RoleName="reader", AssumeRolePolicyDocument=policy(Action="sts:AssumeRole", Principal={"AWS": ACCOUNT})
    )
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy(Action="s3:GetObject", Resource="*"))
    s3.create_bucket(Bucket="books")
    s3.put_object(Bucket="books", Key="one", Body=b"1")
    answer = server.client("sts", alice).assume_role(RoleArn=ROLE, RoleSessionName="me")
    session = server.client("s3", Credentials.of(answer["Credentials"]))
    read = session.get_object(Bucket="books", Key="one")
    with pytest.raises(ClientError) as refused:
        session.put_object(Bucket="books", Key="two", Body=b"2")
    for each in (answer, read, refused.value.response):
        server.recorded(each)
    found: dict[str, dict[str, Any]] = {}
    for name in ("AssumeRole", "GetObject", "PutObject"):
        (newest, *_) = lookup(server, "EventName", name)
        found[name] = newest
    found["secret"] = answer["Credentials"]
    return found


def lookup(server: Server, key: str, value: str) -> list[dict[str, Any]]:
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}]
    )
    return [event | {"record": json.loads(event["CloudTrailEvent"])} for event in events["Events"]]


def test_fields_come_in_cloudtrails_order(records: dict[str, Any]) -> None:
    for name in ("AssumeRole", "GetObject", "PutObject"):
        keys = list(records[name]["record"])
        assert keys == [key for key in ORDER if key in keys]
        optional = {"errorCode", "errorMessage", "tlsDetails"}
        assert set(ORDER) - set(keys) <= optional


def test_a_session_says_whose_it_is(records: dict[str, Any]) -> None:
    identity = records["GetObject"]["record"]["userIdentity"]
    assert (identity["type"], identity["arn"]) == ("AssumedRole", f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me")
    assert identity["principalId"].endswith(":me")
    context = identity["sessionContext"]
    issuer = {key: context["sessionIssuer"][key] for key in ("type", "arn", "accountId", "userName")}
    assert issuer == {"type": "Role", "arn": ROLE, "accountId": ACCOUNT, "userName": "reader"}
    assert context["sessionIssuer"]["principalId"] == identity["principalId"].partition(":")[0]
    assert context["attributes"]["mfaAuthenticated"] == "false"
    assert context["attributes"]["creationDate"].endswith("Z")


def test_credentials_are_told_without_their_secrets(records: dict[str, Any]) -> None:
    told = records["AssumeRole"]["CloudTrailEvent"]
    elements = records["AssumeRole"]["record"]["responseElements"]
    secret = records["secret"]
    assert elements["credentials"]["accessKeyId"] == secret["AccessKeyId"]
    assert elements["assumedRoleUser"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me"
    assert secret["SecretAccessKey"] not in told
    assert secret["SessionToken"] not in told


def test_object_requests_are_data_events(records: dict[str, Any]) -> None:
    record = records["GetObject"]["record"]
    assert (record["eventCategory"], record["managementEvent"], record["readOnly"]) == ("Data", False, True)
    assert "arn:aws:s3:::books/one" in [about["ARN"] for about in record["resources"]]
    assert records["AssumeRole"]["record"]["eventCategory"] == "Management"


def test_a_refusal_tells_its_code_and_its_decision(records: dict[str, Any]) -> None:
    record = records["PutObject"]["record"]
    assert (record["errorCode"], record["readOnly"], record["responseElements"]) == ("AccessDenied", False, None)
    (decision,) = record["additionalEventData"]["decision"]
    assert (decision["action"], decision["outcome"], decision["layer"]) == (
        "s3:PutObject",
        "implicit_deny",
        "identity-based policy",
    )


def test_events_are_found_by_every_attribute(server: Server, records: dict[str, Any]) -> None:
    event = records["GetObject"]
    asked = {
        "EventId": event["EventId"],
        "EventName": "GetObject",
        "EventSource": "s3.amazonaws.com",
        "ReadOnly": "true",
        "Username": "me",
        "AccessKeyId": event["AccessKeyId"],
        "ResourceType": "AWS::S3::Bucket",
        "ResourceName": "books",
    }
    for key, value in asked.items():
        assert event["EventId"] in [one["EventId"] for one in lookup(server, key, value)], key


def test_more_than_fifty_are_not_asked_for(server: Server) -> None:
    client = server.client("cloudtrail")
    with pytest.raises(ClientError) as refused:
        client.lookup_events(MaxResults=51)
    error = refused.value.response["Error"]
    said = "1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: "
    assert error["Code"] == "ValidationException"
    assert error["Message"] == f"{said}Member must have value less than or equal to 50"
