"""A case read: one JSON object with a request and the policies that apply to it, ready to be decided.

What a case leaves out is read from its ARNs; condition keys are complete, none is derived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from rolecall.cases import facts
from rolecall.policy.compile import CompiledPolicy, compile_policy
from rolecall.policy.decide import Attached, Decision, Explanation, Layer, Outcome, Policies, decide, explain
from rolecall.policy.parse import PolicyUnreadable, is_text, parse, read_document
from rolecall.policy.request import ANONYMOUS, Context, PolicyRequest, Principal, PrincipalKind

MOST_BYTES = 16 * 1024 * 1024
"""Of the text of a case: all its policies at AWS's limits are far smaller."""

_WORST = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, Outcome.ALLOW)
_NOT_ALLOWED_AT_ALL = Decision(Outcome.IMPLICIT_DENY, Layer.IDENTITY)


class CaseUnreadable(Exception):
    """The object is not a case. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """A policy document in a file; a case may hold it where it may hold a document."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision on a case: where it asks for several actions, the worst."""

    request: PolicyRequest
    """The action that decided."""
    decision: Decision
    policies: Policies
    by_fact: bool = False
    """No policy had a say: this kind of caller always may, or never can, call the action."""

    def explanation(self) -> Explanation:
        """Return all that was looked at."""
        return explain(self.request, self.policies)


@dataclass(frozen=True, slots=True)
class Case:
    """A request and its policies, once for each action that must be allowed."""

    requests: tuple[PolicyRequest, ...]
    policies: Policies

    def decide(self) -> Answer:
        """Return the decision; where the case asks for several actions, the worst."""
        answers = [self._one(request) for request in self.requests]
        return min(answers, key=lambda answer: _WORST.index(answer.decision.outcome))

    def _one(self, request: PolicyRequest) -> Answer:
        policies = self.policies
        if facts.cannot_call(request):
            return Answer(request, _NOT_ALLOWED_AT_ALL, policies, by_fact=True)
        if facts.every_caller_may(request):
            return Answer(request, Decision(Outcome.ALLOW), policies, by_fact=True)
        if facts.owners_root_may(request):
            policies = replace(policies, resource=None)
        if not facts.is_under_resource_control(request.action):
            policies = replace(policies, rcps=())
        return Answer(request, decide(request, policies), policies)


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
    trust = given.get("trust")
    request = PolicyRequest(
        principal,
        _text(asked, "action"),
        resource,
        _owner(asked, principal),
        context,
        must_be_admitted=trust is not None,
    )
    also = [_is_text(action, "also") for action in _list(asked.get("also", []), "also")]
    policies = _policies(given)
    return Case(
        tuple(_asking(request, action, policies) for action in (request.action, *also)),
        policies,
    )


def _owner(asked: Mapping[str, object], principal: Principal) -> str | None:
    """Return the account that owns the resource: the caller's, where no other one's policies have a say in it."""
    resource, action = _text(asked, "resource"), _text(asked, "action")
    named = _text(asked, "resource_account", "") or _account_in(resource)
    return principal.account if named in {"", None, "aws"} or facts.is_own_matter(action) else named


def _asking(request: PolicyRequest, action: str, policies: Policies) -> PolicyRequest:
    if ":" not in action:
        raise CaseUnreadable(f"`{action}` is no action: it has no service prefix")
    asked = msgspec.structs.replace(request, action=action)
    return msgspec.structs.replace(
        asked,
        needs_both_sides=facts.needs_both_sides(asked),
        needs_delegation=policies.resource is not None and facts.is_delegated(action) and not asked.must_be_admitted,
    )


# Policies -------------------------------------------------------------------------------------------------------------


def _policies(given: Mapping[str, object]) -> Policies:
    resource = _only(given, "trust") or _only(given, "resource")
    return Policies(
        identity=_attached(given, "identity"),
        boundary=_only(given, "boundary"),
        session=None if given.get("session") is None else _attached(given, "session"),
        resource=resource,
        scps=tuple(_levels(given, "scps")),
        rcps=tuple(_levels(given, "rcps")),
        endpoint=_only(given, "endpoint"),
    )


def _attached(given: Mapping[str, object], name: str) -> tuple[Attached, ...]:
    documents = _listed(given, name)
    return tuple(_policy(each, f"{name} {position}") for position, each in enumerate(documents))


