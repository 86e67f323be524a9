"""The event of a request: CloudTrail's shape, the decision with its reasons, and never a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.access.world import (
    ACCOUNT,
    OTHER,
    START,
    Credentials,
    World,
    a_request,
    allow,
    arn_of_user,
    deny,
    document,
    role_check,
    trusting,
)

from rolecall.access.audit import Happened
from rolecall.access.authorize import Decided, Denied
from rolecall.access.check import Check
from rolecall.message import ServiceError
from rolecall.policy.decide import Decision, Layer, Matched, Outcome
from rolecall.services.sts import operations
from rolecall.trail import Event, Resource

LATER = datetime(2026, 11, 24, 12, 0, 3, tzinfo=UTC)


def record(happened: Happened) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(happened.event(LATER).record)
    return told


def session_of_role(world: World, **more: Any) -> Credentials:
    alice = world.user("alice", allow("sts:*"))
    world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*"), path="/team/")
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/team/R"
    answer = world.call(operations, alice, "AssumeRole", role_arn=role_arn, role_session_name="work", **more)
    return Credentials.of(answer)


def test_the_record_says_who_what_when_and_from_where(world: World) -> None:
    alice = world.user("alice")
    told = record(world.happened(alice, operation="CreateUser", parameters={"user_name": "bob", "path": "/x/"}))
    assert told["userIdentity"] == {
        "type": "IAMUser",
        "principalId": world.user_id("alice"),
        "arn": arn_of_user("alice"),
        "accountId": ACCOUNT,
        "accessKeyId": alice.access_key_id,
        "userName": "alice",
    }
    expected = {
        "eventTime": "2026-11-24T12:00:03Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "a-client/1.0",
        "requestParameters": {"userName": "bob", "path": "/x/"},
        "requestID": "00000000-0000-4000-8000-000000000001",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    assert {name: told[name] for name in expected} == expected
    assert "errorCode" not in told


def test_a_role_session_shows_its_role_and_its_source_identity(world: World) -> None:
    session = session_of_role(world, source_identity="alice@home")
    told = record(world.happened(session))["userIdentity"]
    caller = world.caller(session)
    assert caller.role is not None
    assert told == {
        "type": "AssumedRole",
        "principalId": f"{caller.role.role_id}:work",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work",
        "accountId": ACCOUNT,
        "accessKeyId": session.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": caller.role.role_id,
                "arn": caller.role.arn,
                "accountId": ACCOUNT,
                "userName": "R",
            },
            "attributes": {"creationDate": "2026-11-24T12:00:00Z", "mfaAuthenticated": "false"},
            "sourceIdentity": "alice@home",
        },
    }
    assert world.happened(session).event(LATER).username == "work"


def test_root_sessions_federated_users_and_strangers_are_told_apart(world: World) -> None:
    alice = world.user("alice", allow("*"))
    federated = Credentials.of(world.call(operations, alice, "GetFederationToken", name="bob"))
    of_alice = Credentials.of(world.call(operations, alice, "GetSessionToken"))
    kinds = {
        who: record(world.happened(who))["userIdentity"]["type"] for who in (world.root, federated, of_alice, None)
    }
    assert kinds == {world.root: "Root", federated: "FederatedUser", of_alice: "IAMUser", None: "AWSAccount"}
    issuer = record(world.happened(federated))["userIdentity"]["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", "alice")
    assert world.happened(world.root).event(LATER).username == "root"
    assert world.happened(federated).event(LATER).username == "bob"


def test_a_request_that_proved_nobody_is_told_as_unknown(world: World) -> None:
    happened = msgspec.structs.replace(world.happened(world.root), caller=None, signature=None)
    event = happened.event(LATER)
    assert json.loads(event.record)["userIdentity"] == {"type": "Unknown"}
    assert (event.account, event.username, event.access_key_id) == (ACCOUNT, "", "")


def test_an_allowed_request_names_the_statements_that_allowed_it(world: World) -> None:
    alice = world.user("alice", allow("iam:*", Sid="Everything"))
    check = Check("iam:GetUser", arn_of_user("alice"))
    told = record(world.happened(alice, decisions=(world.decided(alice, check),)))
    (decision,) = told["additionalEventData"]["decision"]
    assert (decision["action"], decision["outcome"]) == ("iam:GetUser", "allow")
    assert decision["statements"] == [
        {
            "layer": "identity-based policy",
            "source": "user/alice inline inline",
            "policyArn": None,
            "statement": 0,
            "sid": "Everything",
            "effect": "Allow",
        }
    ]
    assert "explanation" not in decision


def test_a_refused_request_names_the_condition_that_failed_with_both_values(world: World) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    alice = world.user("alice", allow("iam:GetUser", Condition=condition), tags={"team": "blue"})
    with pytest.raises(Denied) as denied:
        world.ask(alice, Check("iam:GetUser", arn_of_user("alice")))
    told = record(world.happened(alice, status=403, error=denied.value, decisions=denied.value.decisions))
    assert (told["errorCode"], told["errorMessage"]) == ("AccessDenied", denied.value.message)
    (decision,) = told["additionalEventData"]["decision"]
    assert (decision["outcome"], decision["layer"]) == ("implicit_deny", "identity-based policy")
    (layer,) = decision["explanation"]
    (statement,) = layer["policies"][0]["statements"]
    assert statement["failed"] == {
        "element": "Condition",
        "operator": "StringEquals",
        "key": "aws:PrincipalTag/team",
        "expected": ["red"],
        "actual": ["blue"],
    }


def test_an_explicit_deny_is_named(world: World) -> None:
    alice = world.user("alice", allow("*"), deny("iam:GetUser", Sid="Stop"))
    decided = world.decided(alice, Check("iam:GetUser", arn_of_user("alice")))
    (decision,) = record(world.happened(alice, decisions=(decided,)))["additionalEventData"]["decision"]
    assert [(one["sid"], one["effect"]) for one in decision["statements"]] == [("Stop", "Deny")]


def test_statements_about_other_actions_are_only_counted(world: World) -> None:
    alice = world.user("alice", *(allow(f"s3:Action{number}") for number in range(40)))
    decided = world.decided(alice, Check("iam:GetUser", arn_of_user("alice")))
    (decision,) = record(world.happened(alice, decisions=(decided,)))["additionalEventData"]["decision"]
    (policy,) = decision["explanation"][0]["policies"]
    assert (policy["statements"], policy["otherStatements"]) == ([], 40)


def test_what_only_the_trail_may_know_is_in_it(world: World) -> None:
    error = ServiceError("AccessDenied", "no", 403, reason="the policy is torn")
    told = record(world.happened(world.root, status=403, error=error))
    assert told["additionalEventData"]["reason"] == "the policy is torn"


def test_a_new_session_is_found_by_role_session_and_key_but_shows_no_secret(world: World) -> None:
    """CVE-2018-16889, GHSA-r54g-49rx-98cr, GHSA-8cm2-h255-v749: secrets in logs."""
    alice = world.user("alice")
    role = world.role("R", trusting({"AWS": "*"}), path="/team/")
    parameters = {"role_arn": role.arn, "role_session_name": "work", "external_id": "42", "token_code": "123456"}
    answer = world.call(operations, alice, "AssumeRole", role_arn=role.arn, role_session_name="work", external_id="42")
    happened = world.happened(
        alice,
        service="sts",
        operation="AssumeRole",
        parameters=parameters,
        result=answer,
        decisions=(world.decided(alice, role_check(role)),),
    )
    event = happened.event(LATER)
    credentials = answer["credentials"]
    assert set(event.resources) == {
        Resource("AWS::IAM::Role", "R"),
        Resource("AWS::IAM::Role", role.arn),
        Resource("AWS::IAM::AccessKey", credentials["access_key_id"]),
        Resource("AWS::STS::AssumedRole", "work"),
        Resource("AWS::STS::AssumedRole", f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work"),
    }
    told = json.loads(event.record)
    assert told["responseElements"]["credentials"]["accessKeyId"] == credentials["access_key_id"]
    assert told["requestParameters"]["externalId"] == "42"
    for secret in (credentials["secret_access_key"], credentials["session_token"], "123456"):
        assert secret not in event.record


@pytest.mark.parametrize(
    "secret",
    [
        {"saml_assertion": "PHNhbWw+"},
        {"web_identity_token": "PHNhbWw+"},
        {"password": "PHNhbWw+"},
        {"new_password": "PHNhbWw+", "old_password": "PHNhbWw+"},
        {"access_key": {"secret_access_key": "PHNhbWw+", "access_key_id": "AKIA"}},
        {"nested": [{"deeper": {"session_token": "PHNhbWw+"}}]},
        {"sse_customer_key": "PHNhbWw+"},
        {"private_key": "PHNhbWw+"},
    ],
)
def test_secrets_are_hidden_wherever_they_stand(world: World, secret: dict[str, Any]) -> None:
    """CVE-2018-16889: keys in logs."""
    for where in ("parameters", "result"):
        event = world.happened(world.root, operation="CreateAccessKey", **{where: secret}).event(LATER)
        assert "PHNhbWw" not in event.record
        assert "HIDDEN_DUE_TO_SECURITY_REASONS" in event.record


def test_reads_keep_no_answer_and_changes_do(world: World) -> None:
    result = {"user": {"user_name": "bob", "create_date": START}}
    assert record(world.happened(world.root, operation="GetUser", result=result))["responseElements"] is None
    assert record(world.happened(world.root, operation="CreateUser", result=result))["responseElements"] == {
        "user": {"userName": "bob", "createDate": "2026-11-24T12:00:00Z"}
    }


def test_an_object_is_a_data_event_found_by_its_bucket(world: World) -> None:
    stranger = world.decided(None, Check("s3:GetObject", "arn:aws:s3:::b/a/key", account=OTHER), unsigned=True)
    event = world.happened(None, service="s3", operation="GetObject", decisions=(stranger,)).event(LATER)
    told = json.loads(event.record)
    assert (told["eventCategory"], told["managementEvent"]) == ("Data", False)
    assert told["resources"] == [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/a/key", "accountId": OTHER}]
    assert event.resources == (Resource("AWS::S3::Bucket", "b"),)
    assert event.account == OTHER


def test_a_key_that_is_no_text_and_bodies_do_not_hinder_the_event(world: World) -> None:
    key = b"caf\xe9\xff".decode("utf-8", "surrogateescape")
    decided = world.decided(world.user("alice"), Check("s3:PutObject", f"arn:aws:s3:::b/{key}", account=ACCOUNT))
    happened = world.happened(
        world.root,
        service="s3",
        operation="PutObject",
        decisions=(decided,),
        error=ServiceError("AccessDenied", f"not on {key}", 403, reason=key),
        parameters={"key": key, "body": b"1234", "metadata": {"a": "b"}, "tags": ["x"] * 3, "stream": object()},
    )
    event: Event = happened.event(LATER)
    assert "caf??" in event.record
    assert json.loads(event.record)["requestParameters"]["body"] == "(4 bytes)"


def test_long_text_is_cut(world: World) -> None:
    told = record(world.happened(world.root, parameters={"policy_document": "x" * 100_000}))
    assert len(told["requestParameters"]["policyDocument"]) < 9000


def test_an_event_asked_for_twice_is_the_same(world: World) -> None:
    happened = world.happened(world.root)
    assert happened.event(LATER) == happened.event(LATER)


def test_the_user_agent_and_parameters_cannot_forge_the_record(world: World) -> None:
    hostile = '", "errorCode": "None", "x": "'
    happened = msgspec.structs.replace(world.happened(world.root), request=a_request({"user-agent": hostile}))
    assert record(happened)["userAgent"] == hostile


def test_a_trust_policys_ids_are_explained_by_the_arns_they_stand_for(world: World) -> None:
    world.user("bob")
    alice = world.user("alice", allow("*"))
    role = world.role("R", trusting({"AWS": [world.user_id("bob"), "AIDAGONEGONEGONEGONE2"]}))
    (decision,) = record(world.happened(alice, decisions=(world.decided(alice, role_check(role)),)))[
        "additionalEventData"
    ]["decision"]
    failed = decision["explanation"][0]["policies"][0]["statements"][0]["failed"]
    assert failed["element"] == "Principal"
    assert failed["expected"] == [f"AWS:{arn_of_user('bob')}", "AWS:AIDAGONEGONEGONEGONE2"]


def test_that_a_role_does_not_exist_is_in_the_trail_alone(world: World) -> None:
    alice = world.user("alice", allow("*"))
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/missing"
    with pytest.raises(Denied) as denied:
        world.call(operations, alice, "AssumeRole", role_arn=role_arn, role_session_name="work")
    told = record(world.happened(alice, error=denied.value, decisions=denied.value.decisions))
    assert told["additionalEventData"]["reason"] == "there is no such role"
    assert "exist" not in told["errorMessage"]


def test_a_session_policy_is_named_as_the_layer_that_refused(world: World) -> None:
    session = session_of_role(world, policy=document(allow("s3:*")))
    world.inline(world.caller(session).role.role_id, document(allow("*")))  # type: ignore[union-attr]
    decided = world.decided(session, Check("iam:ListUsers"))
    (decision,) = record(world.happened(session, decisions=(decided,)))["additionalEventData"]["decision"]
    assert decision["layer"] == "session policy"


def test_text_that_cannot_be_written_hides_no_request(world: World) -> None:
    """Half a character in a statement's name must not keep what it allowed or refused out of the trail."""
    alice = world.user("alice")
    decision = Decision(Outcome.ALLOW, None, (Matched(Layer.RESOURCE, "bucket/b policy", None, 0, "\ud800", "Allow"),))
    decided = Decided(Check("s3:GetObject", "arn:aws:s3:::b/k"), decision)
    told = record(world.happened(alice, service="s3", operation="GetObject", decisions=(decided,)))
    assert told["additionalEventData"]["decision"][0]["statements"][0]["sid"] == "?"


