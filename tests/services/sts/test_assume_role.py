"""AssumeRole: both sides must allow, and what the session then is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.access.world import ACCOUNT, OTHER, START, Credentials, World, allow, deny, document, trusting

from rolecall.access.authorize import Denied
from rolecall.access.check import Check
from rolecall.directory.principals import delete_role
from rolecall.directory.sessions import Session, open_token, session_keys
from rolecall.message import ServiceError
from rolecall.policy.decide import Outcome
from rolecall.services.sts import operations

R = f"arn:aws:iam::{ACCOUNT}:role/R"


def assume(world: World, who: Credentials | None, role: str = R, **more: Any) -> dict[str, Any]:
    more = {"role_session_name": "work", **more}
    if "tags" in more:
        more["tags"] = [{"key": key, "value": value} for key, value in more["tags"]]
    return world.call(operations, who, "AssumeRole", role_arn=role, **more)


def session_of(world: World, answer: dict[str, Any]) -> Session:
    with world.store.view() as view:
        return open_token(session_keys(view), answer["credentials"]["session_token"])[0]


def refused(world: World, who: Credentials | None, role: str = R, **more: Any) -> tuple[str, str, int]:
    with pytest.raises(ServiceError) as error:
        assume(world, who, role, **more)
    return error.value.code, error.value.message, error.value.status


def not_authorized(arn: str, action: str = "sts:AssumeRole", role: str = R) -> tuple[str, str, int]:
    return "AccessDenied", f"User: {arn} is not authorized to perform: {action} on resource: {role}", 403


def may(world: World, who: Credentials, action: str, resource: str = "*") -> bool:
    return world.decided(who, Check(action, resource)).decision.outcome is Outcome.ALLOW


ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def trusting_alice(world: World, action: object = "sts:AssumeRole", **more: object) -> dict[str, object]:
    return trusting({"AWS": world.user_id("alice")}, action, **more)


# Both sides


def test_a_user_whom_the_trust_policy_names_needs_no_policy_of_its_own(world: World) -> None:
    alice = world.user("alice")
    role = world.role("R", trusting_alice(world), allow("s3:*"), path="/team/")
    answer = assume(world, alice, role.arn)
    assert answer["assumed_role_user"] == {
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work",
        "assumed_role_id": f"{role.role_id}:work",
    }
    credentials = answer["credentials"]
    assert credentials["access_key_id"].startswith("ASIA")
    assert len(credentials["secret_access_key"]) == 40
    assert credentials["expiration"] == START + timedelta(hours=1)
    assert "packed_policy_size" not in answer
    session = Credentials.of(answer)
    assert may(world, session, "s3:ListAllMyBuckets")
    assert not may(world, session, "iam:ListUsers")


def test_an_administrator_whom_the_trust_policy_does_not_admit_is_refused(world: World) -> None:
    alice = world.user("alice", allow("*"))
    world.role("R", trusting({"AWS": f"arn:aws:iam::{OTHER}:root"}))
    assert refused(world, alice) == not_authorized(ALICE)


def test_trust_in_the_account_leaves_it_to_the_callers_policies(world: World) -> None:
    world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert refused(world, world.user("alice")) == not_authorized(ALICE)
    assert assume(world, world.user("bob", allow("sts:AssumeRole", R)))


def test_a_deny_on_the_callers_side_wins_over_trust(world: World) -> None:
    alice = world.user("alice", deny("sts:*"))
    world.role("R", trusting_alice(world))
    assert refused(world, alice) == not_authorized(ALICE)


def test_another_account_needs_both_sides(world: World) -> None:
    world.role("R", trusting({"AWS": OTHER}))
    eve, arn = world.user("eve", account=OTHER), f"arn:aws:iam::{OTHER}:user/eve"
    assert refused(world, eve) == not_authorized(arn)
    assert assume(world, world.user("eva", allow("sts:AssumeRole"), account=OTHER))


def test_roles_of_the_same_name_in_two_accounts_are_two_roles(world: World) -> None:
    """CVE-2025-11621: a principal was matched by its role name without the account."""
    ours = world.role("app", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("sts:AssumeRole"))
    theirs = world.role("app", trusting({"AWS": OTHER}), allow("sts:AssumeRole"), account=OTHER)
    world.role("R", trusting({"AWS": ours.role_id}))
    eve = world.user("eve", allow("sts:*"), account=OTHER)
    stranger = Credentials.of(assume(world, eve, theirs.arn))
    assert refused(world, stranger) == not_authorized(f"arn:aws:sts::{OTHER}:assumed-role/app/work")
    alice = world.user("alice", allow("sts:*"))
    assert assume(world, Credentials.of(assume(world, alice, ours.arn)))


def test_a_missing_role_cannot_be_told_from_a_refused_one(world: World) -> None:
    alice = world.user("alice", allow("*"))
    world.role("R", trusting({"AWS": OTHER}))
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    assert refused(world, alice) == not_authorized(ALICE)
    assert refused(world, alice, missing) == not_authorized(ALICE, role=missing)
    abroad = f"arn:aws:iam::{OTHER}:role/missing"
    assert refused(world, alice, abroad) == not_authorized(ALICE, role=abroad)


@pytest.mark.parametrize(
    "arn",
    [
        "nothing-valid-in-here",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:sts::111122223333:assumed-role/R/s",
        "arn:aws:iam::1111:role/too-short-account",
        "arn:aws:iam:us-east-1:111122223333:role/R",
        "arn:aws-cn:iam::111122223333:role/R",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:role",
    ],
)
def test_what_names_no_role_is_invalid(world: World, arn: str) -> None:
    assert refused(world, world.user("alice"), arn) == (
        "ValidationError",
        f"{arn} is invalid",
        400,
    )


def test_the_roles_name_and_path_must_be_exact(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world), path="/team/")
    for wrong in (R, f"arn:aws:iam::{ACCOUNT}:role/team/r", f"arn:aws:iam::{ACCOUNT}:role/other/R"):
        assert refused(world, alice, wrong) == not_authorized(ALICE, role=wrong)


def test_root_assumes_no_role(world: World) -> None:
    world.role("R", trusting({"AWS": "*"}))
    assert refused(world, world.root) == ("AccessDenied", "Roles may not be assumed by root accounts.", 403)


def test_a_deleted_role_ends_its_sessions_at_once(world: World) -> None:
    alice = world.user("alice")
    role = world.role("R", trusting_alice(world), allow("*"))
    session = Credentials.of(assume(world, alice))
    assert may(world, session, "s3:ListAllMyBuckets")
    world.change(lambda transaction: delete_role(transaction, role))
    with pytest.raises(Exception, match="gone"):
        world.caller(session)


# Conditions of the trust policy


def test_an_external_id_that_is_asked_for_must_be_sent(world: World) -> None:
    alice = world.user("alice")
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    world.role("R", trusting_alice(world, Condition=condition))
    assert refused(world, alice) == not_authorized(ALICE)
    assert refused(world, alice, external_id="43") == not_authorized(ALICE)
    assert assume(world, alice, external_id="42")


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ({"StringLike": {"sts:RoleSessionName": "${aws:username}"}}, {"role_session_name": "alice"}),
        ({"StringEquals": {"aws:ResourceTag/team": "red", "iam:ResourceTag/team": "red"}}, {}),
        ({"StringEquals": {"aws:PrincipalTag/level": "3"}}, {}),
        ({"Null": {"sts:SourceIdentity": "true", "aws:TagKeys": "true", "sts:TransitiveTagKeys": "true"}}, {}),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}),
        ({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}, {}),
        ({"StringEquals": {"aws:PrincipalArn": ALICE, "aws:PrincipalType": "User", "aws:username": "alice"}}, {}),
        ({"Null": {"aws:MultiFactorAuthPresent": "true", "aws:TokenIssueTime": "true"}}, {}),
        ({"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}, {}),
        ({"StringEquals": {"aws:ResourceAccount": ACCOUNT, "aws:PrincipalAccount": ACCOUNT}}, {}),
        ({"Null": {"sts:DurationSeconds": "true"}}, {"duration_seconds": 900}),
    ],
)
def test_the_trust_policy_sees_the_keys_of_the_call(
    world: World, condition: dict[str, object], more: dict[str, Any]
) -> None:
    alice = world.user("alice", tags={"Level": "3"})
    world.role("R", trusting_alice(world, Condition=condition), tags={"Team": "red"})
    assert assume(world, alice, **more)


# Duration


@pytest.mark.parametrize(("most", "wanted"), [(3600, 3601), (7200, 7201), (43200, 43201)])
def test_a_session_is_no_longer_than_its_role_permits(world: World, most: int, wanted: int) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world), seconds=most)
    answer = assume(world, alice, duration_seconds=most)
    assert answer["credentials"]["expiration"] == START + timedelta(seconds=most)
    assert refused(world, alice, duration_seconds=wanted) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        400,
    )


def test_the_default_is_one_hour_whatever_the_role_permits(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world), seconds=43200)
    assert assume(world, alice)["credentials"]["expiration"] == START + timedelta(hours=1)


def chain_world(world: World) -> Credentials:
    """A role R that trusts the account and may assume itself, and a user that may assume anything."""
    alice = world.user("alice", allow("sts:*"))
    world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*"), allow("sts:*"), seconds=43200)
    return alice


def test_a_chained_session_is_no_longer_than_an_hour(world: World) -> None:
    """CVE-2026-44394: a token could be renewed beyond its cap."""
    alice = chain_world(world)
    first = Credentials.of(assume(world, alice, duration_seconds=43200))
    answer = assume(world, first, duration_seconds=3600)
    assert session_of(world, answer).chained
    assert refused(world, first, duration_seconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        400,
    )


@pytest.fixture
def chain(world: World) -> Credentials:
    return chain_world(world)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3599), st.none() | st.integers(900, 3600)), max_size=4),
    st.integers(900, 43200),
    st.integers(900, 43200),
)
def test_no_chain_of_sessions_lasts_longer_than_each_hop_may(
    world: World, chain: Credentials, hops: list[tuple[int, int | None]], first: int, last: int
) -> None:
    """CVE-2026-44394: whatever is asked for on whichever hop, each session ends within its own cap."""
    who = Credentials.of(assume(world, chain, duration_seconds=first))
    assert world.caller(who).session.expires - world.clock.now() <= timedelta(seconds=first)
    left = first
    for waited, wanted in hops:
        world.wait(seconds=min(waited, left - 1))
        answer = assume(world, who, **({} if wanted is None else {"duration_seconds": wanted}))
        left = wanted or 3600
        assert answer["credentials"]["expiration"] - world.clock.now() <= timedelta(seconds=left)
        who = Credentials.of(answer)
    if last > 3600:
        assert refused(world, who, duration_seconds=last)[0] == "ValidationError"


# Session policies


def test_a_session_policy_limits_and_never_grants(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world), allow("s3:*"))
    answer = assume(world, alice, policy=document(allow(["s3:ListAllMyBuckets", "iam:*"])))
    assert 0 < answer["packed_policy_size"] < 100
    session = Credentials.of(answer)
    assert may(world, session, "s3:ListAllMyBuckets")
    assert not may(world, session, "s3:CreateBucket")
    assert not may(world, session, "iam:ListUsers")


def test_a_limited_session_cannot_mint_an_unlimited_one(world: World) -> None:
    """CVE-2025-62506: a session policy was not asked about calls on the caller's own account."""
    alice = world.user("alice")
    role = world.role("R", trusting_alice(world), allow("*"))
    world.role("S", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("*"))
    session = Credentials.of(assume(world, alice, policy=document(allow("s3:GetObject"))))
    own = f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work"
    assert refused(world, session, f"arn:aws:iam::{ACCOUNT}:role/S")[1].startswith(f"User: {own} is not authorized")
    for action in ("iam:CreateAccessKey", "iam:CreateUser", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert not may(world, session, action, role.arn)
    for name, parameters in (("GetSessionToken", {}), ("GetFederationToken", {"name": "bob"})):
        with pytest.raises(ServiceError) as error:
            world.call(operations, session, name, **parameters)
        assert (error.value.code, error.value.message) == (
            "AccessDenied",
            f"Cannot call {name} with session credentials",
        )


def test_managed_policies_limit_a_session_too_and_count_together_with_an_inline_one(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world), allow("*"))
    arn = world.managed("Listing", allow("s3:ListAllMyBuckets"))
    session = Credentials.of(assume(world, alice, policy_arns=[{"arn": arn}], policy=document(allow("iam:ListUsers"))))
    assert may(world, session, "s3:ListAllMyBuckets")
    assert may(world, session, "iam:ListUsers")
    assert not may(world, session, "iam:CreateUser")


