"""The smallest changes to policies that would turn a refusal into an allow, each one tried on the evaluator first.

One change a layer that refuses: a statement for exactly this action, resource and caller is added, or a Deny gets a
condition that spares the caller. What opens more than the one request says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rolecall.identifiers import parse_arn
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Decision, Layer, Outcome, Policies, decide
from rolecall.policy.document import (
    VERSIONS,
    Condition,
    Document,
    Effect,
    PrincipalElement,
    PrincipalValue,
    Statement,
)
from rolecall.policy.evaluate import evaluate
from rolecall.policy.layers import Matched
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

_MOST_CHANGES = 8
_MOST_STATEMENTS = 500
"""Of all policies together; beyond it no change is sought, so that refusals stay cheap."""
_PRINCIPAL = "aws:PrincipalArn"
_KIND = re.compile(r"\*|arn:aws:s3:::\*|arn:aws:iam::[0-9]{12}:[a-z-]+/\*")
"""What listings are decided on: this star stands for all resources, it is no character of a name."""
_EVERYBODY = PrincipalElement((PrincipalValue("AWS", "*", 0),), plain=True)
_WILDCARD = re.compile(r"[*?]|\$(?=\{)")
_OPENS = {
    Layer.BOUNDARY: "everyone whose permissions boundary this is gets the room, if their own policies allow it",
    Layer.SCP: "every account under this policy gets the room, if its own policies allow it",
    Layer.TRUST: "whoever is let in may do everything that the role may",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one policy."""

    layer: Layer
    to: str
    """The policy that changes, as `Attached.source` has it; for a new one, what it is to be attached to."""
    arn: str | None
    statement: Mapping[str, object] | None
    """A statement to be added; None: `condition` is added to one that denies."""
    denying: Matched | None = None
    condition: Mapping[str, object] | None = None
    opens: str = ""
    """What else the change allows; empty: nothing."""


def remedy(request: PolicyRequest, policies: Policies) -> tuple[Change, ...]:
    """Return the changes that, made together, allow a request; none where no change to these policies would."""
    if sum(len(one.policy.statements) for one in _all(policies)) > _MOST_STATEMENTS:
        return ()
    changes: list[Change] = []
    while len(changes) < _MOST_CHANGES:
        decision = decide(request, policies)
        if decision.allowed:
            return tuple(changes)
        step = _step(request, policies, decision)
        if step is None or not step[0]:
            return ()
        changes += step[0]
        policies = step[1]
    return ()


def _all(policies: Policies) -> Iterator[Attached]:
    yield from policies.identity
    yield from policies.session or ()
    for level in (*policies.scps, *policies.rcps):
        yield from level
    yield from (one for one in (policies.boundary, policies.resource, policies.endpoint) if one is not None)


_Step = tuple[list[Change], Policies]
_Changing = Callable[[Attached], Attached]


def _step(request: PolicyRequest, policies: Policies, decision: Decision) -> _Step | None:
    """Return changes that make the layer that refused give way, and the policies with them."""
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return _spare(request, policies, decision.matched)
    layer = decision.layer or Layer.IDENTITY
    if layer is Layer.SCP:
        return _through_levels(request, policies)
    named = _named(request.principal) if layer in {Layer.RESOURCE, Layer.TRUST} else None
    if named is None and layer in {Layer.RESOURCE, Layer.TRUST}:
        return None
    if layer is Layer.IDENTITY:
        statement = _statement(request, None)
        change = Change(layer, owner_of(request.principal), None, _json(statement), opens=_opens(request, layer))
        return [change], replace(policies, identity=(*policies.identity, _alone(statement)))
    changing = policies.session[0] if layer is Layer.SESSION and policies.session else _only(policies, layer)
    changed, change = _changed(request, layer, changing, named)
    if layer is Layer.SESSION:
        return [change], replace(policies, session=(changed, *(policies.session or ())[1:]))
    if layer is Layer.BOUNDARY:
        return [change], replace(policies, boundary=changed)
    if layer is Layer.ENDPOINT:
        return [change], replace(policies, endpoint=changed)
    return [change], replace(policies, resource=changed)


def _changed(
    request: PolicyRequest, layer: Layer, changing: Attached | None, named: PrincipalElement | None
) -> tuple[Attached, Change]:
    """Return one policy with a statement added, and the change that says so."""
    if layer is Layer.ENDPOINT:
        named = _EVERYBODY
    version = VERSIONS[1] if changing is None else changing.policy.document.version
    statement = _statement(request, named, resource=layer is not Layer.TRUST, version=version)
    arn = None if changing is None else changing.arn
    change = Change(layer, _place(request, layer, changing), arn, _json(statement), opens=_opens(request, layer))
    if changing is None:
        return _alone(statement), change
    return _with(changing, (*changing.policy.document.statements, statement)), change


def _only(policies: Policies, layer: Layer) -> Attached | None:
    """Return the one policy of a layer that has one."""
    match layer:
        case Layer.BOUNDARY:
            return policies.boundary
        case Layer.ENDPOINT:
            return policies.endpoint
        case Layer.RESOURCE | Layer.TRUST:
            return policies.resource
    return None


