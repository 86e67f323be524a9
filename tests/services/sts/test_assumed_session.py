"""The session that AssumeRole makes: how long it lasts, what limits it, and the token that carries it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.access.world import ACCOUNT, OTHER, START, Credentials, World, allow, document, trusting
from tests.services.sts.assuming import assume, may, refused, session_of, tagging_world, trusting_alice

from rolecall.access.authorize import Denied
from rolecall.message import ServiceError
from rolecall.services.sts import operations


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


def test_the_plain_text_of_a_session_policy_has_at_most_2048_characters(world: World) -> None:
    """However well it packs: "The plaintext ... can't exceed 2,048 characters" (API_AssumeRole)."""
    alice = world.user("alice")
    world.role("R", trusting_alice(world))
    text = document(allow("s3:GetObject"))
    assert assume(world, alice, policy=text.ljust(2048))
    code, message, status = refused(world, alice, policy=text.ljust(2049))
    assert (code, status) == ("PackedPolicyTooLarge", 400)
    assert message == "Packed policy consumes 101% of allotted space, please use smaller policy."


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