def test_a_managed_session_policy_must_exist_in_the_roles_account(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world))
    for arn in (f"arn:aws:iam::{ACCOUNT}:policy/none", world.managed("Theirs", allow("*"), account=OTHER)):
        assert refused(world, alice, policy_arns=[{"arn": arn}]) == (
            "ValidationError",
            f"Policy {arn} does not exist or is not attachable.",
            400,
        )
    assert refused(world, alice, policy_arns=[{"arn": "arn:aws:s3:::some-bucket"}])[1].endswith(" is invalid")
    assert refused(world, alice, policy_arns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/n"}] * 11)[0] == "ValidationError"
    assert assume(world, alice, policy_arns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"Version": "2012-10-17", "Statement": [trusting("*")]}),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}]}',
    ],
)
def test_a_session_policy_that_is_none_is_malformed(world: World, text: str) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world))
    code, _, status = refused(world, alice, policy=text)
    assert (code, status) == ("MalformedPolicyDocument", 400)


def test_what_does_not_pack_into_the_token_is_too_large(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world, ["sts:AssumeRole", "sts:TagSession"]))
    noise = [f"s3:{number * 7919**5 % 10**12}" for number in range(1, 400)]
    code, message, status = refused(world, alice, policy=document(allow(noise)))
    assert (code, status) == ("PackedPolicyTooLarge", 400)
    assert message.startswith("Packed policy consumes ")
    assert message.endswith("% of allotted space, please use smaller policy.")
    tags = [(f"key{number}", str(number * 7919**50 % 10**120)) for number in range(50)]
    code, message, _ = refused(world, alice, tags=tags)
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed size of session tags consumes ")


