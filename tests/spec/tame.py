"""Worlds without what iam-simulate is known to decide in another way (docs/decisions/policy-third-opinion.md)."""

from __future__ import annotations

import random

import msgspec
from tests.spec.evaluator import Json, World, as_list
from tests.spec.worlds import ALICE, APP, CALLERS, HOME, KIND_OF, drawn

from rolecall.policy.request import Context, PolicyRequest, PrincipalKind

FIT = {
    "s": {"a", "A", "alice", "ab", "a*", "true"},
    "n": {"10", "10.0", "9", "-1", "9.999"},
    "d": {"2026-11-24", "2026-11-24T00:00:00Z", "2026-11-24T02:00:00+02:00", "2026-11-25"},
    "ip": {"10.0.0.1", "10.255.0.1", "192.0.2.7"},
    "arn": {
        "arn:aws:s3:::b/x",
        "arn:aws:s3:eu:1:b:c/x",
        "arn:aws:iam::1:role/a*",
        "arn:aws:s3:::*",
        "arn:aws:*:*:*:*/x",
    },
    "b": {"true", "false"},
    "bin": {"QUJD", "QUJDRA=="},
}
"""Of each type the values that both read alike: well formed, no address of the other family, no epoch seconds."""
FIT_WANTED = {
    **FIT,
    "ip": {*FIT["ip"], "10.0.0.0/8", "10.0.0.0/16"},
    "s": {*FIT["s"], "a?", "*", "${aws:username}", "${test:s}*", "${test:gone, 'a'}", "${*}"},
}
ODD_ACTIONS = {"s3", "*:*", "s*:Put*"}
ODD_RESOURCES = {"arn:aws:s3", "arn:aws:s3:::${}", "arn:aws:s3:::b/${nope", "arn:aws:s3:::b/${test:multi}/x"}
"""What no policy that AWS takes holds, and a variable for a list, which AWS leaves open."""
ASKERS = [
    *[ALICE, APP],
    *(each for each in CALLERS if each.account not in (HOME, None) and each.kind is PrincipalKind.USER),
    *(each for each in CALLERS if each.kind in (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE)),
]


def tame(number: int) -> tuple[World, list[PolicyRequest]]:
    world, asked = drawn(number)
    dice = random.Random(number)
    for document in _documents(world):
        document["Version"] = "2012-10-17"
        document["Statement"] = [_statement(each, dice) for each in as_list(document["Statement"])]
    for document in [*(each for level in world.rcps for each in level), world.endpoint]:
        for statement in [] if document is None else document["Statement"]:
            statement["Principal"] = "*"
    return world, [
        request
        for each in asked
        if not each.needs_both_sides and (each.must_be_admitted or each.action != "sts:AssumeRole")
        for request in [msgspec.structs.replace(each, **_changes(each, dice))]
        if _comparable(request, world)
    ]


def _documents(world: World) -> list[Json]:
    single = [each for each in (world.boundary, world.resource, world.endpoint) if each is not None]
    levels = [each for level in (*world.scps, *world.rcps) for each in level]
    return [*world.identity, *(world.session or ()), *single, *levels]


def _statement(statement: Json, dice: random.Random) -> Json:
    found = {name: value for name, value in statement.items() if name not in {"NotPrincipal", "Condition"}}
    if "NotPrincipal" in statement:
        found["Principal"] = statement["NotPrincipal"]
    principal = found.get("Principal")
    if isinstance(principal, dict):
        named = [each for each in as_list(principal["AWS"]) if not str(each).startswith(("AROA", "AIDA"))]
        rest = {"Service": principal["Service"]} if "Service" in principal else {}
        found["Principal"] = {"AWS": named or [f"arn:aws:iam::{HOME}:root"], **rest}
    for element, odd, other in (("Action", ODD_ACTIONS, "s3:*"), ("Resource", ODD_RESOURCES, "arn:aws:s3:::b/*")):
        for name in {element, f"Not{element}"} & found.keys():
            found[name] = [other if each in odd else each for each in as_list(found[name])]
    if "NotResource" in found:
        found["NotResource"] = [each for each in found["NotResource"] if "gone}" not in each] or ["arn:aws:s3:::b/*"]
    condition: dict[str, dict[str, object]] = {}
    for operator, body in dict(statement.get("Condition", {})).items():
        for key, wanted in body.items():
            spelled, fitting = _line(operator, key, as_list(wanted), dice)
            condition.setdefault(spelled, {}).update(fitting)
    if condition:
        found["Condition"] = condition
    return found


def _line(operator: str, key: str, wanted: list[object], dice: random.Random) -> tuple[str, dict[str, object]]:
    if operator == "Null":
        return operator, {key: dice.choice(["true", "false"])}
    name = operator.rpartition(":")[2].removesuffix("IfExists")
    kind = KIND_OF[name]
    values = [each for each in wanted if each in FIT_WANTED[kind]] or [dice.choice(sorted(FIT_WANTED[kind]))]
    if operator.startswith("ForAnyValue:"):
        operator = operator.removesuffix("IfExists")
    listed = operator.startswith("For")
    return operator, {f"test:multi{kind}" if listed and dice.randrange(2) else f"test:{kind}": values}


def _changes(request: PolicyRequest, dice: random.Random) -> dict[str, object]:
    context: dict[str, str | tuple[str, ...]] = {"aws:username": "alice"}
    for kind, values in FIT.items():
        fitting = sorted(values)
        if dice.random() < 0.8:
            context[f"test:{kind}"] = dice.choice(fitting)
            context[f"test:multi{kind}"] = tuple(dice.choice(fitting) for _ in range(dice.randint(1, 3)))
    changes: dict[str, object] = {"context": context, "principal": dice.choice(ASKERS), "needs_delegation": False}
    if request.resource_account is None:
        changes["resource_account"] = HOME
    return changes


def _comparable(request: PolicyRequest, world: World) -> bool:
    caller = request.principal
    if request.must_be_admitted and world.resource is None:
        return False  # every role has a trust policy
    if world.session is not None and caller.kind is PrincipalKind.SERVICE:
        return False  # a service has no session, whose policy only iam-simulate would ask
    if "*" in request.resource and (world.rcps or request.resource != "*"):
        return False
    if world.resource is not None and (world.session is not None or (world.boundary is not None and caller is APP)):
        return False  # what a session policy limits where the resource's policy grants
    if caller.kind is PrincipalKind.ANONYMOUS:
        return not (request.must_be_admitted or world.scps or world.boundary or world.identity)
    return caller.kind is not PrincipalKind.SERVICE or not (world.scps or world.boundary or world.identity)


def as_case(number: str, request: PolicyRequest, world: World) -> Json:
    """The request and the world as iam-simulate's driver takes them."""
    caller = request.principal
    context: Context = request.context
    session = None
    if world.session is not None:
        session = {"Version": "2012-10-17", "Statement": []}
        for document in world.session:
            session["Statement"] += as_list(document["Statement"])
    return {
        "id": number,
        "request": {
            "principal": caller.arn or "anonymous",
            "action": request.action,
            "resource": request.resource,
            "resource_account": request.resource_account,
            "context": context,
        },
        "policies": {
            "identity": world.identity,
            "trust" if request.must_be_admitted else "resource": world.resource,
            "session": session,
            "scps": world.scps,
            "rcps": world.rcps,
            "endpoint": world.endpoint,
            **({} if world.boundary is None else {"boundary": [world.boundary]}),
        },
    }