def _only(given: Mapping[str, object], name: str) -> Attached | None:
    found = _listed(given, name)
    if len(found) > 1:
        raise CaseUnreadable(f"`{name}` holds {len(found)} documents; there can be one")
    return _policy(found[0], name) if found else None


def _levels(given: Mapping[str, object], name: str) -> Iterator[tuple[Attached, ...]]:
    for number, level in enumerate(_listed(given, name)):
        documents = _list(level, name)
        yield tuple(_policy(each, f"{name} {number}.{position}") for position, each in enumerate(documents))


def _policy(document: object, source: str) -> Attached:
    try:
        if isinstance(document, FromFile):
            source = document.name
            return Attached(_compiled(document.text), source)
        return Attached(_compiled(document), source)
    except PolicyUnreadable as problem:
        raise PolicyUnreadable(f"{source}: {problem}") from None


def _compiled(document: object) -> CompiledPolicy:
    return compile_policy(parse(str(document)) if is_text(document) else read_document(document))


# The request ----------------------------------------------------------------------------------------------------------


def _context(found: Mapping[str, object]) -> Context:
    context: dict[str, str | tuple[str, ...]] = {}
    for name, value in found.items():
        key = name.lower()
        if key in context:
            raise CaseUnreadable(f"the context repeats the key `{name}`")
        values = tuple(_value(item, name) for item in _list(value, name))
        context[key] = values[0] if len(values) == 1 and not facts.is_list(key) else values
    return context


def _value(value: object, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise CaseUnreadable(f"a value of the key `{name}` is neither text, boolean nor number")


def _principal(asked: Mapping[str, object], context: Context) -> Principal:
    name = _text(asked, "principal")
    if name == "anonymous":
        return ANONYMOUS
    unique_id = _text(asked, "principal_id", "")
    account = _text(asked, "account", "") or _account_in(name)
    if name in facts.BUILT_IN_PROVIDERS or ":saml-provider/" in name or ":oidc-provider/" in name:
        return Principal(PrincipalKind.FEDERATED, name, account)
    if not name.startswith("arn:"):
        return Principal(PrincipalKind.SERVICE, name)
    if name.count(":") < 5 or not account:
        raise CaseUnreadable(f"`{name}` is no caller")
    kind, _, rest = name.split(":", 5)[5].partition("/")
    home = f"arn:{name.split(':')[1]}:iam::{account}"
    if kind == "root":
        return Principal(PrincipalKind.ROOT, name, account)
    if kind == "user" and rest:
        return Principal(PrincipalKind.USER, name, account, unique_id)
    if kind == "federated-user" and rest:
        return Principal(PrincipalKind.FEDERATED_USER, name, account, unique_id, f"{home}:user/{rest}")
    if kind == "assumed-role" and rest.count("/") == 1:
        owner = _role_of(home, rest.partition("/")[0], context)
        return Principal(PrincipalKind.ROLE_SESSION, name, account, unique_id, owner, unique_id.partition(":")[0])
    raise CaseUnreadable(f"`{name}` is no caller")


def _role_of(home: str, role: str, context: Context) -> str:
    """Return a session's role: a session's ARN leaves its path out, the key of the role's ARN shows it."""
    shown = context.get("aws:principalarn")
    if isinstance(shown, str) and shown.startswith(f"{home}:role/") and shown.rpartition("/")[2] == role:
        return shown
    return f"{home}:role/{role}"


def _account_in(arn: str) -> str | None:
    parts = arn.split(":", 5)
    return parts[4] or None if len(parts) == 6 else None


# Shapes ---------------------------------------------------------------------------------------------------------------


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise CaseUnreadable(f"`{name}` is not an object")
    return value


def _listed(found: Mapping[str, object], name: str) -> Sequence[object]:
    """Return a list of documents; one that stands alone is a list of one."""
    value = found.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _list(value: object, name: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise CaseUnreadable(f"`{name}` is not a list")
    return value


def _text(found: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = found.get(name)
    return default if value is None and default is not None else _is_text(value, name)


def _is_text(value: object, name: str) -> str:
    if not is_text(value):
        raise CaseUnreadable(f"`{name}` is missing or not text")
    return str(value)