# Tags and source identity


def test_tags_need_tag_session_on_both_sides(world: World) -> None:
    alice = world.user("alice", allow("sts:AssumeRole"))
    world.role("R", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert assume(world, alice)
    assert refused(world, alice, tags=[("a", "b")]) == not_authorized(ALICE, "sts:TagSession")
    world.role("Tagging", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ["sts:AssumeRole", "sts:TagSession"]))
    tagging = R.replace("/R", "/Tagging")
    assert refused(world, alice, tagging, tags=[("a", "b")]) == not_authorized(ALICE, "sts:TagSession", tagging)
    bob = world.user("bob", allow(["sts:AssumeRole", "sts:TagSession"]))
    assert assume(world, bob, tagging, tags=[("a", "b")])


def tagging_world(world: World) -> Credentials:
    alice = world.user("alice", allow("sts:*"))
    for name in ("R", "S"):
        world.role(
            name,
            trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*"),
            allow("sts:*"),
            tags={"team": "red", "Kind": name},
        )
    return alice


def test_a_sessions_tags_are_the_roles_overlaid_by_those_passed_without_regard_to_case(world: World) -> None:
    alice = tagging_world(world)
    session = Credentials.of(assume(world, alice, tags=[("Team", "blue"), ("project", "x")]))
    assert dict(world.caller(session).tags) == {"Kind": "R", "Team": "blue", "project": "x"}