def test_no_sender_fills_the_trail_with_headers_messages_or_documents(world: World) -> None:
    """What strangers send is written down too, and kept for months."""
    request = replace(a_request(), headers=(("user-agent", "u" * 300_000), ("host", "h" * 300_000)), secure=True)
    sent = {"delete": {"objects": [{"key": "k" * 8192} for _ in range(1000)]}}
    happened = world.happened(None, service="s3", operation="DeleteObjects", parameters=sent)
    happened = msgspec.structs.replace(happened, request=request, error=ServiceError("MalformedXML", "m" * 1_000_000))
    event = happened.event(LATER)
    assert len(event.record) < 10_000
    told = json.loads(event.record)
    assert told["requestParameters"]["omitted"] is True
    assert told["userAgent"].startswith("uuu")
    assert told["errorMessage"].startswith("mmm")


def test_no_key_longer_than_keys_are_is_listed_among_the_resources(world: World) -> None:
    keys = ("k" * 1024, "k" * 60_000)
    decided = tuple(Decided(Check("s3:GetObject", f"arn:aws:s3:::b/{key}"), Decision(Outcome.ALLOW)) for key in keys)
    about = record(world.happened(None, service="s3", operation="GetObject", decisions=decided))["resources"]
    assert about[0]["ARN"] == f"arn:aws:s3:::b/{keys[0]}"
    assert len(about[1]["ARN"]) < 2100


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("ListObjectsV2", "ListObjects"),
        ("ListObjects", "ListObjects"),
        ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
        ("PutBucketPolicy", "PutBucketPolicy"),
    ],
)
def test_operations_of_s3_have_the_names_that_cloudtrail_gives_them(world: World, operation: str, name: str) -> None:
    parameters = {"prefix": "a/", "bucket": "reports"}
    event = world.happened(None, service="s3", operation=operation, parameters=parameters).event(LATER)
    told = json.loads(event.record)
    assert (event.name, told["eventName"]) == (name, name)
    assert told["requestParameters"] == {"bucketName": "reports", "prefix": "a/"}


def test_another_services_bucket_keeps_its_name(world: World) -> None:
    happened = world.happened(None, service="cloudtrail", operation="CreateTrail", parameters={"bucket": "b"})
    assert record(happened)["requestParameters"] == {"bucket": "b"}


def test_an_event_about_a_trail_is_found_by_its_name_and_its_arn(world: World) -> None:
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
    alice = world.user("alice", allow("cloudtrail:*"))
    decided = world.decided(alice, Check("cloudtrail:StopLogging", arn, account=ACCOUNT))
    event = world.happened(alice, service="cloudtrail", operation="StopLogging", decisions=(decided,)).event(LATER)
    told = json.loads(event.record)
    assert told["resources"] == [{"type": "AWS::CloudTrail::Trail", "ARN": arn, "accountId": ACCOUNT}]
    kind = "AWS::CloudTrail::Trail"
    assert set(event.resources) == {Resource(kind, "audit"), Resource(kind, arn)}
