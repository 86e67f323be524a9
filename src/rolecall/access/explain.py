"""Why a check was refused, as the trail tells it: each policy that was asked, what kept its statements from applying.

Of statements that are about other actions only the number is told; long lists are cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rolecall.access.authorize import Decided
from rolecall.access.remedy import Change, remedy
from rolecall.access.shown import brief, printable
from rolecall.policy.decide import Explanation, explain
from rolecall.policy.explain import Failure, Held, LayerExplained, PolicyExplained, StatementExplained
from rolecall.policy.request import ContextValue

_MOST = 12
_OF_ANOTHER_ACTION = frozenset({"Action", "NotAction"})


def told(decided: Decided) -> list[dict[str, object]]:
    """Return the layers that had a say in a decision, ready for JSON; empty where no policy was asked."""
    if decided.question is None or decided.policies is None:
        return []
    explanation: Explanation = explain(decided.question, decided.policies)
    return [_layer(layer, decided.names) for layer in explanation.layers]


def explained(decided: Decided) -> dict[str, object]:
    """Return what a record tells of a refused check besides its outcome, ready for JSON.

    The condition keys are those of the request, so that the same question can be asked again later.
    """
    entry: dict[str, object] = {"explanation": told(decided)}
    question, policies = decided.question, decided.policies
    if question is None or policies is None:
        return entry
    if question.resource_account is not None:
        entry["resourceAccount"] = question.resource_account
    entry["conditionKeys"] = {printable(key): _key(value) for key, value in question.context.items()}
    changes = remedy(question, policies)
    if changes:
        entry["remedy"] = [_change(change) for change in changes]
    return entry


def _key(value: ContextValue) -> str | list[str]:
    return brief(value) if isinstance(value, str) else _cut(value)


def _change(change: Change) -> dict[str, object]:
    entry: dict[str, object] = {"layer": change.layer.value, "to": change.to}
    if change.arn is not None:
        entry["policyArn"] = change.arn
    if change.denying is not None:
        entry["statement"], entry["sid"] = change.denying.statement, change.denying.sid
        entry["addCondition"] = change.condition
    else:
        entry["addStatement"] = change.statement
    if change.opens:
        entry["opens"] = change.opens
    return entry


def _layer(layer: LayerExplained, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "layer": layer.layer.value,
        "outcome": layer.outcome.value,
        "policies": [_policy(policy, names) for policy in layer.policies],
    }


def _policy(policy: PolicyExplained, names: Mapping[str, str]) -> dict[str, object]:
    near = [statement for statement in policy.statements if _is_about_the_action(statement)]
    entry: dict[str, object] = {"source": policy.source, "outcome": policy.outcome.value}
    if policy.arn is not None:
        entry["policyArn"] = policy.arn
    if policy.name:
        entry["policyName"] = policy.name
    if policy.version:
        entry["policyVersion"] = policy.version
    if policy.path:
        entry["attachedTo"] = policy.path
    entry["statements"] = [_statement(statement, names) for statement in near[:_MOST]]
    entry["otherStatements"] = len(policy.statements) - len(near[:_MOST])
    return entry


def _is_about_the_action(statement: StatementExplained) -> bool:
    return statement.failure is None or statement.failure.element not in _OF_ANOTHER_ACTION


def _statement(statement: StatementExplained, names: Mapping[str, str]) -> dict[str, object]:
    entry: dict[str, object] = {
        "statement": statement.statement,
        "sid": statement.sid,
        "effect": statement.effect,
        "applies": statement.applies,
    }
    if statement.reach:
        entry["reach"] = statement.reach
    if statement.failure is not None:
        entry["failed"] = _failure(statement.failure, names)
    if statement.held:
        entry["held"] = [_looked(held, names) for held in statement.held[:_MOST]]
    return entry


def _failure(failure: Failure, names: Mapping[str, str]) -> dict[str, object]:
    entry: dict[str, object] = {"element": failure.element}
    if failure.key:
        entry["operator"] = failure.operator
        entry["key"] = failure.key
    return {**entry, **_values(failure, names)}


def _looked(held: Held, names: Mapping[str, str]) -> dict[str, object]:
    return {"operator": held.operator, "key": held.key, **_values(held, names)}


def _values(looked: Failure | Held, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "expected": _cut([_named(value, names) for value in looked.expected]),
        "actual": None if looked.actual is None else _cut(looked.actual),
    }


def _named(value: str, names: Mapping[str, str]) -> str:
    """Return a principal as people know it: `AWS:AIDA...` by the ARN that the id stands for."""
    kind, _, rest = value.partition(":")
    return f"{kind}:{names[rest]}" if rest in names else value


def _cut(values: Sequence[str]) -> list[str]:
    shown = [printable(value) for value in values[:_MOST]]
    return shown if len(values) <= _MOST else [*shown, f"... and {len(values) - _MOST} more"]