def test_transitive_tags_follow_the_chain_and_cannot_be_changed(world: World) -> None:
    alice = tagging_world(world)
    first = Credentials.of(
        assume(world, alice, tags=[("Project", "x"), ("Loose", "y")], transitive_tag_keys=["project"])
    )
    second = Credentials.of(assume(world, first, R.replace("/R", "/S")))
    assert dict(world.caller(second).tags) == {"team": "red", "Kind": "S", "Project": "x"}
    third = Credentials.of(assume(world, second))
    assert world.caller(third).tags["Project"] == "x"
    assert refused(world, second, tags=[("PROJECT", "z")]) == (
        "InvalidParameterValue",
        (
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the"
            " calling session."
        ),
        400,
    )


def test_inherited_tags_alone_need_tag_session_on_the_next_hop(world: World) -> None:
    alice = tagging_world(world)
    world.role("Closed", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), allow("*"))
    closed = R.replace("/R", "/Closed")
    first = Credentials.of(assume(world, alice, tags=[("p", "x")], transitive_tag_keys=["p"]))
    assert refused(world, first, closed) == not_authorized(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work", "sts:TagSession", closed
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"tags": [("a", "1"), ("A", "2")]},
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            {"tags": [("a", "1")], "transitive_tag_keys": ["b"]},
            "The specified transitive tag key must be included in the requested tags.",
        ),
        ({"transitive_tag_keys": ["b"]}, "The specified transitive tag key must be included in the requested tags."),
        ({"tags": [("AWS:x", "1")]}, "Tag keys that begin with aws: are reserved for AWS."),
    ],
)
def test_tags_that_cannot_be_set_are_refused(world: World, more: dict[str, Any], message: str) -> None:
    assert refused(world, tagging_world(world), **more) == ("InvalidParameterValue", message, 400)


