"""The decision: what the layers of policies together make of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from rolecall.policy.evaluate import Verdict, evaluate
from rolecall.policy.explain import Explanation, LayerExplained, explanation
from rolecall.policy.layers import Attached, Decision, Layer, Matched, Outcome, Policies
from rolecall.policy.principal import Reach
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

__all__ = [
    "Attached",
    "Decision",
    "Explanation",
    "Layer",
    "LayerExplained",
    "Matched",
    "Outcome",
    "Policies",
    "decide",
    "explain",
]

# Tuples, not sets: members of an Enum are compared by identity far faster than they are hashed.
_OUTSIDE_ACCOUNTS = (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED)
_NEVER_ADMITTED = (PrincipalKind.ROOT, PrincipalKind.FEDERATED_USER, PrincipalKind.ANONYMOUS)
"""Callers that no trust policy can let into a role."""
_BOUNDABLE = (PrincipalKind.USER, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_SERVICE_LINKED = ":role/aws-service-role/"


def decide(request: PolicyRequest, policies: Policies) -> Decision:
    """Decide a request. Any applying Deny of any layer wins; else every layer that must allow has to."""
    case = _Case(request, policies)
    denied = case.explicit_deny()
    return denied if denied is not None else case.without_deny()


def explain(request: PolicyRequest, policies: Policies) -> Explanation:
    """Return the decision with all that was looked at: each layer, policy and statement, and what failed in it."""
    case = _Case(request, policies)
    return explanation(request, decide(request, policies), case.layers(), bounded=case.bounded)


class _Case:
    """One request before its policies: which layers have a say, and what each says."""

    __slots__ = ("bounded", "caller", "kind", "policies", "reach", "request", "resource_layer", "said", "silent")

    def __init__(self, request: PolicyRequest, policies: Policies) -> None:
        self.request = request
        self.policies = policies
        self.caller = request.principal
        self.kind = request.principal.kind
        self.bounded = policies.boundary is not None and self.kind in _BOUNDABLE
        self.resource_layer = Layer.TRUST if request.must_be_admitted else Layer.RESOURCE
        self.said: list[tuple[Layer, Verdict]] = []
        self.silent: list[Layer] = []
        """Layers that are there and do not allow."""
        self.reach = Reach.NONE
        """How closely the resource's own policy names the caller in what it allows."""

    def layers(self) -> list[tuple[Layer, tuple[Attached, ...]]]:
        """Return the policies that have a say, one entry a level, in the order in which refusals are named."""
        policies, caller = self.policies, self.caller
        outside = self.kind in _OUTSIDE_ACCOUNTS
        found: list[tuple[Layer, tuple[Attached, ...]]] = []
        if policies.scps and not outside and not caller.in_management_account and not _is_service_linked(caller):
            found += [(Layer.SCP, level) for level in policies.scps]
        # A resource control policy reaches resources; an action without one (`*`) is out of its reach.
        if policies.rcps and self.request.resource != "*" and not _is_service_linked(caller):
            found += [(Layer.RCP, level) for level in policies.rcps]
        if policies.endpoint is not None:
            found.append((Layer.ENDPOINT, (policies.endpoint,)))
        if policies.resource is not None:
            found.append((self.resource_layer, (policies.resource,)))
        if outside:
            return found
        if policies.identity or not _is_root(caller):
            found.append((Layer.IDENTITY, policies.identity))
        if policies.boundary is not None and self.bounded:
            found.append((Layer.BOUNDARY, (policies.boundary,)))
        if policies.session is not None:
            found.append((Layer.SESSION, policies.session))
        return found

    def explicit_deny(self) -> Decision | None:
        """Ask every layer; return the refusal if any statement denies."""
        denies: list[Matched] = []
        for layer, level in self.layers():
            verdict = evaluate(layer, level, self.request, bounded=self.bounded)
            self.said.append((layer, verdict))
            denies += verdict.denies
            if not verdict.allows:
                self.silent.append(layer)
            elif layer is self.resource_layer:
                self.reach = verdict.reach
        if not denies:
            return None
        return Decision(Outcome.EXPLICIT_DENY, denies[0].layer, tuple(denies))

    def without_deny(self) -> Decision:
        """Decide once it is known that nothing denies. A resource control policy that denies nothing allows."""
        for layer in (Layer.SCP, Layer.ENDPOINT):
            if layer in self.silent:
                return _refused(layer)
        request, reach, own = self.request, self.reach, self.resource_layer
        if request.must_be_admitted and self.kind in _NEVER_ADMITTED:
            return _refused(Layer.TRUST)
        if self.kind in _OUTSIDE_ACCOUNTS:
            return self._granted(own) if reach and not self._is_foreign_login() else _refused(own)
        if request.needs_both_sides or request.resource_account not in (None, self.caller.account):
            return self._caller_side(own) if reach else _refused(own)
        if request.needs_delegation and not reach:
            return _refused(own)
        if self.kind is PrincipalKind.ROOT:
            return self._granted(own, by_root=True)
        if reach is Reach.DIRECT:
            return self._granted(own)
        if reach is Reach.OWNER:
            return self._limited(own)
        if not request.must_be_admitted:
            return self._caller_side()
        return self._caller_side(own) if reach else _refused(own)

    def _is_foreign_login(self) -> bool:
        """A login proved by a provider of one account opens no role of another; built-in providers are of none."""
        account = self.caller.account
        return self.kind is PrincipalKind.FEDERATED and account not in (None, self.request.resource_account)

    def _caller_side(self, *granting: Layer) -> Decision:
        """The caller's own account must allow: identity policies, then what limits them."""
        if _is_root(self.caller):
            return self._limited(*granting, by_root=True)
        if Layer.IDENTITY in self.silent:
            return _refused(Layer.IDENTITY)
        return self._limited(*granting, Layer.IDENTITY)

    def _limited(self, *granting: Layer, by_root: bool = False) -> Decision:
        """Boundary and session policies must allow too."""
        if Layer.BOUNDARY in self.silent:
            return _refused(Layer.BOUNDARY)
        unlimited = self.kind is PrincipalKind.FEDERATED_USER and self.policies.session is None
        if unlimited or Layer.SESSION in self.silent:
            return _refused(Layer.SESSION)
        return self._granted(*granting, Layer.BOUNDARY, Layer.SESSION, by_root=by_root)

    def _granted(self, *granting: Layer, by_root: bool = False) -> Decision:
        """Allow, by the statements of the granting layers and of those that bind everybody."""
        matched: list[Matched] = []
        for layer, verdict in self.said:
            if layer in granting or layer is Layer.SCP or layer is Layer.ENDPOINT:
                matched += verdict.allows
        return Decision(Outcome.ALLOW, None, tuple(matched), by_root)


def _refused(layer: Layer) -> Decision:
    return Decision(Outcome.IMPLICIT_DENY, layer)


def _is_service_linked(caller: Principal) -> bool:
    return _SERVICE_LINKED in caller.owner_arn


def _is_root(caller: Principal) -> bool:
    """Tell whether the caller is a root user, or a federated session made by one, which starts from all rights."""
    return caller.kind is PrincipalKind.ROOT or (
        caller.kind is PrincipalKind.FEDERATED_USER and caller.owner_arn.endswith(":root")
    )
