"""The one sentence that answers why a request was allowed or refused, from a record of the trail."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.client.events import Record
from rolecall.client.record import action, caller, is_refused, objects, owner, text, texts
from rolecall.identifiers import parse_arn

TRUST = "role trust policy"
SESSION = "session policy"
RESOURCE = "resource-based policy"
IDENTITY = "identity-based policy"
_CALLERS = {
    IDENTITY: "no policy of {who} allows",
    "permissions boundary": "the permissions boundary of {who} does not allow",
    SESSION: "the session policy does not allow",
    "service control policy": "no service control policy allows",
    "resource control policy": "no resource control policy allows",
    RESOURCE: "the policy of the resource does not allow",
    "VPC endpoint policy": "the VPC endpoint policy does not allow",
}
_NOR = {
    IDENTITY: ", nor does a policy of {who}",
    RESOURCE: ", nor does the policy of the resource",
    "permissions boundary": ", nor does the permissions boundary",
    SESSION: ", nor does the session policy",
}


def decisions(record: Record) -> list[Record]:
    """Return the checks that a request came to, the refused one last."""
    return objects(record, "additionalEventData", "decision")


def decisive(record: Record) -> Record | None:
    """Return the check that decided: the refused one, or else the first."""
    checks = decisions(record)
    return next((check for check in checks if text(check, "outcome") != "allow"), checks[0] if checks else None)


def sentence(record: Record) -> str:
    """Return the answer."""
    check = decisive(record)
    if not is_refused(record):
        return _not_refused(record, check)
    if check is None or text(check, "outcome") == "allow":
        return _without_reasons(record)
    if text(check, "broken"):
        return f"Refused: {text(check, 'broken')}."
    if text(check, "outcome") == "explicit_deny":
        return f"Refused: {_denied(check)}."
    return f"Refused: {_silent(record, check)}."


def _without_reasons(record: Record) -> str:
    """Return what a record says that holds no decision: refused before there was one, or by AWS, which keeps none."""
    message = text(record, "errorMessage")
    if "not authorized to perform" in message:
        return f"Refused: {message}"
    return f"Refused before any policy was asked: {text(record, 'additionalEventData', 'reason') or message}"


def _not_refused(record: Record, check: Record | None) -> str:
    if text(record, "errorCode"):
        allowed = "It was allowed, and failed" if check is not None else "It failed"
        return f"{allowed}: {text(record, 'errorCode')}, {text(record, 'errorMessage')}"
    if check is None:
        return f"Allowed: {action(record)} asks no policy."
    if text(check, "byRoot") == "True":
        return "Allowed: the account's root user needs no policy."
    by = [statement_of(one) for one in objects(check, "statements")]
    return f"Allowed by {', and by '.join(by)}." if by else "Allowed."


def statement_of(told: Record) -> str:
    """Return a statement by name or place, and the policy it stands in."""
    return f"{statement_name(told)} of {text(told, 'source')}"


def statement_name(told: Record) -> str:
    """Return how a statement is called: by its Sid, else by its place."""
    sid = text(told, "sid")
    return f"statement “{sid}”" if sid else f"statement {int(text(told, 'statement') or 0) + 1}"


def _denied(check: Record) -> str:
    by = [f"{statement_of(one)} ({text(one, 'layer')})" for one in objects(check, "statements")]
    if not by:
        return "Block Public Access keeps strangers from this bucket"
    if len(by) > 1:
        return f"{' and '.join(by)} deny it"
    conditions = [held(one) for statement in denying(check) for one in objects(statement, "held")]
    return f"{by[0]} denies it" + (f", since {' and '.join(conditions)}" if conditions else "")


def _silent(record: Record, check: Record) -> str:
    """Say which side does not allow, and what came nearest."""
    who, layer = caller(record), text(check, "layer")
    what = f"{text(check, 'action')} on {text(check, 'resource')}"
    sides = refusing(check)
    if TRUST in sides:
        role = text(check, "resource").rpartition(":")[2]
        trusts = f"the trust policy of {role} does not admit {who}{_nearest(check, TRUST)}"
        if len(sides) == 1:
            return trusts
        return f"both sides refuse: {trusts}, and no policy of {who} allows {text(check, 'action')}"
    if layer == RESOURCE and is_missing(check, RESOURCE):
        return _without_resource_policy(record, check)
    if layer == SESSION and is_missing(check, SESSION):
        return f"{_WITHOUT_SESSION_POLICY}, so it may not {what}"
    said = _CALLERS.get(layer, f"no {layer} allows").format(who=owner(record))
    side = " (the role's trust policy does admit it)" if has_layer(check, TRUST) else ""
    return f"{said} {what}{side}{_others(record, check, sides[1:])}{_nearest(check, layer)}"


_WITHOUT_SESSION_POLICY = (
    "the session was made by GetFederationToken without a session policy (Policy, PolicyArns), and may do only what"
    " such a one and the policies of its user both allow"
)


def _without_resource_policy(record: Record, check: Record) -> str:
    what, resource = text(check, "action"), text(check, "resource")
    bucket = bucket_of(resource)
    there_is = f"there is no bucket policy on {bucket}" if bucket else f"there is no policy on {resource}"
    if is_anonymous(record):
        return f"{there_is}, and an unsigned request needs one that allows {what} on {resource} (or credentials)"
    return f"{there_is}, and {caller(record)} needs one that allows {what} on {resource}"


def _others(record: Record, check: Record, sides: Sequence[str]) -> str:
    """Name what refuses besides the first."""
    if SESSION in sides and is_missing(check, SESSION):
        return f"; and {_WITHOUT_SESSION_POLICY}"
    return "".join(_NOR.get(side, f", nor does a {side}").format(who=owner(record)) for side in sides)


def refusing(check: Record) -> list[str]:
    """Return the layers that would have to change, the one that refused first."""
    layers = [text(change, "layer") for change in objects(check, "remedy")]
    return list(dict.fromkeys(layers)) or [text(check, "layer")]


def has_layer(check: Record, layer: str) -> bool:
    """Tell whether there was a policy of a kind that had a say in a check."""
    return any(text(one, "layer") == layer and objects(one, "policies") for one in objects(check, "explanation"))


def is_missing(check: Record, layer: str) -> bool:
    """Tell whether a kind of policy was needed for a check and there was none."""
    layers = [one for one in objects(check, "explanation") if text(one, "layer") == layer]
    return bool(layers) and not any(objects(one, "policies") for one in layers)


def is_anonymous(record: Record) -> bool:
    """Tell whether the request was not signed, where it need not be."""
    return text(record, "userIdentity", "type") == "AWSAccount" and not text(record, "userIdentity", "arn")


def bucket_of(resource: str) -> str:
    """Return the bucket that an ARN is about, empty where it is about none."""
    arn = parse_arn(resource)
    return arn.resource_type if arn is not None and arn.service == "s3" and arn.resource_type != "*" else ""


def _nearest(check: Record, layer: str) -> str:
    """Name the Allow that failed by its condition alone."""
    for one in near(check, layer):
        return f"; {statement_of(one)} would, but {failed(one)}"
    return ""


def near(check: Record, layer: str) -> list[Record]:
    """Return the Allow statements of a layer whose condition alone did not hold, with their policy's name."""
    return [
        statement
        for statement in _statements(check)
        if statement["layer"] == layer
        and text(statement, "effect") == "Allow"
        and text(statement, "failed", "element") == "Condition"
    ]