def test_a_trust_policy_sees_the_tags_of_the_request(world: World) -> None:
    alice = world.user("alice")
    condition = {
        "StringEquals": {"aws:RequestTag/Project": "x"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Project"], "sts:TransitiveTagKeys": ["Project"]},
    }
    world.role("R", trusting_alice(world, ["sts:AssumeRole", "sts:TagSession"], Condition=condition))
    assert assume(world, alice, tags=[("Project", "x")], transitive_tag_keys=["Project"])
    assert refused(world, alice, tags=[("Project", "y")]) == not_authorized(ALICE)
    assert refused(world, alice, tags=[("Project", "x"), ("more", "z")]) == not_authorized(ALICE)


def test_a_source_identity_stays_through_the_chain(world: World) -> None:
    alice = tagging_world(world)
    answer = assume(world, alice, source_identity="alice@home")
    assert answer["source_identity"] == "alice@home"
    first = Credentials.of(answer)
    second = assume(world, first, R.replace("/R", "/S"))
    assert second["source_identity"] == "alice@home"
    assert assume(world, first, source_identity="alice@home")["source_identity"] == "alice@home"
    assert refused(world, first, source_identity="mallory") == not_authorized(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work", "sts:SetSourceIdentity"
    )


def test_a_source_identity_needs_its_own_right_on_every_hop(world: World) -> None:
    alice = world.user("alice", allow(["sts:AssumeRole", "sts:SetSourceIdentity"]))
    everybody = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    world.role("R", trusting(everybody), allow("*"))
    assert refused(world, alice, source_identity="alice") == not_authorized(ALICE, "sts:SetSourceIdentity")
    world.role("Open", trusting(everybody, ["sts:AssumeRole", "sts:SetSourceIdentity"]), allow("*"))
    first = Credentials.of(assume(world, alice, R.replace("/R", "/Open"), source_identity="alice"))
    assert refused(world, first) == not_authorized(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Open/work", "sts:SetSourceIdentity"
    )


def test_a_chained_session_needs_the_right_to_its_source_identity_on_its_own_side_too(world: World) -> None:
    """The trust policy that names the role is enough for AssumeRole, and not for SetSourceIdentity."""
    alice = world.user("alice", allow(["sts:AssumeRole", "sts:SetSourceIdentity"]))
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    for name, own in {"Silent": allow("s3:*"), "Speaking": allow("sts:SetSourceIdentity")}.items():
        role = world.role(name, trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, both), own)
        world.role(f"After{name}", trusting({"AWS": role.role_id}, both), allow("*"))
    first = Credentials.of(assume(world, alice, R.replace("/R", "/Silent"), source_identity="alice"))
    refusal = refused(world, first, R.replace("/R", "/AfterSilent"))
    assert refusal[1].startswith(
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Silent/work is not authorized to perform: "
    )
    assert "sts:SetSourceIdentity on resource" in refusal[1]
    first = Credentials.of(assume(world, alice, R.replace("/R", "/Speaking"), source_identity="alice"))
    assert assume(world, first, R.replace("/R", "/AfterSpeaking"))["source_identity"] == "alice"


