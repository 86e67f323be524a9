"""What a decision is asked about: who, which action, on what, in which context.

The room names no AWS service; what is particular to one arrives as a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

ContextValue = str | tuple[str, ...]
Context = Mapping[str, ContextValue]
"""Condition keys in lower case (the tag key of `aws:principaltag/key` too) to values: text for a single-valued key, a
tuple (which may be empty) for a multivalued one. A key that is not in it is absent."""


class PrincipalKind(Enum):
    """The kinds of caller that AWS's rules tell apart."""

    ROOT = "root"
    USER = "user"
    ROLE_SESSION = "role-session"
    FEDERATED_USER = "federated-user"
    SERVICE = "service"
    FEDERATED = "federated"
    """A web identity or SAML login before it has become a session: `arn` is the provider's ARN or built-in name."""
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as policies name it.

    `arn` is what GetCallerIdentity shows (the session's ARN for sessions); `owner_arn` and `owner_id` are what a
    session hangs on: the role of a role session (its ARN with path), the user of a federated user. `unique_id` is a
    user's AIDA id or a role session's `AROA...:name`. Stored policies name users and roles by unique id, so a match on
    an id is a match on that very entity; a match on an ARN's text is for documents that were not stored here.
    """

    kind: PrincipalKind
    arn: str = ""
    account: str | None = None
    unique_id: str = ""
    owner_arn: str = ""
    owner_id: str = ""
    canonical_id: str = ""
    """The account's canonical user id (64 hex), where the caller has an account."""
    in_management_account: bool = False


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS)


class PolicyRequest(msgspec.Struct, frozen=True):
    """One action on one resource by one caller."""

    principal: Principal
    action: str
    """`service:Name` as AWS spells it."""
    resource: str
    """An ARN, or `*` for actions that have no resource type."""
    resource_account: str | None
    """The account that owns the resource, whose resource-based policy counts; None means the caller's."""
    context: Context
    must_be_admitted: bool = False
    """The resource's own policy must admit the caller's account even within one account (role trust policies)."""
    needs_delegation: bool = False
    """Identity policies count only where the resource's own policy admits the account, root included (KMS keys)."""
    needs_both_sides: bool = False
    """The caller's own policies must allow too, even within one account and however the resource's policy names it."""
