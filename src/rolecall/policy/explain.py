"""Everything behind a decision: each layer, policy and statement, and the first element of a statement that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.policy.compile import CompiledStatement
from rolecall.policy.condition import spelled, values_of
from rolecall.policy.document import Condition
from rolecall.policy.evaluate import evaluate, reach_of
from rolecall.policy.layers import Attached, Decision, Layer, Outcome
from rolecall.policy.principal import Reach
from rolecall.policy.request import Context, PolicyRequest, Principal
from rolecall.policy.template import expand, has_variable, tokens_of


@dataclass(frozen=True, slots=True)
class Failure:
    """The first element of a statement that kept it from applying."""

    element: str
    """`Principal`, `Action`, `Resource`, their negations, or `Condition`."""
    expected: tuple[str, ...]
    """What the statement lists; variables are filled in where they have a value."""
    actual: tuple[str, ...] | None
    """What the request has; None: the condition key is absent."""
    operator: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A condition of a statement that applied: what it is held against, and what the request has."""

    operator: str
    key: str
    expected: tuple[str, ...]
    actual: tuple[str, ...] | None
    """None: the condition key is absent."""


@dataclass(frozen=True, slots=True)
class StatementExplained:
    """One statement: whether it applied, and what failed if not."""

    statement: int
    sid: str
    effect: str
    applies: bool
    failure: Failure | None = None
    reach: str = ""
    """How a resource-based statement names the caller: `direct`, `owner` (of the session) or `account`."""
    held: tuple[Held, ...] = ()
    """The conditions of a statement that applied: had one of them not held, it would not have."""


@dataclass(frozen=True, slots=True)
class PolicyExplained:
    """One policy of a layer."""

    source: str
    arn: str | None
    name: str
    version: str
    path: tuple[str, ...]
    outcome: Outcome
    statements: tuple[StatementExplained, ...]


@dataclass(frozen=True, slots=True)
class LayerExplained:
    """One layer, or one level of it where it has levels (service and resource control policies)."""

    layer: Layer
    outcome: Outcome
    policies: tuple[PolicyExplained, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with all that was looked at."""

    decision: Decision
    layers: tuple[LayerExplained, ...]
    """Those that have a say, in the order in which refusals are named. A layer that is not there is not listed, unless
    it is missing that refused: then it is, without policies."""


def explanation(
    request: PolicyRequest,
    decision: Decision,
    layers: Sequence[tuple[Layer, tuple[Attached, ...]]],
    *,
    bounded: bool,
) -> Explanation:
    """Look at every statement of the layers that have a say."""
    missing = decision.layer is not None and all(layer is not decision.layer for layer, _ in layers)
    absent = (LayerExplained(decision.layer, Outcome.IMPLICIT_DENY, ()),) if missing and decision.layer else ()
    return Explanation(
        decision, (*absent, *(_layer(layer, level, request, bounded=bounded) for layer, level in layers))
    )


def _layer(layer: Layer, level: tuple[Attached, ...], request: PolicyRequest, *, bounded: bool) -> LayerExplained:
    policies = tuple(_policy(layer, attached, request, bounded=bounded) for attached in level)
    outcome = _outcome(layer, level, request, bounded=bounded)
    return LayerExplained(layer, outcome, policies)


def _outcome(layer: Layer, level: tuple[Attached, ...], request: PolicyRequest, *, bounded: bool) -> Outcome:
    verdict = evaluate(layer, level, request, bounded=bounded)
    if verdict.denies:
        return Outcome.EXPLICIT_DENY
    # Every level of resource control policies has AWS's own allow-all.
    return Outcome.ALLOW if verdict.allows or layer is Layer.RCP else Outcome.IMPLICIT_DENY


def _policy(layer: Layer, attached: Attached, request: PolicyRequest, *, bounded: bool) -> PolicyExplained:
    return PolicyExplained(
        source=attached.source,
        arn=attached.arn,
        name=attached.name,
        version=attached.version,
        path=attached.path,
        outcome=_outcome(layer, (attached,), request, bounded=bounded),
        statements=tuple(
            _statement(statement, layer, request, bounded=bounded) for statement in attached.policy.statements
        ),
    )


def _statement(
    statement: CompiledStatement, layer: Layer, request: PolicyRequest, *, bounded: bool
) -> StatementExplained:
    source = statement.source
    reach = reach_of(statement, layer, request, bounded=bounded)
    failure = _failure(statement, layer, request, reach)
    return StatementExplained(
        statement=statement.position,
        sid=source.sid,
        effect=source.effect.value,
        applies=failure is None,
        failure=failure,
        reach=reach.name.lower() if failure is None and source.principal is not None else "",
        held=_held(statement, request.context) if failure is None else (),
    )


def _failure(statement: CompiledStatement, layer: Layer, request: PolicyRequest, reach: Reach) -> Failure | None:
    source = statement.source
    if not reach:
        element = "NotPrincipal" if source.principal is not None and source.principal.negated else "Principal"
        listed = () if source.principal is None else tuple(f"{v.type}:{v.value}" for v in source.principal.values)
        return Failure(element, listed, _names(request.principal))
    if not statement.covers_action(request.action.lower()):
        return Failure("NotAction" if source.not_actions else "Action", source.actions, (request.action,))
    if layer is not Layer.TRUST and not statement.covers_resource(request.resource, request.context):
        return Failure(
            "NotResource" if source.not_resources else "Resource",
            tuple(_filled(text, request.context, variables=statement.variables) for text in source.resources or ()),
            (request.resource,),
        )
    return _failed_condition(statement, request.context)


def _failed_condition(statement: CompiledStatement, context: Context) -> Failure | None:
    for check, condition in zip(statement.conditions, statement.source.conditions, strict=True):
        if check(context):
            continue
        looked = _looked(condition, statement, context)
        return Failure("Condition", looked.expected, looked.actual, operator=looked.operator, key=looked.key)
    return None


def _held(statement: CompiledStatement, context: Context) -> tuple[Held, ...]:
    return tuple(_looked(condition, statement, context) for condition in statement.source.conditions)


def _looked(condition: Condition, statement: CompiledStatement, context: Context) -> Held:
    """Return what a condition is held against, and what the request has for it."""
    found = spelled(condition.operator)
    takes = found is not None and found.operator.takes_variables and statement.variables
    return Held(
        condition.operator,
        condition.key,
        tuple(_filled(value, context, variables=takes) for value in condition.values),
        values_of(context, condition.key.lower()),
    )


def _names(caller: Principal) -> tuple[str, ...]:
    """Return what a caller can be named by, closest first."""
    names = (caller.arn or caller.kind.value, caller.unique_id, caller.owner_arn, caller.owner_id, caller.account or "")
    return tuple(name for name in names if name)


def _filled(text: str, context: Context, *, variables: bool) -> str:
    """Return a pattern with its variables' values; as written where one has none."""
    tokens = tokens_of(text, wildcards=False, variables=variables)
    if not has_variable(tokens):
        return text
    return expand(tokens, context) or text