def denying(check: Record) -> list[Record]:
    """Return the Deny statements that applied, with their policy's name."""
    return [one for one in _statements(check) if text(one, "effect") == "Deny" and text(one, "applies") == "True"]


def _statements(check: Record) -> list[Record]:
    """Return what the record tells of statements, each with its layer and its policy's name."""
    return [
        {**statement, "source": text(policy, "source"), "layer": text(one, "layer")}
        for one in objects(check, "explanation")
        for policy in objects(one, "policies")
        for statement in objects(policy, "statements")
    ]


def failed(statement: Record) -> str:
    """Say what kept a statement from applying: the element, what it wants and what the request has."""
    told = statement.get("failed")
    if not isinstance(told, dict):
        return "it applies"
    expected = texts(told, "expected") or []
    element = text(told, "element")
    if element == "Condition":
        return f"{text(told, 'operator')} {text(told, 'key')} wants {listed(expected)} and {_has(told)}"
    if "Principal" in element:
        return f"its {element} is {listed([value.partition(':')[2] for value in expected])}"
    return f"its {element} is {listed(expected)}"


def held(told: Record) -> str:
    """Say of a condition that it holds, against what, and what the request has."""
    expected = listed(texts(told, "expected") or [])
    return f"{text(told, 'operator')} {text(told, 'key')} {expected} holds ({_has(told)})"


def _has(told: Record) -> str:
    actual = texts(told, "actual")
    return "the request has none" if actual is None else f"the request has {listed(actual)}"


def listed(values: Sequence[str]) -> str:
    """Return values as alternatives."""
    return " or ".join(f"`{value}`" for value in values) if values else "nothing"
