"""Global condition keys: present exactly where AWS has them, made from facts and never from a client's say-so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.access.world import ACCOUNT, OTHER, START, Credentials, World, a_request, allow, document, trusting

from rolecall.access.authorize import policy_request
from rolecall.access.caller import SignatureFacts
from rolecall.access.check import Check
from rolecall.access.context import global_keys
from rolecall.policy.decide import Outcome
from rolecall.policy.request import ContextValue
from rolecall.services.sts import operations
from rolecall.sigv4.signature import Scheme

MFA = ("aws:multifactorauthpresent", "aws:multifactorauthage")


def keys(
    world: World, who: Credentials | None, service: str = "s3", headers: dict[str, str] | None = None, **more: Any
) -> dict[str, ContextValue]:
    facts = more.pop("facts", world.authenticated(who).facts)
    return global_keys(world.caller(who), facts, a_request(headers, **more), service, world.clock.now())


def a_session(world: World, **more: Any) -> Credentials:
    alice = world.user("alice", allow("sts:*"))
    world.role("R", trusting({"AWS": ACCOUNT}, "sts:*"), path="/team/", tags={"Level": "3"})
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/team/R"
    return Credentials.of(
        world.call(operations, alice, "AssumeRole", role_arn=role_arn, role_session_name="work", **more)
    )


def test_what_the_keys_say_of_a_user(world: World) -> None:
    alice = world.user("alice", path="/team/", tags={"Level": "3"})
    assert keys(world, alice, "sts", {"referer": "http://here/"}) == {
        "aws:currenttime": "2026-11-24T12:00:00Z",
        "aws:epochtime": "1795521600",
        "aws:securetransport": "false",
        "aws:useragent": "a-client/1.0",
        "aws:referer": "http://here/",
        "aws:requestedregion": "eu-central-1",
        "aws:viaawsservice": "false",
        "aws:sourceip": "192.0.2.7",
        "aws:principalaccount": ACCOUNT,
        "aws:principalarn": f"arn:aws:iam::{ACCOUNT}:user/team/alice",
        "aws:principaltype": "User",
        "aws:userid": world.user_id("alice"),
        "aws:username": "alice",
        "aws:principalisawsservice": "false",
        "aws:principaltag/level": "3",
    }


def test_the_anonymous_callers_keys(world: World) -> None:
    assert keys(world, None) == {
        "aws:currenttime": "2026-11-24T12:00:00Z",
        "aws:epochtime": "1795521600",
        "aws:securetransport": "false",
        "aws:useragent": "a-client/1.0",
        "aws:requestedregion": "us-east-1",
        "aws:viaawsservice": "false",
        "aws:sourceip": "192.0.2.7",
        "aws:principalaccount": "anonymous",
        "aws:principaltype": "Anonymous",
        "aws:userid": "anonymous",
    }


def test_a_role_sessions_arn_key_is_the_roles_with_its_path(world: World) -> None:
    session = a_session(world)
    found = keys(world, session)
    role = world.caller(session).role
    assert role is not None
    assert found["aws:principalarn"] == f"arn:aws:iam::{ACCOUNT}:role/team/R"
    assert found["aws:principaltype"] == "AssumedRole"
    assert found["aws:userid"] == f"{role.role_id}:work"
    assert found["aws:principaltag/level"] == "3"
    assert "aws:username" not in found


def test_root_and_federated_users_have_no_username(world: World) -> None:
    alice = world.user("alice", allow("*"))
    bob = Credentials.of(world.call(operations, alice, "GetFederationToken", name="bob"))
    found = keys(world, bob)
    assert found["aws:principaltype"] == "FederatedUser"
    assert found["aws:userid"] == f"{ACCOUNT}:bob"
    assert found["aws:principalarn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    root = keys(world, world.root)
    assert (root["aws:principaltype"], root["aws:userid"]) == ("Account", ACCOUNT)
    assert "aws:username" not in found
    assert "aws:username" not in root


def test_mfa_keys_are_there_for_session_tokens_and_role_sessions_alone(world: World) -> None:
    role_session = a_session(world)
    alice = world.user("amy", allow("*"))
    session = Credentials.of(world.call(operations, alice, "GetSessionToken"))
    federated = Credentials.of(world.call(operations, alice, "GetFederationToken", name="bob"))
    for who in (world.root, alice, federated, None):
        assert not set(MFA) & set(keys(world, who))
    for who in (role_session, session):
        found = keys(world, who)
        assert found["aws:multifactorauthpresent"] == "false"
        assert "aws:multifactorauthage" not in found


def test_a_session_with_mfa_tells_its_age(world: World) -> None:
    caller = world.caller(Credentials.of(world.call(operations, world.user("amy"), "GetSessionToken")))
    assert caller.session is not None
    proved = type(caller.session)(
        **{field: getattr(caller.session, field) for field in caller.session.__struct_fields__ if field != "mfa_at"},
        mfa_at=START - timedelta(seconds=90),
    )
    found = global_keys(replace(caller, session=proved), SignatureFacts(), a_request(), "s3", START)
    assert (found[MFA[0]], found[MFA[1]]) == ("true", "90")


def test_temporary_credentials_tell_when_they_were_issued(world: World) -> None:
    session = a_session(world, source_identity="alice@home")
    world.wait(minutes=5)
    found = keys(world, session)
    assert found["aws:tokenissuetime"] == "2026-11-24T12:00:00Z"
    assert found["aws:sourceidentity"] == "alice@home"
    for who in (world.root, world.user("amy")):
        assert not {"aws:tokenissuetime", "aws:sourceidentity", "aws:federatedprovider"} & set(keys(world, who))


def test_older_sessions_are_revoked_by_their_issue_time(world: World) -> None:
    session = a_session(world)
    role = world.caller(session).role
    assert role is not None
    revoke = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    condition = {"DateLessThan": {"aws:TokenIssueTime": "2026-11-24T12:30:00Z"}}
    world.inline(role.role_id, document(allow("*"), {**revoke, "Condition": condition}))
    assert world.decided(session, Check("s3:ListAllMyBuckets")).decision.outcome is Outcome.EXPLICIT_DENY
    world.wait(minutes=31)
    amy = world.user("amy", allow("sts:*"))
    fresh = world.call(operations, amy, "AssumeRole", role_arn=role.arn, role_session_name="later")
    assert world.decided(Credentials.of(fresh), Check("s3:ListAllMyBuckets")).decision.outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("service", "region", "expected"),
    [("iam", "eu-central-1", "us-east-1"), ("s3", "eu-central-1", "eu-central-1"), ("sts", "", "us-east-1")],
)
def test_the_region_is_the_one_signed_for_and_iams_is_fixed(
    world: World, service: str, region: str, expected: str
) -> None:
    facts = SignatureFacts(Scheme.HEADER, region)
    assert keys(world, world.root, service, facts=facts)["aws:requestedregion"] == expected


def test_transport_is_what_the_connection_was(world: World) -> None:
    """GHSA-fc6g-2gcp-2qrq: X-Forwarded-For was trusted for aws:SourceIp."""
    assert keys(world, world.root, secure=True)["aws:securetransport"] == "true"
    hostile = {"x-forwarded-proto": "https", "x-forwarded-for": "10.0.0.1"}
    found = keys(world, world.root, headers=hostile)
    assert (found["aws:securetransport"], found["aws:sourceip"]) == ("false", "192.0.2.7")


@pytest.mark.parametrize("separator", [":", "-", "_", "/"])
def test_no_header_can_name_a_condition_key(world: World, separator: str) -> None:
    """GHSA-6r96-hmgc-726c: request headers collided with condition keys such as userid and groups."""
    alice = world.user("alice")
    plain = keys(world, alice)
    names = [*plain, "aws:principaltag/admin", "aws:sourceidentity", "aws:multifactorauthpresent", "aws:sourcevpce"]
    names += ["userid", "groups", "username", "principaltype", "aws:principalorgid", "aws:federatedprovider"]
    headers = {name.replace(":", separator): "forged" for name in names if name not in {"aws:useragent", "aws:referer"}}
    assert keys(world, alice, headers=headers) == plain


def test_a_checks_keys_never_replace_global_ones(world: World) -> None:
    """GHSA-6r96-hmgc-726c: what a request says must not speak for the caller."""
    alice = world.user("alice")
    forged = Check("s3:GetObject", context={"aws:userid": "forged", "aws:principaltype": "Account", "s3:prefix": "x"})
    asked = policy_request(world.caller(alice), forged, keys(world, alice))
    assert asked.context["aws:userid"] == world.user_id("alice")
    assert asked.context["aws:principaltype"] == "User"
    assert asked.context["s3:prefix"] == "x"


def test_the_resources_account_is_the_owners(world: World) -> None:
    alice = world.caller(world.user("alice"))
    assert policy_request(alice, Check("iam:GetUser"), {}).context == {"aws:resourceaccount": ACCOUNT}
    theirs = policy_request(alice, Check("s3:GetObject", account=OTHER), {})
    assert theirs.context == {"aws:resourceaccount": OTHER, "s3:resourceaccount": OTHER}
    assert theirs.resource_account == OTHER


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (Scheme.HEADER, {"s3:authtype": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256"}),
        (
            Scheme.QUERY,
            {
                "s3:authtype": "REST-QUERY-STRING",
                "s3:signatureversion": "AWS4-HMAC-SHA256",
                "s3:signatureage": "60000",
            },
        ),
        (
            Scheme.FORM,
            {"s3:authtype": "POST", "s3:signatureversion": "AWS4-HMAC-SHA256", "s3:signatureage": "60000"},
        ),
        (None, {}),
    ],
)
def test_s3_sees_how_a_request_was_signed(world: World, scheme: Scheme | None, expected: dict[str, str]) -> None:
    facts = SignatureFacts(scheme, "us-east-1", START - timedelta(seconds=60))
    found = keys(world, world.root, facts=facts)
    assert {key: value for key, value in found.items() if key.startswith("s3:")} == expected
    assert not any(key.startswith("s3:") for key in keys(world, world.root, "sts", facts=facts))


def test_s3_sees_the_payloads_hash_and_the_tls_version(world: World) -> None:
    facts = SignatureFacts(Scheme.HEADER, "us-east-1", START, "UNSIGNED-PAYLOAD")
    request = replace(a_request(secure=True), tls_version="1.3")
    found = global_keys(world.caller(world.root), facts, request, "s3", START)
    assert (found["s3:x-amz-content-sha256"], found["s3:tlsversion"]) == ("UNSIGNED-PAYLOAD", "1.3")


def test_a_users_name_in_a_resource_is_that_name_and_no_prefix(world: World) -> None:
    """minio 99bf4d0c4: a resource with ${aws:username} matched by prefix."""
    home = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")
    bob, bo = world.user("bob", home), world.user("bo", home)
    theirs = Check("s3:GetObject", "arn:aws:s3:::home/bobby/file")
    own = Check("s3:GetObject", "arn:aws:s3:::home/bob/file")
    assert world.decided(bob, own).decision.outcome is Outcome.ALLOW
    assert world.decided(bob, theirs).decision.outcome is Outcome.IMPLICIT_DENY
    assert world.decided(bo, own).decision.outcome is Outcome.IMPLICIT_DENY
