"""An authorization failure as AWS's encoded message holds it, for DecodeAuthorizationMessage to show.

https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html

None of the operations served here has such a message in its text on AWS, so it travels in a header of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rolecall.access.caller import Caller
from rolecall.access.check import Check, Denial
from rolecall.access.shown import printable
from rolecall.directory.messages import MAX_BLOCKS, seal_message
from rolecall.directory.sessions import SessionKeys
from rolecall.policy.decide import Attached, Decision, Layer, Outcome, Policies
from rolecall.policy.document import Condition, Statement
from rolecall.policy.layers import Matched
from rolecall.policy.request import Context, ContextValue, PrincipalKind

HEADER = "x-rolecall-authorization-message"

_RESOURCE_SIDE = (Layer.RESOURCE, Layer.TRUST, Layer.RCP)
_MOST = 20


def failure_message(
    keys: SessionKeys,
    denial: Denial,
    caller: Caller,
    check: Check,
    decision: Decision,
    context: Context,
    policies: Policies | None,
) -> str | None:
    """Return the sealed message on a refused check, None for callers without an account.

    Where AWS hides whether the resource exists (AssumeRole), every message has the same length: what does not fit is
    left out.
    """
    if not caller.account:
        return None
    statements = [] if policies is None else _statements(caller, check, decision, policies)
    conditions = [{"key": key, "values": _items(_values(value))} for key, value in sorted(context.items())]
    blocks = 1 if denial is Denial.SHORT else MAX_BLOCKS
    while True:
        content = msgspec.json.encode(_told(caller, check, decision, statements, conditions))
        message = seal_message(keys, caller.account, content, blocks=blocks)
        if message is not None or not (statements or conditions):
            return message
        if conditions:
            conditions = conditions[: len(conditions) // 2]
        else:
            statements = statements[: len(statements) // 2]


def _told(
    caller: Caller,
    check: Check,
    decision: Decision,
    statements: Sequence[Mapping[str, object]],
    conditions: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """Return the message in AWS's shape."""
    principal = {"id": caller.principal.unique_id or caller.account}
    if caller.principal.kind is PrincipalKind.USER and caller.user is not None:
        principal["name"] = caller.user.name
    principal["arn"] = caller.principal.arn
    return {
        "allowed": False,
        "explicitDeny": decision.outcome is Outcome.EXPLICIT_DENY,
        "matchedStatements": {"items": statements},
        "failures": {"items": []},
        "context": {
            "principal": principal,
            "action": check.action,
            "resource": printable(check.resource),
            "conditions": {"items": conditions},
        },
    }


def _statements(caller: Caller, check: Check, decision: Decision, policies: Policies) -> list[Mapping[str, object]]:
    """Return the statements that decided; those of another account's policies are that account's affair."""
    foreign = (check.account or caller.account) != caller.account
    return [
        _statement(source)
        for matched in decision.matched[:_MOST]
        if not (foreign and matched.layer in _RESOURCE_SIDE) and (source := _source(policies, matched)) is not None
    ]


def _source(policies: Policies, matched: Matched) -> Statement | None:
    found = (one for one in _of_layer(policies, matched.layer) if one.source == matched.source)
    attached = next(found, None)
    return None if attached is None else attached.policy.document.statements[matched.statement]


def _of_layer(policies: Policies, layer: Layer) -> Iterable[Attached]:
    match layer:
        case Layer.IDENTITY:
            return policies.identity
        case Layer.SESSION:
            return policies.session or ()
        case Layer.SCP | Layer.RCP:
            levels = policies.scps if layer is Layer.SCP else policies.rcps
            return [one for level in levels for one in level]
        case Layer.BOUNDARY:
            single = policies.boundary
        case Layer.ENDPOINT:
            single = policies.endpoint
        case _:
            single = policies.resource
    return () if single is None else (single,)


def _statement(source: Statement) -> Mapping[str, object]:
    principals = () if source.principal is None else [value.value for value in source.principal.values]
    return {
        "statementId": source.sid,
        "effect": source.effect.value.upper(),
        "principals": _items(principals),
        "principalGroups": _items(()),
        "actions": _items(source.actions),
        "resources": _items(source.resources or ()),
        "conditions": {"items": [_condition(condition) for condition in source.conditions]},
    }


def _condition(condition: Condition) -> Mapping[str, object]:
    return {"operator": condition.operator, "key": condition.key, "values": _items(condition.values)}


def _values(value: ContextValue) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _items(values: Sequence[str]) -> Mapping[str, object]:
    return {"items": [{"value": printable(value)} for value in values]}
