"""Requests made up to show a difference between two policies, put before the policy engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product

from rolecall.policy.compile import CompiledPolicy, compile_policy
from rolecall.policy.decide import decide
from rolecall.policy.document import Condition, Document, Effect, PrincipalElement, Statement
from rolecall.policy.layers import Attached, Policies
from rolecall.policy.request import ANONYMOUS, Context, ContextValue, PolicyRequest, Principal, PrincipalKind

_MOST = 200
"""How many requests are tried."""
_MOST_KEYS = 100
"""How many condition keys are given values, those of the statement first."""
_OWNER = "999999999999"
"""The account that owns what is asked for; no policy names it."""
_EVERYTHING = Attached(
    compile_policy(Document("2012-10-17", (Statement(Effect.ALLOW, ("*",), ("*",)),))), "the caller's own account"
)
"""What a caller's own policies allow, where the resource's is in question."""
_OTHER = "a-value-that-no-policy-names"


class Trial:
    """Requests by one statement of a new policy, put before that policy and the existing one."""

    def __init__(
        self, new: CompiledPolicy, existing: CompiledPolicy, statement: Statement, texts: Sequence[str]
    ) -> None:
        """Take the policies, the statement, and resources that are tried beside those that are asked about."""
        self._new, self._existing = new, existing
        self._statement = statement
        self._texts = texts

    def lets_through(self, pairs: Sequence[tuple[str, str]], pay: Callable[[], None]) -> bool:
        """Tell whether a request is allowed by the one and not by the other; each request is paid for."""
        if not pairs:
            return False
        pay()
        contexts = list(islice(_contexts(self._statement, self._new.document, self._existing.document), _MOST))
        for action, resource in (*pairs, *((pairs[0][0], text) for text in self._texts if "*" not in text)):
            for caller in _callers(self._statement.principal) if resource.isascii() else ():
                for context in contexts:
                    pay()
                    if self._differs(caller, action, resource, context):
                        return True
        return False

    def _differs(self, caller: Principal, action: str, resource: str, context: Context) -> bool:
        owner = caller.account if self._statement.principal is None else _OWNER
        request = PolicyRequest(caller, action, resource, owner, context)
        return _allows(self._new, request) and not _allows(self._existing, request)


def _allows(policy: CompiledPolicy, request: PolicyRequest) -> bool:
    """Ask the engine, of a policy by itself: nothing else allows anything."""
    attached = Attached(policy, "policy")
    if any(statement.source.principal is not None for statement in policy.statements):
        return decide(request, Policies(identity=(_EVERYTHING,), resource=attached)).allowed
    return decide(request, Policies(identity=(attached,))).allowed


def _callers(element: PrincipalElement | None) -> Iterator[Principal]:
    if element is None:
        yield Principal(PrincipalKind.USER, "arn:aws:iam::999999999999:user/trial", _OWNER, "AIDATRIAL")
        return
    for value in element.values:
        name = value.value
        account = name.split(":")[4] if name.count(":") >= 5 else name
        if value.type == "Service":
            yield Principal(PrincipalKind.SERVICE, name)
        elif value.type == "AWS" and name == "*":
            yield ANONYMOUS
        elif value.type == "AWS" and (name.endswith(":root") or name.isdigit()):
            yield Principal(PrincipalKind.USER, f"arn:aws:iam::{account}:user/trial", account, "AIDATRIAL")
        elif value.type == "AWS" and ":user/" in name:
            yield Principal(PrincipalKind.USER, name, account, "AIDATRIAL")
        elif value.type == "AWS":
            arn = f"arn:aws:sts::{account}:assumed-role/{name.rpartition('/')[2]}/trial"
            yield Principal(PrincipalKind.ROLE_SESSION, arn, account, "AROATRIAL:trial", name, "AROATRIAL")


def _contexts(statement: Statement, new: Document, existing: Document) -> Iterator[Context]:
    """Yield contexts that the statement's conditions may hold in, with and without what other statements ask for."""
    own: dict[str, list[ContextValue | None]] = {}
    for condition in statement.conditions:
        own.setdefault(condition.key.lower(), []).extend(_values(condition))
    for other in (*existing.statements, *(one for one in new.statements if one.effect is Effect.DENY)):
        for condition in other.conditions:
            own.setdefault(condition.key.lower(), []).extend([None, _OTHER, *_values(condition)])
    keys = list(own)[:_MOST_KEYS]
    for values in product(*(dict.fromkeys(own[key]) for key in keys)):
        yield _without_gaps(dict(zip(keys, values, strict=True)))


def _without_gaps(found: Mapping[str, ContextValue | None]) -> Context:
    return {key: value for key, value in found.items() if value is not None}


def _values(condition: Condition) -> list[ContextValue | None]:
    """Return values with which a line holds, or does not."""
    name = condition.operator.lower()
    found: list[ContextValue | None] = [None]
    for value in condition.values[:4]:
        plain = value.replace("*", "x").replace("?", "x").partition("/")[0] if "ipaddress" in name else value
        plain = plain.replace("*", "x").replace("?", "x")
        found += [plain, (plain,)] if name.startswith(("forany", "forall")) else [plain]
    return [*found, _OTHER]
