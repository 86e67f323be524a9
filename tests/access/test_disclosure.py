"""What a reader of the trail sees of policies: those it may read elsewhere, each asked for by its own right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.access.world import ACCOUNT, OTHER, World, allow, trusting

from rolecall.access.check import Check
from rolecall.access.disclosure import Disclosure
from rolecall.buckets.bucket import Bucket, create_bucket
from rolecall.store.sqlite import SqliteStore

ROLE = f"arn:aws:iam::{ACCOUNT}:role/R"
EDGE = f"arn:aws:iam::{ACCOUNT}:policy/Edge"
STATEMENTS = [{"statement": 0, "sid": "S", "effect": "Allow", "applies": False}]


@pytest.fixture
def world(store: SqliteStore) -> World:
    made = World(store)
    made.user("alice")
    made.group("devs", "alice")
    made.role("R", trusting({"Service": "ec2.amazonaws.com"}))
    for account, name in ((ACCOUNT, "ours"), (OTHER, "theirs")):
        bucket = Bucket(name=name, account=account, created=made.clock.now())
        made.change(lambda transaction, bucket=bucket: create_bucket(transaction, bucket))
    return made


def shown(
    world: World, rights: list[str], layer: str, resource: str = ROLE, account: str = ACCOUNT, **policy: Any
) -> dict[str, Any]:
    """Return a decision as a reader with these rights sees it."""
    entry = {
        "action": "x:Y",
        "resource": resource,
        "resourceAccount": account,
        "conditionKeys": {"aws:username": "alice", "aws:resourcetag/secret": "blue"},
        "explanation": [{"layer": layer, "policies": [{"source": "p", "statements": STATEMENTS, **policy}]}],
    }
    record = json.dumps({"additionalEventData": {"decision": [entry]}}, separators=(",", ":"))
    reader = world.user(f"reader{len(rights)}{layer[:3]}{account}", *(allow(right) for right in [*rights, "x:Read"]))
    allowed = world.ask(reader, Check("x:Read"))
    with world.store.view() as view:
        found = json.loads(Disclosure(allowed, view).of(record))
    told: dict[str, Any] = found["additionalEventData"]["decision"][0]
    return told


CASES = [
    ("role trust policy", "iam:GetRole", ROLE, {}),
    ("resource-based policy", "s3:GetBucketPolicy", "arn:aws:s3:::ours/k", {}),
    ("identity-based policy", "iam:GetUserPolicy", ROLE, {"attachedTo": ["user/alice"]}),
    ("identity-based policy", "iam:GetGroupPolicy", ROLE, {"attachedTo": ["user/alice", "group/devs"]}),
    ("identity-based policy", "iam:GetRolePolicy", ROLE, {"attachedTo": ["role/R"]}),
    ("identity-based policy", "iam:GetPolicyVersion", ROLE, {"policyArn": EDGE, "attachedTo": ["user/alice"]}),
    ("permissions boundary", "iam:GetPolicyVersion", ROLE, {"policyArn": EDGE, "attachedTo": ["user/alice"]}),
    ("service control policy", "organizations:DescribePolicy", ROLE, {}),
    ("resource control policy", "organizations:DescribePolicy", ROLE, {}),
]


@pytest.mark.parametrize(("layer", "right", "resource", "policy"), CASES)
def test_a_policy_is_shown_to_those_who_may_read_it(
    world: World, layer: str, right: str, resource: str, policy: dict[str, Any]
) -> None:
    (seen,) = shown(world, [right], layer, resource, **policy)["explanation"][0]["policies"]
    assert (seen["statements"], "withheld" in seen) == (STATEMENTS, False)
    (hidden,) = shown(world, [], layer, resource, **policy)["explanation"][0]["policies"]
    assert (hidden["source"], hidden["withheld"], "statements" in hidden) == ("p", right, False)


def test_awss_own_policies_and_session_policies_are_shown_to_every_reader(world: World) -> None:
    for layer, policy in (
        ("identity-based policy", {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("session policy", {}),
    ):
        (seen,) = shown(world, [], layer, **policy)["explanation"][0]["policies"]
        assert seen["statements"] == STATEMENTS


def test_another_accounts_policies_are_that_accounts_to_show(world: World) -> None:
    for layer, resource in (
        ("role trust policy", f"arn:aws:iam::{OTHER}:role/R"),
        ("resource-based policy", "arn:aws:s3:::theirs/k"),
    ):
        told = shown(world, ["iam:*", "s3:*"], layer, resource, OTHER)
        assert "statements" not in told["explanation"][0]["policies"][0]


def test_a_hidden_resources_tags_are_hidden_too(world: World) -> None:
    assert shown(world, [], "role trust policy")["conditionKeys"] == {"aws:username": "alice"}
    assert "aws:resourcetag/secret" in shown(world, ["iam:GetRole"], "role trust policy")["conditionKeys"]


def test_a_record_without_explanation_is_passed_on_as_it_is(world: World) -> None:
    allowed = world.ask(world.root, Check("x:Read"))
    with world.store.view() as view:
        assert Disclosure(allowed, view).of('{"eventName": "x"}') == '{"eventName": "x"}'
