"""Authorization cases as data: one JSON object with a request and the policies that apply to it, ready to be decided.

What a case leaves out is read from its ARNs; condition keys are complete, none is derived. Of single services this
module knows what a case takes for granted of AWS: tables, in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from rolecall.policy.compile import CompiledPolicy, compile_policy
from rolecall.policy.decide import Attached, Decision, Outcome, Policies, decide
from rolecall.policy.parse import parse
from rolecall.policy.request import ANONYMOUS, Context, PolicyRequest, Principal, PrincipalKind

EVERY_CALLER = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Actions that every signed caller may, whatever policies say."""
OWNERS_ROOT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})
"""Actions that the root user of the owning account may, whatever the resource's own policy says."""
BEYOND_RESOURCE_CONTROL = frozenset({"iam"})
"""Services that resource control policies do not reach."""
BOTH_SIDES = frozenset({"sts:setsourceidentity"})
"""Actions that a role session needs in its own policies too, whatever the resource's policy says of it."""
BUILT_IN_PROVIDERS = frozenset(
    {"accounts.google.com", "graph.facebook.com", "www.amazon.com", "cognito-identity.amazonaws.com"}
)
MULTIVALUED = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "s3:inventoryaccessibleoptionalfields",
        "s3:requestobjecttagkeys",
        "sts:identitytokenaudience",
        "sts:requestcontextproviders",
        "sts:transitivetagkeys",
    }
)
"""Keys whose value is a list even where it holds one."""

_WORST = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, Outcome.ALLOW)


class CaseUnreadable(Exception):
    """The object is not a case. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request and its policies, once for each action that must be allowed."""

    requests: tuple[PolicyRequest, ...]
    policies: Policies

    def decide(self) -> Decision:
        """Return the decision; where the case asks for several actions, the worst."""
        decisions = [self._one(request) for request in self.requests]
        return min(decisions, key=lambda decision: _WORST.index(decision.outcome))

    def _one(self, request: PolicyRequest) -> Decision:
        action = request.action.lower()
        kind = request.principal.kind
        if action in EVERY_CALLER and kind is not PrincipalKind.ANONYMOUS:
            return Decision(Outcome.ALLOW)
        policies = self.policies
        if (
            action in OWNERS_ROOT
            and kind is PrincipalKind.ROOT
            and request.principal.account == request.resource_account
        ):
            policies = replace(policies, resource=None)
        if action.partition(":")[0] in BEYOND_RESOURCE_CONTROL:
            policies = replace(policies, rcps=())
        return decide(request, policies)


def read_case(case: Mapping[str, object]) -> Case:
    """Return the request and the policies of a case.

    Raises:
        CaseUnreadable: for what is not a case.
        PolicyUnreadable: for a policy in it that cannot be read.
    """
    asked = _mapping(case.get("request"), "request")
    given = _mapping(case.get("policies", {}), "policies")
    context = _context(_mapping(asked.get("context", {}), "context"))
    principal = _principal(asked, context)
    resource = _text(asked, "resource")
    owner = _text(asked, "resource_account", "") or _account_in(resource) or principal.account
    trust = given.get("trust")
    request = PolicyRequest(
        principal, _text(asked, "action"), resource, owner, context, must_be_admitted=trust is not None
    )
    also = [str(action) for action in _list(asked.get("also", []), "also")]
    own = trust if trust is not None else given.get("resource")
    boundary = _attached(given, "boundary")
    policies = Policies(
        identity=_attached(given, "identity"),
        boundary=boundary[0] if boundary else None,
        session=_attached(given, "session") if given.get("session") is not None else None,
        resource=None if own is None else Attached(_compiled(own), "trust" if trust is not None else "resource"),
        scps=tuple(_levels(given, "scps")),
        rcps=tuple(_levels(given, "rcps")),
    )
    return Case(tuple(_asking(request, action) for action in (request.action, *also)), policies)


def _asking(request: PolicyRequest, action: str) -> PolicyRequest:
    chained = request.principal.kind is PrincipalKind.ROLE_SESSION
    return msgspec.structs.replace(request, action=action, needs_both_sides=chained and action.lower() in BOTH_SIDES)


def _attached(given: Mapping[str, object], name: str) -> tuple[Attached, ...]:
    documents = _listed(given, name)
    return tuple(Attached(_compiled(each), f"{name} {position}") for position, each in enumerate(documents))


def _levels(given: Mapping[str, object], name: str) -> Iterator[tuple[Attached, ...]]:
    for number, level in enumerate(_listed(given, name)):
        documents = _list(level, name)
        yield tuple(Attached(_compiled(each), f"{name} {number}.{position}") for position, each in enumerate(documents))


def _compiled(document: object) -> CompiledPolicy:
    return _compiled_text(document if isinstance(document, str) else json.dumps(document))


@lru_cache(maxsize=256)
def _compiled_text(text: str) -> CompiledPolicy:
    return compile_policy(parse(text))


def _context(found: Mapping[str, object]) -> Context:
    context: dict[str, str | tuple[str, ...]] = {}
    for name, value in found.items():
        key = name.lower()
        values = tuple(str(item) for item in _list(value, name))
        single = (
            len(values) == 1
            and key not in MULTIVALUED
            and not key.endswith(":amr")
            and not key.startswith("test:multi")
        )
        context[key] = values[0] if single else values
    return context


def _principal(asked: Mapping[str, object], context: Context) -> Principal:
    name = _text(asked, "principal")
    if name == "anonymous":
        return ANONYMOUS
    unique_id = _text(asked, "principal_id", "")
    account = _text(asked, "account", "") or _account_in(name)
    if name in BUILT_IN_PROVIDERS or ":saml-provider/" in name or ":oidc-provider/" in name:
        return Principal(PrincipalKind.FEDERATED, name, account)
    if not name.startswith("arn:"):
        return Principal(PrincipalKind.SERVICE, name)
    kind, _, rest = name.split(":", 5)[5].partition("/")
    home = f"arn:aws:iam::{account}"
    if kind == "root":
        return Principal(PrincipalKind.ROOT, name, account)
    if kind == "user":
        return Principal(PrincipalKind.USER, name, account, unique_id)
    if kind == "federated-user":
        return Principal(PrincipalKind.FEDERATED_USER, name, account, unique_id, f"{home}:user/{rest}")
    if kind != "assumed-role":
        raise CaseUnreadable(f"`{name}` is no caller")
    role = rest.partition("/")[0]
    shown = context.get("aws:principalarn")
    known = isinstance(shown, str) and shown.startswith(f"{home}:role/") and shown.rpartition("/")[2] == role
    owner = shown if known and isinstance(shown, str) else f"{home}:role/{role}"
    return Principal(PrincipalKind.ROLE_SESSION, name, account, unique_id, owner, unique_id.partition(":")[0])


def _account_in(arn: str) -> str | None:
    parts = arn.split(":", 5)
    return parts[4] or None if len(parts) == 6 else None


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise CaseUnreadable(f"`{name}` is not an object")
    return value


def _listed(found: Mapping[str, object], name: str) -> Sequence[object]:
    value = found.get(name)
    return [] if value is None else _list(value, name)


def _list(value: object, name: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise CaseUnreadable(f"`{name}` is not a list")
    return value


def _text(found: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = found.get(name, default)
    if not isinstance(value, str):
        raise CaseUnreadable(f"`{name}` is missing or not text")
    return value