def test_a_source_identity_is_a_key_of_this_call_and_of_the_next(world: World) -> None:
    alice = tagging_world(world)
    condition = {"StringEquals": {"sts:SourceIdentity": "alice", "aws:SourceIdentity": "alice"}}
    world.role("Later", trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*", Condition=condition))
    later = R.replace("/R", "/Later")
    assert refused(world, alice, later, source_identity="alice")[0] == "AccessDenied"
    assert assume(world, Credentials.of(assume(world, alice, source_identity="alice")), later)


def test_a_reserved_source_identity_is_refused(world: World) -> None:
    assert refused(world, tagging_world(world), source_identity="aws:me")[0] == "ValidationError"


# Proofs that cannot be given


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            {"serial_number": f"arn:aws:iam::{ACCOUNT}:mfa/alice", "token_code": "123456"},
            "unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
        ),
        ({"token_code": "123456"}, "must provide both MFA serial number and one time pass code."),
        ({"serial_number": "GAHT12345678"}, "must provide both MFA serial number and one time pass code."),
    ],
)
def test_a_claim_of_mfa_without_a_device_is_refused(world: World, more: dict[str, Any], reason: str) -> None:
    code, message, status = refused(world, tagging_world(world), **more)
    assert (code, message, status) == ("AccessDenied", f"MultiFactorAuthentication failed, {reason}", 403)


def test_a_role_that_asks_for_mfa_is_closed_to_long_term_keys(world: World) -> None:
    alice = world.user("alice")
    world.role("R", trusting_alice(world, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    assert refused(world, alice) == not_authorized(ALICE)


def test_an_unknown_context_assertion_is_refused(world: World) -> None:
    alice = tagging_world(world)
    context = [{"provider_arn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "context_assertion": "forged"}]
    assert refused(world, alice, provided_contexts=context)[0] == "InvalidContextAssertion"


# The token


@pytest.mark.parametrize("least", [0, 1, 500, 1001, 4096])
def test_a_token_is_as_long_as_was_asked_for_and_says_how_long(world: World, least: int) -> None:
    alice = tagging_world(world)
    answer = assume(world, alice, minimum_session_token_size=least, policy=document(allow("s3:*")))
    token = answer["credentials"]["session_token"]
    assert least <= len(token) <= 4096
    assert answer["session_token_size"] == len(token)
    assert answer["session_token_utilization"] == -(-100 * len(token) // 4096)
    assert session_of(world, answer).policies == (document(allow("s3:*")),)


def test_each_session_has_an_id_and_a_secret_of_its_own(world: World) -> None:
    alice = tagging_world(world)
    answers = [assume(world, alice)["credentials"] for _ in range(50)]
    for member in ("access_key_id", "secret_access_key", "session_token"):
        assert len({answer[member] for answer in answers}) == 50


def test_the_reason_for_a_refusal_is_known_though_not_told(world: World) -> None:
    alice = world.user("alice", allow("*"))
    world.role("R", trusting({"AWS": OTHER}))
    with pytest.raises(Denied) as denied:
        assume(world, alice)
    decision = denied.value.decisions[-1].decision
    assert decision.layer is not None
    assert decision.layer.value == "role trust policy"
