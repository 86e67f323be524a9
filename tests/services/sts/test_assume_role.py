"""AssumeRole: both sides must allow it, and what the trust policy may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.access.world import ACCOUNT, OTHER, START, Credentials, World, allow, deny, trusting
from tests.services.sts.assuming import ALICE, R, assume, may, not_authorized, refused, tagging_world, trusting_alice

from rolecall.directory.principals import delete_role


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
