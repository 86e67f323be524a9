"""Hypothesis strategies for requests and policies, from a world so small that statements often meet requests."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st
from tests.spec.evaluator import Json, World

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Policies
from rolecall.policy.parse import parse
from rolecall.policy.request import ANONYMOUS, PolicyRequest, Principal, PrincipalKind

T = TypeVar("T")
HOME, AWAY = "111122223333", "444455556666"
ROLE, ROLE_ID = f"arn:aws:iam::{HOME}:role/ops/app", "AROAAPP00000000000001"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{HOME}:user/alice", HOME, "AIDAALICE000000000001")
CALLERS = [
    ALICE,
    replace(ALICE, in_management_account=True),
    Principal(PrincipalKind.USER, f"arn:aws:iam::{AWAY}:user/alice", AWAY, "AIDACAROL000000000001"),
    Principal(
        PrincipalKind.ROLE_SESSION,
        f"arn:aws:sts::{HOME}:assumed-role/app/s1",
        HOME,
        f"{ROLE_ID}:s1",
        ROLE,
        ROLE_ID,
        "c" * 64,
    ),
    Principal(
        PrincipalKind.ROLE_SESSION,
        f"arn:aws:sts::{HOME}:assumed-role/AWSServiceRoleForX/s",
        HOME,
        "AROALINK0000000000001:s",
        f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        "AROALINK0000000000001",
    ),
    Principal(
        PrincipalKind.FEDERATED_USER, f"arn:aws:sts::{HOME}:federated-user/f", HOME, "", ALICE.arn, ALICE.unique_id
    ),
    Principal(
        PrincipalKind.FEDERATED_USER, f"arn:aws:sts::{HOME}:federated-user/r", HOME, "", f"arn:aws:iam::{HOME}:root"
    ),
    Principal(PrincipalKind.ROOT, f"arn:aws:iam::{HOME}:root", HOME, HOME),
    Principal(PrincipalKind.ROOT, f"arn:aws:iam::{AWAY}:root", AWAY, AWAY),
    Principal(PrincipalKind.SERVICE, "ec2.amazonaws.com"),
    Principal(PrincipalKind.FEDERATED, f"arn:aws:iam::{HOME}:saml-provider/Corp", HOME),
    ANONYMOUS,
]
NAMES = sorted({name for each in CALLERS for name in (each.arn, each.owner_arn) if name.startswith("arn:aws")})
AWS_NAMES = ["*", "*", HOME, AWAY, f"arn:aws:iam::{HOME}:root", ROLE_ID, "AIDAALICE000000000001"]
AWS_NAMES += ["AIDADEAD0000000000001", *NAMES]

ACTIONS = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "sts:AssumeRole"]
ACTION_PATTERNS = [
    "*",
    "s3:*",
    "S3:get*",
    "s3:?etObject",
    "s3:GetObject",
    "sts:AssumeRole",
    "*:*",
    "s*:Put*",
    "sts:*",
    "s3",
]
RESOURCES = ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/alice/x", "arn:aws:s3:::b/a*c", f"arn:aws:iam::{HOME}:role/t"]
RESOURCE_PATTERNS = [
    *[
        "*",
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::*",
        "arn:aws:s3",
        "arn:aws:*:::b/*/x",
        "arn:aws:iam::*:role/t",
    ],
    *[
        "arn:aws:s3:::b/${aws:username}/*",
        "arn:aws:s3:::b/${Test:K, 'alice'}/?",
        "arn:aws:s3:::b/a${*}c",
        "arn:aws:s3:::?",
    ],
    *[
        "arn:aws:s3:::b/${test:multi}/x",
        "arn:*:s3:::b*",
        "arn:aws:s3:::b/${nope",
        "arn:aws:s3:::${}",
        "arn:aws:s3:::b/*x*",
    ],
]

TEXTS = ["", "a", "A", "alice", "ab", "a*", "10", "10.0", "9", "true", "False", "QUI=", "2026-11-24", "1795651200"]
TEXTS += ["10.0.0.1", "2001:db8::1", "arn:aws:s3:::b/x", "arn:aws:s3:eu:1:b:c/x"]
VALUES = [*TEXTS, "a?", "*", "${aws:username}", "${test:k}*", "${test:gone, 'a'}", "${*}", "10.0.0.0/8", "::/0"]
VALUES += ["arn:aws:s3:::*", "arn:aws:*:*:*:*/x", "${test:k}", "arn:aws:s3:::${aws:username}", "2026-11-24T00:00:00Z"]
VALUES += ["arn:aws:s3:${test:k}:1:b:c/x", "2026", "arn:aws:s3:::b/${test:gone}"]
OPERATORS = [
    *["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "stringnotequalsignorecase", "StringLike"],
    *["StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"],
    *["DateEquals", "DateLessThanEquals", "DateGreaterThan", "DateNotEquals", "Bool", "BinaryEquals", "IpAddress"],
    *["NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
]
KEYS = ["test:k", "Test:K", "test:multi", "test:gone", "aws:username"]


# Statements come from pools made once from fixed seeds: drawing each of their parts would take hypothesis minutes.


def _one_or_list(dice: random.Random, values: Sequence[str], most: int = 2, least: int = 1) -> object:
    if dice.random() < 0.5:
        return dice.choice(values)
    return [dice.choice(values) for _ in range(dice.randint(least, most))]


def _condition_line(dice: random.Random) -> tuple[str, str, object]:
    if dice.randrange(10) == 0:
        return "Null", dice.choice(KEYS), _one_or_list(dice, ["true", "false", "x"])
    operator = dice.choice(["", "", "ForAllValues:", "ForAnyValue:"]) + dice.choice(OPERATORS)
    operator += dice.choice(["", "", "IfExists"])
    return operator, dice.choice(KEYS), _one_or_list(dice, VALUES, most=3, least=0)


def _principal(dice: random.Random) -> object:
    if dice.randrange(4) == 0:
        return "*"
    found: dict[str, object] = {"AWS": _one_or_list(dice, AWS_NAMES, 3)}
    for kind, values in (
        ("Service", ["ec2.amazonaws.com", "s3.amazonaws.com"]),
        ("Federated", [f"arn:aws:iam::{HOME}:saml-provider/Corp", "accounts.google.com"]),
        ("CanonicalUser", ["c" * 64]),
    ):
        if dice.randrange(4) == 0:
            found[kind] = dice.choice(values)
    return found


def _statement(dice: random.Random, *, principal: bool, trust: bool, effects: str) -> Json:
    deny = effects == "Deny" or (effects == "AllowDeny" and dice.randrange(5) == 0)
    found: Json = {"Effect": "Deny" if deny else "Allow"}
    found[dice.choice(["Action"] * 5 + ["NotAction"])] = _one_or_list(dice, ACTION_PATTERNS)
    if not trust:
        found[dice.choice(["Resource"] * 5 + ["NotResource"])] = _one_or_list(dice, RESOURCE_PATTERNS)
    if principal:
        found[dice.choice(["Principal"] * 4 + ["NotPrincipal"])] = _principal(dice)
    if dice.randrange(3) == 0:
        condition: dict[str, dict[str, object]] = {}
        for operator, key, value in (_condition_line(dice) for _ in range(dice.randint(1, 2))):
            condition.setdefault(operator, {})[key] = value
        found["Condition"] = condition
    return found


@cache
def _pool(*, principal: bool, trust: bool, effects: str) -> list[Json]:
    dice = random.Random(f"{principal} {trust} {effects}")
    return [_statement(dice, principal=principal, trust=trust, effects=effects) for _ in range(4000)]


_DICE = random.Random("conditions")
_LINES = [_condition_line(_DICE) for _ in range(20_000)]


def _from(pool: Sequence[T]) -> st.SearchStrategy[T]:
    """What `sampled_from` does, without its look at each member of a large pool."""
    return st.integers(0, len(pool) - 1).map(pool.__getitem__)


def condition_lines() -> st.SearchStrategy[tuple[str, str, object]]:
    return _from(_LINES)


def documents(*, principal: bool = False, trust: bool = False, effects: str = "AllowDeny") -> st.SearchStrategy[Json]:
    return st.builds(
        lambda version, listed: {"Version": version, "Statement": list(listed)},
        st.sampled_from(["2012-10-17"] * 4 + ["2008-10-17"]),
        st.lists(_from(_pool(principal=principal, trust=trust, effects=effects)), min_size=1, max_size=3),
    )


_CONTEXTS = []
for _ in range(3000):
    found: dict[str, str | tuple[str, ...]] = {"aws:username": "alice"}
    found["test:k"] = _DICE.choice(TEXTS)
    found["test:multi"] = tuple(_DICE.choice(TEXTS) for _ in range(_DICE.randrange(4)))
    _CONTEXTS.append({key: value for key, value in found.items() if _DICE.randrange(4)})


def requests() -> st.SearchStrategy[PolicyRequest]:
    trust = st.builds(
        PolicyRequest,
        principal=st.sampled_from(CALLERS),
        action=st.just("sts:AssumeRole"),
        resource=st.just(f"arn:aws:iam::{HOME}:role/t"),
        resource_account=st.just(HOME),
        context=_from(_CONTEXTS),
        must_be_admitted=st.just(True),
        needs_both_sides=st.sampled_from([False, False, True]),
    )
    plain = st.builds(
        PolicyRequest,
        principal=st.sampled_from(CALLERS),
        action=st.sampled_from(ACTIONS),
        resource=st.sampled_from(RESOURCES),
        resource_account=st.sampled_from([HOME, HOME, None]),
        context=_from(_CONTEXTS),
    )
    return trust | plain


_PLAIN, _NAMED = documents(), documents(principal=True)
_TRUST, _RCP = documents(principal=True, trust=True), documents(principal=True, effects="Deny")
_FEW = st.lists(_PLAIN, max_size=2)
_LEVELS = st.lists(_FEW, max_size=2)
_REQUESTS = requests()
_OFTEN = st.sampled_from([True, True, False])
_PRESENT = st.sampled_from(["", "", "boundary", "session", "scps", "rcps", "endpoint", "boundary session"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[PolicyRequest, World]:
    request = draw(_REQUESTS)
    present = draw(_PRESENT)
    return request, World(
        identity=draw(_FEW),
        resource=draw(_TRUST if request.must_be_admitted else _NAMED) if draw(_OFTEN) else None,
        boundary=draw(_PLAIN) if "boundary" in present else None,
        session=draw(_FEW) if "session" in present else None,
        scps=draw(_LEVELS) if "scps" in present else [],
        rcps=[[draw(_RCP)]] if "rcps" in present else [],
        endpoint=draw(_NAMED) if "endpoint" in present else None,
    )


def attached(document: Json, source: str = "test") -> Attached:
    return Attached(compile_policy(parse(json.dumps(document))), source)


def policies(world: World) -> Policies:
    """The same documents, as the engine takes them."""
    return Policies(
        identity=tuple(attached(each) for each in world.identity),
        boundary=None if world.boundary is None else attached(world.boundary),
        session=None if world.session is None else tuple(attached(each) for each in world.session),
        resource=None if world.resource is None else attached(world.resource),
        scps=tuple(tuple(attached(each) for each in level) for level in world.scps),
        rcps=tuple(tuple(attached(each) for each in level) for level in world.rcps),
        endpoint=None if world.endpoint is None else attached(world.endpoint),
    )
