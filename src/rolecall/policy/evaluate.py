"""One layer of policies against one request: which of its statements apply. What follows from them, `decide` says."""

from __future__ import annotations

from collections.abc import Iterable

from rolecall.policy.compile import CompiledStatement
from rolecall.policy.layers import Attached, Layer, Matched
from rolecall.policy.principal import Reach
from rolecall.policy.request import PolicyRequest

_RESOURCE_SIDE = (Layer.RCP, Layer.ENDPOINT, Layer.RESOURCE, Layer.TRUST)


class Verdict:
    """The applying statements of a layer, and how closely the allowing ones name the caller."""

    __slots__ = ("allows", "denies", "reach")

    def __init__(self) -> None:
        self.allows: list[Matched] = []
        self.denies: list[Matched] = []
        self.reach = Reach.NONE


def evaluate(layer: Layer, policies: Iterable[Attached], request: PolicyRequest, *, bounded: bool) -> Verdict:
    """Return the statements of a layer's policies that apply to a request; the policies count as one.

    `bounded` tells whether the caller has a permissions boundary.
    """
    verdict = Verdict()
    action, resource, context = request.action, request.resource, request.context
    for attached in policies:
        compiled = attached.policy
        covering = compiled.about(action) if layer is Layer.TRUST else compiled.covering(action, resource, context)
        for statement in covering:
            reach = reach_of(statement, layer, request, bounded=bounded)
            if not reach or not statement.conditions_hold(context):
                continue
            if statement.allow:
                verdict.allows.append(_matched(statement, layer, attached))
                if reach > verdict.reach:
                    verdict.reach = reach
            else:
                verdict.denies.append(_matched(statement, layer, attached))
    return verdict


def reach_of(statement: CompiledStatement, layer: Layer, request: PolicyRequest, *, bounded: bool) -> Reach:
    """Tell how closely a statement names the caller, by its Principal and by the kind of policy it stands in.

    A Principal where there must be none, or none where there must be one, is a mistake that no stored document has:
    such a statement allows nothing and denies as if it named everybody.
    """
    principal = statement.principal
    if layer in _RESOURCE_SIDE:
        if principal is not None:
            return principal.reach(request.principal, bounded=bounded)
    elif principal is None:
        return Reach.DIRECT
    return Reach.NONE if statement.allow else Reach.DIRECT


def _matched(statement: CompiledStatement, layer: Layer, attached: Attached) -> Matched:
    return Matched(layer, attached.source, attached.arn, statement.position, statement.source.sid, statement.effect)
