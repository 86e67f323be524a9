"""What makes a bucket policy public, and what S3 Block Public Access makes of one."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.access.world import ACCOUNT, OTHER, START, Document, World, allow, document

from rolecall.access.check import Check, Guard
from rolecall.access.public import is_public
from rolecall.buckets import Bucket, PublicAccessBlock
from rolecall.buckets.bucket import change_bucket, create_bucket
from rolecall.policy.decide import Layer, Outcome
from rolecall.policy.parse import parse

OPEN = PublicAccessBlock(
    block_public_acls=False, ignore_public_acls=False, block_public_policy=False, restrict_public_buckets=False
)


def granting(principal: object, **condition: object) -> str:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*",
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [OTHER, "*"]}])
def test_everybody_is_the_public(principal: object) -> None:
    assert is_public(parse(granting(principal)))


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": OTHER},
        {"AWS": f"arn:aws:iam::{OTHER}:root"},
        {"Service": "ec2.amazonaws.com"},
        {"CanonicalUser": "a" * 64},
    ],
)
def test_a_named_principal_is_not_the_public(principal: object) -> None:
    assert not is_public(parse(granting(principal)))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}},
        {"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}},
        {"StringLike": {"aws:userid": "AROAEXAMPLE:session"}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:topic"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/R"}},
        {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
        {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-a/r-b/"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"IpAddress": {"aws:SourceIp": ["12.0.0.0/8", "2001:db8::/32"]}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:123456789012:accesspoint/*"}},
        {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
        {"StringLike": {"aws:Referer": "*"}, "StringEquals": {"aws:SourceVpce": "vpce-1"}},
    ],
)
def test_fixed_values_keep_the_public_out(condition: dict[str, object]) -> None:
    assert not is_public(parse(granting("*", **condition)))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"aws:SourceVpc": "vpc-*"}},
        {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/R"}},
        {"StringEquals": {"aws:SourceVpc": ["vpc-1", "${aws:username}"]}},
        {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a/r-b/"}},
        {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "128.0.0.0/1"]}},
        {"IpAddress": {"aws:SourceIp": "2000::/3"}},
        {"StringEquals": {"aws:Referer": "http://here/"}},
        {"StringLike": {"aws:UserAgent": "me"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"s3:x-amz-acl": "private"}},
        {"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:*:accesspoint/x"}},
        {"Null": {"aws:PrincipalArn": "false"}},
        {"StringEquals": {"aws:userid": "anonymous"}},
        {"StringEqualsIgnoreCase": {"aws:PrincipalAccount": [ACCOUNT, "Anonymous"]}},
    ],
)
def test_other_conditions_do_not(condition: dict[str, object]) -> None:
    assert is_public(parse(granting("*", **condition)))


def test_one_public_statement_makes_the_policy_public_and_a_deny_does_not() -> None:
    one = json.loads(granting({"AWS": OTHER}))["Statement"][0]
    everybody = json.loads(granting("*"))["Statement"][0]
    assert is_public(parse(json.dumps({"Version": "2012-10-17", "Statement": [one, everybody]})))
    assert not is_public(
        parse(json.dumps({"Version": "2012-10-17", "Statement": [one, {**everybody, "Effect": "Deny"}]}))
    )


# What is made of it


def get(name: str = "b") -> Check:
    return Check("s3:GetObject", f"arn:aws:s3:::{name}/k", account=ACCOUNT, guard=Guard.BUCKET, guarded_by=name)


def bucket_with(world: World, policy: str, block: PublicAccessBlock | None = OPEN) -> Bucket:
    new = Bucket(name="b", account=ACCOUNT, created=START, policy=policy, public_access_block=block)
    world.change(lambda transaction: create_bucket(transaction, new))
    return new


def outcome(world: World, who: object, check: Check | None = None) -> tuple[Outcome, Layer | None]:
    decision = world.decided(who, check or get(), unsigned=True).decision  # type: ignore[arg-type]
    return decision.outcome, decision.layer


def test_an_open_bucket_is_open_to_everybody(world: World) -> None:
    bucket_with(world, granting("*"))
    for who in (None, world.user("alice"), world.user("eve", allow("s3:*"), account=OTHER)):
        assert outcome(world, who) == (Outcome.ALLOW, None)
    assert outcome(world, world.user("ida", account=OTHER)) == (Outcome.IMPLICIT_DENY, Layer.IDENTITY)


def test_a_restricted_public_bucket_serves_its_own_account_alone(world: World) -> None:
    bucket_with(world, granting("*"), PublicAccessBlock())
    strangers = (None, world.user("eve", allow("s3:*"), account=OTHER))
    for who in strangers:
        assert outcome(world, who) == (Outcome.EXPLICIT_DENY, Layer.RESOURCE)
    assert outcome(world, world.user("alice")) == (Outcome.ALLOW, None)
    assert outcome(world, world.root) == (Outcome.ALLOW, None)


def test_a_restricted_bucket_with_a_private_policy_still_serves_whom_it_names(world: World) -> None:
    bucket_with(world, granting({"AWS": OTHER}), PublicAccessBlock())
    assert outcome(world, world.user("eve", allow("s3:*"), account=OTHER)) == (Outcome.ALLOW, None)
    assert outcome(world, None) == (Outcome.IMPLICIT_DENY, Layer.RESOURCE)


def test_a_changed_block_counts_at_once(world: World) -> None:
    """GHSA-x298-9x87-fvjq: a way round the public access block."""
    made = bucket_with(world, granting("*"))
    assert outcome(world, None) == (Outcome.ALLOW, None)
    changed = msgspec.structs.replace(made, public_access_block=PublicAccessBlock())
    world.change(lambda transaction: change_bucket(transaction, changed))
    assert outcome(world, None) == (Outcome.EXPLICIT_DENY, Layer.RESOURCE)


def test_a_broken_bucket_policy_refuses_everybody_but_the_root_that_repairs_it(world: World) -> None:
    bucket_with(world, "{")
    for who in (None, world.user("alice", allow("*"))):
        decided = world.decided(who, get(), unsigned=True)
        assert decided.decision.outcome is Outcome.IMPLICIT_DENY
        assert "bucket/b policy" in decided.broken
    for action in ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"):
        check = Check(action, "arn:aws:s3:::b", account=ACCOUNT, guard=Guard.BUCKET, guarded_by="b")
        assert outcome(world, world.root, check) == (Outcome.ALLOW, None)


def test_the_owning_root_can_always_take_back_a_policy_that_locks_everybody_out(world: World) -> None:
    locked: Document = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b"]}
    bucket_with(world, document(locked))
    delete = Check("s3:DeleteBucketPolicy", "arn:aws:s3:::b", account=ACCOUNT, guard=Guard.BUCKET, guarded_by="b")
    assert outcome(world, world.root, delete) == (Outcome.ALLOW, None)
    assert outcome(world, world.user("alice", allow("*")), delete) == (Outcome.EXPLICIT_DENY, Layer.RESOURCE)
    listing = Check("s3:ListBucket", "arn:aws:s3:::b", account=ACCOUNT, guard=Guard.BUCKET, guarded_by="b")
    assert outcome(world, world.root, listing) == (Outcome.EXPLICIT_DENY, Layer.RESOURCE)
