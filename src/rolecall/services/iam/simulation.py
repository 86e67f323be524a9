"""One simulated request: the question, the decision by the same evaluator as live requests, and AWS's words for it.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rolecall.identifiers import ACCOUNT_ID, parse_arn
from rolecall.policy.decide import Attached, Decision, Explanation, Layer, Outcome, Policies, decide, explain
from rolecall.policy.keys import context_keys
from rolecall.policy.layers import Matched
from rolecall.policy.positions import Position, statement_spans
from rolecall.policy.request import ContextValue, PolicyRequest
from rolecall.services.iam.paging import DEFAULT_ITEMS, marker_of, place_of
from rolecall.services.iam.refusals import invalid_input
from rolecall.services.iam.simulated_caller import SimulatedCaller
from rolecall.services.operation import Result

_WORDS = {Outcome.ALLOW: "allowed", Outcome.IMPLICIT_DENY: "implicitDeny", Outcome.EXPLICIT_DENY: "explicitDeny"}
_SHOWN = (Layer.IDENTITY, Layer.RESOURCE, Layer.TRUST, Layer.BOUNDARY)
_RESOURCE_SIDE = (Layer.RESOURCE, Layer.TRUST)
_SOURCES = {
    Layer.IDENTITY: "IAM Policy",
    Layer.RESOURCE: "Resource Policy",
    Layer.TRUST: "Resource Policy",
    Layer.BOUNDARY: "Permissions Boundary Policy",
}
_ENTERING = frozenset({"sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})
_A_STATEMENT = 12
"""How many characters of a policy take as long as a short statement, at worst."""
_WORK = 100_000
"""How many statements the requests of one page may be held against, so that no simulation holds the server up."""


@dataclass(frozen=True, slots=True)
class Trust:
    """A role's trust policy, and the role's tags as condition keys; None: there is no such role to enter."""

    policy: Attached | None
    keys: Mapping[str, ContextValue]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all requests of a simulation have in common."""

    caller: SimulatedCaller
    policies: Policies
    context: Mapping[str, ContextValue]
    owner: str | None = None
    """The account of resources whose ARN names none; None: the caller's."""
    trust_of: Callable[[str], Trust] | None = None
    """How the trust policy of the role with an ARN is found, where none is given."""


def enters_role(action: str, resource: str) -> bool:
    """Tell whether an action on a resource is decided by a role's trust policy."""
    parsed = parse_arn(resource)
    is_role = parsed is not None and parsed.service == "iam" and parsed.resource_type == "role"
    return is_role and action.lower() in _ENTERING


