"""Tags and source identity: which rights they take, and how they follow a chain of sessions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.access.world import ACCOUNT, Credentials, World, allow, trusting
from tests.services.sts.assuming import ALICE, R, assume, not_authorized, refused, tagging_world, trusting_alice


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
