"""What an operation declares of the rights it needs: `Access`, and the checks it makes of one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from rolecall.access.caller import Caller
from rolecall.message import Request
from rolecall.policy.request import ContextValue
from rolecall.store.interface import Snapshot

P_co = TypeVar("P_co", covariant=True)
P_contra = TypeVar("P_contra", contravariant=True)


class Guard(Enum):
    """Which kind of resource holds the resource-based policy that an action is also decided by."""

    ROLE = "role"
    """`guarded_by` is the role's unique id; its trust policy must itself admit the caller."""
    BUCKET = "bucket"
    """`guarded_by` is the bucket's name; its policy, public access block and owner count."""


class Denial(Enum):
    """The form in which AWS words a refusal."""

    FULL = "full"
    """`User: A is not authorized to perform: X on resource: R because ...`"""
    SHORT = "short"
    """The same without the reason, for AssumeRole: neither the reason nor the role's existence is revealed."""
    QUOTED = "quoted"
    """S3's: the resource in double quotes; the plain `Access Denied` to strangers."""
    JSON = "json"
    """The full text under the code and status that services with a JSON protocol have for it."""
    BARE = "bare"
    """`Not authorized to perform sts:AssumeRoleWithSAML`, for calls that carry no signature."""


class Check(msgspec.Struct, frozen=True):
    """One action on one resource that the caller must be allowed."""

    action: str
    resource: str = "*"
    account: str | None = None
    """The account that owns the resource; None means the caller's."""
    context: Mapping[str, ContextValue] = {}
    """Condition keys of this action and resource, in lower case. Global keys are added by the authorizer."""
    guard: Guard | None = None
    guarded_by: str = ""
    needs_both_sides: bool = False
    """The caller's own policies must allow it too, whatever the resource's policy grants (SetSourceIdentity by a role
    session)."""
    with_mfa: bool = False
    """This very call proved MFA: the keys say so, whatever the caller's credentials are. Only for a code that held."""
    shown: str | None = None
    """How AWS's text names the resource where not by its ARN (`user alice`)."""


class Ask(msgspec.Struct, Generic[P_co], frozen=True):
    """What an access declaration may look at."""

    caller: Caller
    parameters: P_co
    request: Request
    view: Snapshot
    now: datetime


@dataclass(frozen=True, slots=True)
class Access(Generic[P_contra]):
    """An operation's access declaration: what must be allowed before it runs. All checks must pass."""

    checks: Callable[[Ask[P_contra]], Sequence[Check]]
    denial: Denial = Denial.FULL
    unsigned: bool = False
    """An unsigned request may ask: S3 as the anonymous caller, the federated calls by the proof they carry."""
    every_caller: bool = False
    """Every authenticated caller may, whatever policies say (GetCallerIdentity). Then `checks` may be empty.

    With `unsigned` too, the operation is a list of items and its handler asks `Allowed` for each (DeleteObjects).
    """
