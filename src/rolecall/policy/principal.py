"""Whom a Principal or NotPrincipal names, and how closely.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from rolecall.policy.document import Effect, PrincipalElement
from rolecall.policy.request import Principal, PrincipalKind


class Reach(IntEnum):
    """How closely a statement names a caller; the closer, the less else the caller needs."""

    NONE = 0
    ACCOUNT = 1
    """By its account: that account's own policies must allow too."""
    OWNER = 2
    """By the role or user whose session it is: boundary and session policies still limit it."""
    DIRECT = 3
    """By itself, or as everybody: granted at once within the account."""


_ACCOUNT = re.compile(r"[0-9]{12}|arn:[^:]*:iam::([0-9]{12}):root", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listed:
    """A compiled Principal or NotPrincipal element."""

    everyone: bool
    names: frozenset[str]
    """ARNs of users, roles and sessions, and unique ids: text that must be equal."""
    accounts: frozenset[str]
    services: frozenset[str]
    providers: frozenset[str]
    canonical_ids: frozenset[str]
    negated: bool
    allow: bool

    def reach(self, caller: Principal, *, bounded: bool) -> Reach:
        """Tell how closely the statement names the caller; NONE: it does not apply to it.

        `bounded`: the caller has a permissions boundary. A Deny with NotPrincipal then applies whatever its list holds.
        """
        if not self.negated:
            return self._named(caller)
        if self.allow:
            return Reach.NONE if self._named(caller) else Reach.DIRECT
        return Reach.NONE if not bounded and self._listed_throughout(caller) else Reach.DIRECT

    def _named(self, caller: Principal) -> Reach:
        kind = caller.kind
        if kind is PrincipalKind.FEDERATED:
            # Who has only a login's proof is named by its provider. `*` grants it nothing, but denies it.
            named = caller.arn in self.providers or (self.everyone and not self.allow)
            return Reach.DIRECT if named else Reach.NONE
        if self.everyone or (kind is PrincipalKind.SERVICE and caller.arn in self.services):
            return Reach.DIRECT
        if kind in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
            return Reach.NONE
        account = self._names_account(caller)
        if kind is PrincipalKind.ROOT:
            return Reach.DIRECT if account else Reach.NONE
        if self._names_itself(caller):
            return Reach.DIRECT
        if self._names_owner(caller):
            return Reach.OWNER
        return Reach.ACCOUNT if account else Reach.NONE

    def _names_itself(self, caller: Principal) -> bool:
        names = self.names
        return caller.arn in names or (caller.kind is PrincipalKind.USER and caller.unique_id in names)

    def _names_owner(self, caller: Principal) -> bool:
        return caller.owner_arn in self.names or caller.owner_id in self.names

    def _names_account(self, caller: Principal) -> bool:
        return caller.account in self.accounts or caller.canonical_id in self.canonical_ids

    def _listed_throughout(self, caller: Principal) -> bool:
        """Tell whether a Deny's NotPrincipal lists all that AWS may check: the caller, its owner, its account."""
        if self.everyone:
            return True
        kind = caller.kind
        if kind in (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED):
            return caller.arn in (self.services if kind is PrincipalKind.SERVICE else self.providers)
        if not self._names_account(caller):
            return False
        if kind is PrincipalKind.ROOT:
            return True
        if not self._names_itself(caller):
            return False
        return kind is PrincipalKind.USER or self._names_owner(caller) or caller.owner_arn.endswith(":root")


def listed(element: PrincipalElement, effect: Effect) -> Listed:
    """Compile a Principal or NotPrincipal element."""
    by_type: dict[str, set[str]] = {}
    accounts: set[str] = set()
    for value in element.values:
        account = _ACCOUNT.fullmatch(value.value) if value.type == "AWS" else None
        if account is not None:
            accounts.add(account[1] or account[0])
        else:
            by_type.setdefault(value.type, set()).add(value.value)
    names = by_type.get("AWS", set())
    return Listed(
        everyone="*" in names,
        names=frozenset(names - {"*"}),
        accounts=frozenset(accounts),
        services=frozenset(by_type.get("Service", ())),
        providers=frozenset(by_type.get("Federated", ())),
        canonical_ids=frozenset(by_type.get("CanonicalUser", ())),
        negated=element.negated,
        allow=effect is Effect.ALLOW,
    )
