"""Requests and policies by the thousand, drawn from a world so small that statements often meet requests.

Everything is drawn from a `random.Random`, so that a number names a world: the same number makes the same world again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from tests.spec.evaluator import Json, World

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Policies
from rolecall.policy.parse import parse
from rolecall.policy.request import ANONYMOUS, PolicyRequest, Principal, PrincipalKind

REQUESTS_A_WORLD = 16

# Who asks -------------------------------------------------------------------------------------------------------------

HOME, AWAY = "111122223333", "444455556666"
ROLE, ROLE_ID = f"arn:aws:iam::{HOME}:role/ops/app", "AROAAPP00000000000001"
LINKED = "AWSServiceRoleForX"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{HOME}:user/alice", HOME, "AIDAALICE000000000001")
APP = Principal(
    PrincipalKind.ROLE_SESSION,
    f"arn:aws:sts::{HOME}:assumed-role/app/s1",
    HOME,
    f"{ROLE_ID}:s1",
    ROLE,
    ROLE_ID,
    "c" * 64,
)
CALLERS = [
    *[ALICE, ALICE, ALICE, APP, APP, APP],
    replace(ALICE, in_management_account=True),
    Principal(PrincipalKind.USER, f"arn:aws:iam::{AWAY}:user/alice", AWAY, "AIDACAROL000000000001"),
    Principal(
        PrincipalKind.ROLE_SESSION,
        f"arn:aws:sts::{HOME}:assumed-role/{LINKED}/s",
        HOME,
        "AROALINK0000000000001:s",
        f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/{LINKED}",
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
    Principal(PrincipalKind.FEDERATED, f"arn:aws:iam::{AWAY}:saml-provider/Corp", AWAY),
    Principal(PrincipalKind.FEDERATED, "accounts.google.com"),
    ANONYMOUS,
]
PROVIDERS = [f"arn:aws:iam::{account}:saml-provider/Corp" for account in (HOME, AWAY)]
ROOTS = [f"arn:aws:iam::{HOME}:root", AWAY]
NAMES = sorted({name for each in CALLERS for name in (each.arn, each.owner_arn) if name.startswith("arn:aws")})
AWS_NAMES = ["*", "*", HOME, *ROOTS, ROLE_ID, "AIDAALICE000000000001", "AIDADEAD0000000000001", *NAMES]
OTHER_PRINCIPALS = {
    "Service": ["ec2.amazonaws.com", "s3.amazonaws.com"],
    "Federated": [*PROVIDERS, "accounts.google.com"],
    "CanonicalUser": ["c" * 64],
}

# What is asked --------------------------------------------------------------------------------------------------------

ACTIONS = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "sts:AssumeRole"]
ACTION_PATTERNS = ["*", "s3:*", "S3:get*", "s3:?etObject", "s3:GetObject", "sts:AssumeRole", "*:*", "s*:Put*", "sts:*"]
ACTION_PATTERNS += ["s3", "s3:GetObjec", "s3:*Object"]
RESOURCES = [
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/alice/x",
    "arn:aws:s3:::b/a*c",
    "arn:aws:s3:::b//x",
    f"arn:aws:iam::{HOME}:role/t",
]
RESOURCE_PATTERNS = [
    *["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::*", "arn:aws:s3", "arn:aws:*:::b/*/x"],
    *["arn:aws:iam::*:role/t", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${Test:S, 'alice'}/?"],
    *["arn:aws:s3:::b/a${*}c", "arn:aws:s3:::?", "arn:aws:s3:::b/${test:multi}/x", "arn:*:s3:::b*"],
    *["arn:aws:s3:::b/${nope", "arn:aws:s3:::${}", "arn:aws:s3:::b/*x*", "arn:aws:s3:::b/${test:gone}/x"],
    "arn:aws:s3:::b/${test:gone, 'alice'}/x",
]

TEXTS = ["", "a", "A", "alice", "ab", "a*", "true"]
NUMBERS = ["10", "10.0", "9", "-1", "9007199254740993", "ten"]
DATES = ["2026-11-24", "2026-11-24T00:00:00Z", "1795478400", "2026-11-24T02:00:00+02:00", "2026", "never"]
ADDRESSES = ["10.0.0.1", "10.255.0.1", "192.0.2.7", "2001:db8::1", "::1", "here"]
ARNS = ["arn:aws:s3:::b/x", "arn:aws:s3:eu:1:b:c/x", "arn:aws:iam::1:role/a*", "arn:aws:s3", "b"]
BINARIES = ["QUI=", "QUJD", "QUI", "?"]
EVERY_VALUE = [*TEXTS, *NUMBERS, *DATES, *ADDRESSES, *ARNS, *BINARIES, "false", "True"]
VALUES = {
    "s": [*TEXTS * 3, *EVERY_VALUE],
    "n": NUMBERS,
    "d": DATES,
    "ip": ADDRESSES,
    "arn": ARNS,
    "b": ["true", "True", "FALSE", "false", "yes"],
    "bin": BINARIES,
}
"""For each kind of operator, the values of a key of that type: `test:n` holds numbers and what is none."""
WANTED = {
    "s": [
        *TEXTS,
        "a?",
        "*",
        "${aws:username}",
        "${test:s}*",
        "${test:gone, 'a'}",
        "${*}",
        "${test:gone}",
        "${test:multi}",
    ],
    "n": [*NUMBERS, "9.999", "9007199254740992", "${test:n}"],
    "d": [*DATES, "2026-11-25", "1795478401", "2026-11-24T00:00:00.5Z"],
    "ip": [*ADDRESSES, "10.0.0.0/8", "10.0.0.0/16", "0.0.0.0/0", "::/0", "10.0.0.0/33"],
    "arn": [
        *ARNS,
        "arn:aws:s3:::*",
        "arn:aws:*:*:*:*/x",
        "arn:aws:s3:::${test:s}",
        "arn:aws:s3:${test:s}:1:b:c/x",
        "*",
    ],
    "b": ["true", "false", "TRUE", "${test:b}", "yes"],
    "bin": [*BINARIES, "QUJDRA=="],
}
ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
OPERATORS = {
    "s": [f"String{name}" for name in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like")],
    "n": [f"Numeric{order}" for order in ORDERS],
    "d": [f"Date{order}" for order in ORDERS],
    "b": ["Bool"],
    "bin": ["BinaryEquals"],
    "ip": ["IpAddress", "NotIpAddress"],
    "arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
}
OPERATORS["s"].append("stringnotlike")
WANTED["arn"] += ["${test:arn}", "arn:aws:iam::1:role/a${*}"]
KIND_OF = {operator: kind for kind, names in OPERATORS.items() for operator in names}
KEYS = [*[f"test:{kind}" for kind in VALUES], "Test:S", "test:multi", "test:gone", "aws:username"]


def condition_line(dice: random.Random) -> tuple[str, str, object]:
    """An operator, a key and the policy's value or values: mostly of the operator's own type."""
    operator = dice.choice([*KIND_OF, "Null"])
    if operator == "Null":
        return "Null", dice.choice(KEYS), _one_or_list(dice, ["true", "false", "x"])
    kind = KIND_OF[operator]
    key = f"test:{kind}" if dice.random() < 0.6 else dice.choice(["test:multi", dice.choice(KEYS)])
    values = WANTED[kind] if dice.random() < 0.9 else EVERY_VALUE
    spelled = dice.choice(["", "", "ForAllValues:", "ForAnyValue:"]) + operator + dice.choice(["", "", "IfExists"])
    return spelled, key, _one_or_list(dice, values, most=3, least=0)


def _one_or_list(dice: random.Random, values: Sequence[str], most: int = 2, least: int = 1) -> object:
    if dice.random() < 0.5:
        return dice.choice(values)
    return [dice.choice(values) for _ in range(dice.randint(least, most))]


def context(dice: random.Random) -> dict[str, str | tuple[str, ...]]:
    """Every key is absent now and then."""
    found: dict[str, str | tuple[str, ...]] = {f"test:{kind}": dice.choice(values) for kind, values in VALUES.items()}
    kind = dice.choice([*VALUES])
    found["test:multi"] = tuple(dice.choice(VALUES[kind]) for _ in range(dice.randrange(4)))
    found["aws:username"] = "alice"
    return {key: value for key, value in found.items() if dice.random() < 0.8}


# Documents ------------------------------------------------------------------------------------------------------------


def _principal(dice: random.Random) -> object:
    if dice.randrange(4) == 0:
        return "*"
    found: dict[str, object] = {"AWS": _one_or_list(dice, AWS_NAMES, 3)}
    for kind, values in OTHER_PRINCIPALS.items():
        if dice.randrange(4) == 0:
            found[kind] = dice.choice(values)
    return found


def statement(dice: random.Random, *, principal: bool = False, trust: bool = False, effects: str = "AllowDeny") -> Json:
    deny = effects == "Deny" or (effects == "AllowDeny" and dice.randrange(6) == 0)
    found: Json = {"Effect": "Deny" if deny else "Allow"}
    found[dice.choice(["Action"] * 5 + ["NotAction"])] = _one_or_list(dice, ACTION_PATTERNS)
    if not trust:
        found[dice.choice(["Resource"] * 5 + ["NotResource"])] = _one_or_list(dice, RESOURCE_PATTERNS)
    if principal:
        found[dice.choice(["Principal"] * 4 + ["NotPrincipal"])] = _principal(dice)
    if dice.randrange(2) == 0:
        condition: dict[str, dict[str, object]] = {}
        for operator, key, value in (condition_line(dice) for _ in range(dice.choice([1, 2, 2]))):
            condition.setdefault(operator, {})[key] = value
        found["Condition"] = condition
    return found


def document(dice: random.Random, *, principal: bool = False, trust: bool = False, effects: str = "AllowDeny") -> Json:
    version = dice.choice(["2012-10-17"] * 4 + ["2008-10-17"])
    listed = [
        statement(dice, principal=principal, trust=trust, effects=effects) for _ in range(dice.choice([1, 1, 2, 3]))
    ]
    return {"Version": version, "Statement": listed}


def _everything(
    dice: random.Random, effect: str, *, principal: bool = False, trust: bool = False, open_to_all: bool = False
) -> Json:
    """A statement about every action on every resource, naming callers in one of the ways there are."""
    found: Json = {"Effect": effect, "Action": "*"}
    if not trust:
        found["Resource"] = "*"
    if principal:
        found["Principal"] = "*" if open_to_all else dice.choice([*[{"AWS": ROOTS}] * 4, "*", _principal(dice)])
    return found


# Worlds ---------------------------------------------------------------------------------------------------------------

LAYERS = ["scps", "rcps", "endpoint", "resource", "identity", "boundary", "session"]
WITH_PRINCIPAL = {"rcps", "endpoint", "resource"}


def world(dice: random.Random, *, trust: bool) -> World:
    """Some layers, and one of them to be the one that refuses: the others get an Allow for everything, mostly."""
    present = [name for name in LAYERS if name == "identity" or dice.random() < (0.85 if name == "resource" else 0.4)]
    victim = dice.choice([*present, "nobody", *[each for each in present for _ in range(3) if each == "boundary"]])
    generous = dice.random() < 0.8
    made: dict[str, list[Json]] = {}
    for name in present:
        named, own = name in WITH_PRINCIPAL, trust and name == "resource"
        effects = "Deny" if name == "rcps" else "AllowDeny"
        found = document(dice, principal=named, trust=own, effects=effects)
        if name == victim and dice.randrange(2):
            found["Statement"].append(_everything(dice, "Deny", principal=named, trust=own))
        elif name != victim and generous and name != "rcps":
            found["Statement"] = [
                each for each in found["Statement"] if each["Effect"] == "Allow" or dice.randrange(4) == 0
            ]
            wide = name == "endpoint" and dice.randrange(4) > 0
            found["Statement"].append(_everything(dice, "Allow", principal=named, trust=own, open_to_all=wide))
        made[name] = [found]
    return _assembled(dice, made)


def _assembled(dice: random.Random, made: dict[str, list[Json]]) -> World:
    more = [document(dice) for _ in range(dice.choice([0, 0, 1]))]
    scps = [made["scps"]] if "scps" in made else []
    if scps and dice.randrange(3) == 0:
        scps.insert(0, [{"Version": "2012-10-17", "Statement": _everything(dice, "Allow")}])
    return World(
        identity=made["identity"] + more if dice.randrange(8) else [],
        boundary=made["boundary"][0] if "boundary" in made else None,
        session=made.get("session")
        if "session" in made and dice.randrange(10)
        else ([] if "session" in made else None),
        resource=made["resource"][0] if "resource" in made else None,
        scps=scps,
        rcps=[made["rcps"]] if "rcps" in made else [],
        endpoint=made["endpoint"][0] if "endpoint" in made else None,
    )


def request(dice: random.Random, *, trust: bool) -> PolicyRequest:
    if trust:
        return PolicyRequest(
            principal=dice.choice(CALLERS),
            action="sts:AssumeRole",
            resource=f"arn:aws:iam::{HOME}:role/t",
            resource_account=HOME,
            context=context(dice),
            must_be_admitted=True,
            needs_both_sides=dice.randrange(4) == 0,
        )
    return PolicyRequest(
        principal=dice.choice(CALLERS),
        action=dice.choice(ACTIONS),
        resource=dice.choice(RESOURCES),
        resource_account=dice.choice([HOME, HOME, None]),
        context=context(dice),
        needs_delegation=dice.randrange(8) == 0,
    )


def drawn(number: int) -> tuple[World, list[PolicyRequest]]:
    """The world of that number, and what is asked in it."""
    dice = random.Random(number)
    trust = dice.randrange(3) == 0
    made = world(dice, trust=trust)
    return made, [request(dice, trust=trust) for _ in range(REQUESTS_A_WORLD)]


def single(number: int) -> tuple[PolicyRequest, World]:
    made, asked = drawn(number)
    return asked[0], made


def drawn_simple(number: int) -> tuple[World, list[PolicyRequest]]:
    """A world of one statement, which one condition or one pattern alone decides."""
    dice = random.Random(number)
    version = dice.choice(["2012-10-17"] * 4 + ["2008-10-17"])
    allow: Json = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if dice.randrange(5) == 0:
        allow[dice.choice(["Resource", "NotResource"])] = _one_or_list(dice, RESOURCE_PATTERNS)
        if "NotResource" in allow:
            del allow["Resource"]
    else:
        operator, key, values = condition_line(dice)
        allow["Condition"] = {operator: {key: values}}
    asked = [
        PolicyRequest(ALICE, "s3:GetObject", dice.choice(RESOURCES), None, context(dice))
        for _ in range(REQUESTS_A_WORLD)
    ]
    return World([{"Version": version, "Statement": [allow]}]), asked


NUMBERS_OF_WORLDS = st.integers(0, 2**48)
cases = NUMBERS_OF_WORLDS.map(single)
documents = NUMBERS_OF_WORLDS.map(lambda number: document(random.Random(number)))
denials = NUMBERS_OF_WORLDS.map(lambda number: document(random.Random(number), effects="Deny"))


def attached(found: Json, source: str = "test") -> Attached:
    return Attached(compile_policy(parse(json.dumps(found))), source)


def policies(made: World) -> Policies:
    """The same documents, as the engine takes them."""
    return Policies(
        identity=tuple(attached(each) for each in made.identity),
        boundary=None if made.boundary is None else attached(made.boundary),
        session=None if made.session is None else tuple(attached(each) for each in made.session),
        resource=None if made.resource is None else attached(made.resource),
        scps=tuple(tuple(attached(each) for each in level) for level in made.scps),
        rcps=tuple(tuple(attached(each) for each in level) for level in made.rcps),
        endpoint=None if made.endpoint is None else attached(made.endpoint),
    )