def simulate(
    setting: Setting, actions: Sequence[str], resources: Sequence[str], marker: str | None, most: int | None
) -> Result:
    """Return one page of results, one for each action on each resource, and what says where the next begins."""
    pairs = [(action, resource) for action in actions for resource in resources]
    begin = _begin(marker, len(pairs))
    cost = max(1, _statements(setting.policies))
    end = min(len(pairs), begin + (most or DEFAULT_ITEMS), begin + max(1, _WORK // cost))
    missing = _Missing(setting.policies)
    results = [_evaluated(setting, action, resource, missing) for action, resource in pairs[begin:end]]
    if end < len(pairs):
        return {"evaluation_results": results, "is_truncated": True, "marker": marker_of(str(end))}
    return {"evaluation_results": results, "is_truncated": False}


def _begin(marker: str | None, most: int) -> int:
    place = place_of(marker) or "0"
    if not place.isdecimal() or int(place) > most:
        raise invalid_input("Invalid Marker.")
    return int(place)


def _statements(policies: Policies) -> int:
    """Return how many statements policies come to: a long one counts for several, as each of its values is tried."""
    return sum(
        max(len(attached.policy.statements), len(attached.policy.document.text) // _A_STATEMENT)
        for attached in _all(policies)
    )


def _all(policies: Policies) -> list[Attached]:
    single = [one for one in (policies.boundary, policies.resource) if one is not None]
    return [*policies.identity, *single, *(one for level in policies.scps for one in level)]


class _Missing:
    """The condition keys that policies refer to. Those of service control policies are not told, as on AWS."""

    def __init__(self, policies: Policies) -> None:
        own = [one for one in (*policies.identity, policies.boundary) if one is not None]
        self._own = context_keys(one.policy.document for one in own)
        self._of_resources: dict[str, list[str]] = {}

    def of(self, resource: Attached | None, context: Mapping[str, ContextValue]) -> list[str]:
        keys = self._own
        if resource is not None:
            if resource.source not in self._of_resources:
                self._of_resources[resource.source] = context_keys([resource.policy.document])
            keys = [*keys, *self._of_resources[resource.source]]
        return list({key.lower(): key for key in keys if key.lower() not in context}.values())


def _evaluated(setting: Setting, action: str, resource: str, missing: _Missing) -> Result:
    request, policies = _question(setting, action, resource)
    decision = decide(request, policies)
    matched = [_statement(policies, one) for one in decision.matched if one.layer in _SHOWN and _tells(one, decision)]
    absent = missing.of(policies.resource, request.context)
    result: dict[str, object] = {
        "eval_action_name": action,
        "eval_resource_name": resource,
        "eval_decision": _WORDS[decision.outcome],
        "matched_statements": matched,
        "missing_context_values": absent,
    }
    details = _details(request, policies, setting.caller.account)
    result.update(details)
    if resource != "*":
        result.setdefault("eval_decision_details", None if decision.layer is Layer.SCP else {})
        of_resource = ("permissions_boundary_decision_detail", "eval_decision_details")
        result["resource_specific_results"] = [
            {
                "eval_resource_name": resource,
                "eval_resource_decision": _WORDS[decision.outcome],
                "matched_statements": matched,
                "missing_context_values": absent,
                **{name: details[name] for name in of_resource if name in details},
            }
        ]
    return result


def _tells(matched: Matched, decision: Decision) -> bool:
    """Tell whether a statement is one that the result shows: of a boundary, only what denies."""
    return matched.layer is not Layer.BOUNDARY or decision.outcome is Outcome.EXPLICIT_DENY


def _question(setting: Setting, action: str, resource: str) -> tuple[PolicyRequest, Policies]:
    """Return the question that a request puts to the policies, and those that are asked.

    Where no resource-based policy has a say, the caller's side alone is asked, whoever owns the resource, as on AWS.
    """
    caller, policies, context = setting.caller, setting.policies, setting.context
    entering = enters_role(action, resource)
    admitted = entering and policies.resource is not None
    if entering and policies.resource is None and setting.trust_of is not None:
        trust = setting.trust_of(resource)
        policies, admitted = replace(policies, resource=trust.policy), True
        context = {**trust.keys, **context}
    parsed = parse_arn(resource)
    stated = parsed.account if parsed is not None and ACCOUNT_ID.fullmatch(parsed.account) else setting.owner
    account = (stated or caller.account) if admitted or policies.resource is not None else caller.account
    keys = {**caller.keys, **({"aws:resourceaccount": stated} if stated else {}), **context}
    return PolicyRequest(caller.principal, action, resource, account, keys, must_be_admitted=admitted), policies


def _details(request: PolicyRequest, policies: Policies, account: str) -> dict[str, object]:
    """Return what each kind of policy says by itself, where the result has a member for it."""
    across = request.resource_account != account
    if not policies.scps and policies.boundary is None and not across:
        return {}
    told: dict[str, object] = {}
    explained = explain(request, policies)
    organization = _outcomes(explained, Layer.SCP)
    if policies.scps:
        allowed = all(outcome is Outcome.ALLOW for outcome in organization)
        told["organizations_decision_detail"] = {"allowed_by_organizations": allowed}
        if not allowed:
            return told
    boundary = _outcomes(explained, Layer.BOUNDARY)
    if boundary:
        allowed = boundary[0] is Outcome.ALLOW
        told["permissions_boundary_decision_detail"] = {"allowed_by_permissions_boundary": allowed}
    if across:
        told["eval_decision_details"] = {
            _SOURCES[layer.layer]: _WORDS[layer.outcome] for layer in explained.layers if layer.layer in _SOURCES
        }
    return told


def _outcomes(explained: Explanation, layer: Layer) -> list[Outcome]:
    return [each.outcome for each in explained.layers if each.layer is layer]


def _statement(policies: Policies, matched: Matched) -> Result:
    attached = _policy_of(policies, matched)
    span = statement_spans(attached.policy.document.text)[matched.statement]
    return {
        "source_policy_id": _policy_id(attached),
        "source_policy_type": _SOURCES[Layer.RESOURCE if matched.layer in _RESOURCE_SIDE else Layer.IDENTITY],
        "start_position": _place(span.start),
        "end_position": _place(span.end),
    }


def _policy_of(policies: Policies, matched: Matched) -> Attached:
    if matched.layer in _RESOURCE_SIDE and policies.resource is not None:
        return policies.resource
    if matched.layer is Layer.BOUNDARY and policies.boundary is not None:
        return policies.boundary
    return next(each for each in policies.identity if each.source == matched.source)


def _policy_id(attached: Attached) -> str:
    """Return what AWS calls a policy: a managed one by its name, an inline one as `user_alice_name`."""
    if attached.arn is not None or not attached.path:
        return attached.name
    kind, _, owner = attached.path[-1].partition("/")
    return f"{kind}_{owner}_{attached.name}" if attached.name else f"{kind}_{owner}"


def _place(position: Position) -> Result:
    return {"line": position.line, "column": position.column}
