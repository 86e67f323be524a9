"""The caller of a simulated request: a user, group or role that its ARN names, and what it is known by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rolecall.directory.accounts import account
from rolecall.directory.principals import Group, Role, User
from rolecall.identifiers import Arn, assumed_role_arn
from rolecall.policy.request import ContextValue, Principal, PrincipalKind
from rolecall.store.interface import Snapshot

SESSION = "simulated"
"""The name of the session in which a role makes its simulated requests."""


@dataclass(frozen=True, slots=True)
class SimulatedCaller:
    """Who makes the simulated requests, and the condition keys that follow from that."""

    principal: Principal
    account: str
    keys: Mapping[str, ContextValue] = field(default_factory=dict)


def unknown_caller(account_id: str) -> SimulatedCaller:
    """Return a caller of an account of whom nothing else is known."""
    return SimulatedCaller(Principal(PrincipalKind.USER, account=account_id), account_id)


def named_caller(arn: Arn, unique_id: str = "") -> SimulatedCaller:
    """Return the caller that an ARN describes; nothing is told of it but its id, where that is known."""
    return _caller(arn, unique_id, "", {})


def known_caller(view: Snapshot, entity: User | Group | Role) -> SimulatedCaller:
    """Return an entity of this server as the caller, with its unique id and its tags."""
    found = account(view, entity.account)
    tags = {} if isinstance(entity, Group) else entity.tags
    arn = Arn("aws", "iam", "", entity.account, entity.arn.split(":", 5)[5])
    return _caller(arn, entity.unique_id, found.canonical_id if found else "", tags)


def _caller(arn: Arn, unique_id: str, canonical_id: str, tags: Mapping[str, str]) -> SimulatedCaller:
    keys: dict[str, ContextValue] = {
        "aws:principalarn": str(arn),
        "aws:principalaccount": arn.account,
        "aws:principalisawsservice": "false",
    }
    if arn.resource_type == "role":
        principal = Principal(
            PrincipalKind.ROLE_SESSION,
            arn=assumed_role_arn(arn.account, arn.resource_name, SESSION),
            account=arn.account,
            unique_id=f"{unique_id}:{SESSION}" if unique_id else "",
            owner_arn=str(arn),
            owner_id=unique_id,
            canonical_id=canonical_id,
        )
        keys["aws:principaltype"] = "AssumedRole"
    else:
        principal = Principal(PrincipalKind.USER, str(arn), arn.account, unique_id, canonical_id=canonical_id)
        keys["aws:principaltype"] = "User"
    if arn.resource_type == "user":
        keys["aws:username"] = arn.resource_name
    if principal.unique_id:
        keys["aws:userid"] = principal.unique_id
    for key, value in tags.items():
        keys[f"aws:principaltag/{key.lower()}"] = value
    return SimulatedCaller(principal, arn.account, keys)