def _place(request: PolicyRequest, layer: Layer, changing: Attached | None) -> str:
    if layer is Layer.SESSION and (changing is None or changing.arn is None):
        return "the session policy"
    if changing is not None:
        return changing.source
    arn = parse_arn(request.resource)
    return f"bucket/{arn.resource_type} policy" if arn is not None and arn.service == "s3" else request.resource


def owner_of(principal: Principal) -> str:
    """Return whose identity-based policies count for a caller: `user/alice`, `role/Deploy`."""
    arn = parse_arn(principal.owner_arn or principal.arn)
    if arn is None or arn.service != "iam":
        return principal.arn or principal.kind.value
    return f"{arn.resource_type}/{arn.resource_name}" if "/" in arn.resource else arn.resource


def _opens(request: PolicyRequest, layer: Layer) -> str:
    kind = request.principal.kind
    if layer in {Layer.RESOURCE, Layer.TRUST} and kind is PrincipalKind.ANONYMOUS:
        return "everybody may do this, signed or not"
    if layer is Layer.IDENTITY and kind is PrincipalKind.ROLE_SESSION:
        return "every session of the role may do this, whoever assumed it"
    return _OPENS.get(layer, "")


def _named(principal: Principal) -> PrincipalElement | None:
    """Return the Principal that names a caller, None for those whom none may."""
    match principal.kind:
        case PrincipalKind.ANONYMOUS:
            return _EVERYBODY
        case PrincipalKind.SERVICE:
            return PrincipalElement((PrincipalValue("Service", principal.arn, 0),))
        case PrincipalKind.FEDERATED:
            return PrincipalElement((PrincipalValue("Federated", principal.arn, 0),))
        case PrincipalKind.ROLE_SESSION:
            return PrincipalElement((PrincipalValue("AWS", principal.owner_arn, 0),))
    return PrincipalElement((PrincipalValue("AWS", principal.arn, 0),)) if principal.arn else None


def _statement(
    request: PolicyRequest, principal: PrincipalElement | None, *, resource: bool = True, version: str = VERSIONS[1]
) -> Statement:
    """Return an Allow for exactly the request. Version 2008-10-17 cannot write a literal star."""
    text = request.resource
    if version == VERSIONS[1] and not _KIND.fullmatch(text):
        text = _WILDCARD.sub(lambda found: f"${{{found[0]}}}", text)
    return Statement(Effect.ALLOW, (request.action,), (text,) if resource else None, principal=principal)


def _json(statement: Statement) -> dict[str, object]:
    told: dict[str, object] = {"Effect": statement.effect.value}
    if statement.principal is not None:
        value = statement.principal.values[0]
        told["Principal"] = "*" if statement.principal.plain else {value.type: value.value}
    told["Action"] = statement.actions[0]
    if statement.resources is not None:
        told["Resource"] = statement.resources[0]
    return told


def _alone(statement: Statement) -> Attached:
    return Attached(compile_policy(Document(VERSIONS[1], (statement,))), "the change")


def _with(attached: Attached, statements: Sequence[Statement]) -> Attached:
    document = replace(attached.policy.document, statements=tuple(statements))
    return replace(attached, policy=compile_policy(document))


def _through_levels(request: PolicyRequest, policies: Policies) -> _Step:
    """Add a statement to each level of service control policies that does not allow."""
    levels: list[tuple[Attached, ...]] = []
    changes: list[Change] = []
    for number, level in enumerate(policies.scps, start=1):
        if evaluate(Layer.SCP, level, request, bounded=False).allows:
            levels.append(level)
            continue
        changed, change = _changed(request, Layer.SCP, level[0] if level else None, None)
        changes.append(change if level else replace(change, to=f"level {number} of the organization"))
        levels.append((changed, *level[1:]))
    return changes, replace(policies, scps=tuple(levels))


def _spare(request: PolicyRequest, policies: Policies, denying: Sequence[Matched]) -> _Step | None:
    """Give each Deny that applied a condition that spares the caller."""
    arn = request.context.get(_PRINCIPAL.lower())
    if not isinstance(arn, str):
        return None
    condition = Condition("StringNotEquals", _PRINCIPAL, (arn,))
    changes = [
        Change(
            matched.layer,
            matched.source,
            matched.arn,
            None,
            denying=matched,
            condition={"StringNotEquals": {_PRINCIPAL: arn}},
            opens="the caller is spared everything that the statement denies",
        )
        for matched in denying
    ]
    spared = {(matched.source, matched.statement) for matched in denying}

    def spare(attached: Attached) -> Attached:
        statements = [
            replace(each, conditions=(*each.conditions, condition)) if (attached.source, place) in spared else each
            for place, each in enumerate(attached.policy.document.statements)
        ]
        return _with(attached, statements) if any(attached.source == source for source, _ in spared) else attached

    return changes, _mapped(policies, spare)


def _mapped(policies: Policies, change: _Changing) -> Policies:
    """Return policies with each one changed."""
    return Policies(
        identity=tuple(map(change, policies.identity)),
        boundary=None if policies.boundary is None else change(policies.boundary),
        session=None if policies.session is None else tuple(map(change, policies.session)),
        resource=None if policies.resource is None else change(policies.resource),
        scps=tuple(tuple(map(change, level)) for level in policies.scps),
        rcps=tuple(tuple(map(change, level)) for level in policies.rcps),
        endpoint=None if policies.endpoint is None else change(policies.endpoint),
    )
