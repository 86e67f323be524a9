"""What a decision is made from and what it says: layers of policies, the outcome, the statements that decided."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec

from rolecall.policy.compile import CompiledPolicy


class Outcome(Enum):
    """What a decision comes to."""

    ALLOW = "allow"
    IMPLICIT_DENY = "implicit_deny"
    EXPLICIT_DENY = "explicit_deny"


class Layer(Enum):
    """A kind of policy that has a say in a request, under the name AWS's texts give it."""

    SCP = "service control policy"
    RCP = "resource control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class Attached:
    """A policy and the way it reaches the caller.

    `source` is that way in words: `user/alice > group/devs > arn:aws:iam::aws:policy/ReadOnlyAccess`,
    `role/R inline P`. `arn` is a managed policy's. Where it is known, `name` is the policy's own, `version` that of a
    managed one (`v3`), and `path` what it is attached to, the caller first: `("user/alice", "group/devs")`.
    """

    policy: CompiledPolicy
    source: str
    arn: str | None = None
    name: str = ""
    version: str = ""
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that apply to one request."""

    identity: tuple[Attached, ...] = ()
    boundary: Attached | None = None
    session: tuple[Attached, ...] | None = None
    """Their union is one layer. None: there is no such layer; empty: there is one, and it allows nothing."""
    resource: Attached | None = None
    """The resource's own policy; where the request `must_be_admitted`, a role's trust policy."""
    scps: tuple[tuple[Attached, ...], ...] = ()
    """Levels from the root of the organization to the account; each must allow."""
    rcps: tuple[tuple[Attached, ...], ...] = ()
    """Levels likewise. AWS's own allow-all is taken to be there on each."""
    endpoint: Attached | None = None


class Matched(msgspec.Struct, frozen=True):
    """A statement that applied."""

    layer: Layer
    source: str
    arn: str | None
    statement: int
    """Its position in its document, from 0."""
    sid: str
    effect: str


class Decision(msgspec.Struct, frozen=True):
    """The answer to a request, with its reasons."""

    outcome: Outcome
    layer: Layer | None = None
    """The layer that denied; None on allow."""
    matched: tuple[Matched, ...] = ()
    """The statements that decided: all that denied, or those that allowed."""
    by_root: bool = False
    """Allowed because the caller is the account's root user, which needs no policy."""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.outcome is Outcome.ALLOW
