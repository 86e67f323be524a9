"""The entity that a request names, or AWS's refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rolecall.access.caller import Caller
from rolecall.catalog import managed_policies
from rolecall.directory import policies
from rolecall.directory.principals import (
    Group,
    InstanceProfile,
    Role,
    User,
    group_named,
    profile_named,
    role_named,
    user_named,
)
from rolecall.identifiers import parse_arn
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.services.iam.refusals import invalid_input, no_such_entity, unmodifiable
from rolecall.store.interface import Snapshot


def the_user(view: Snapshot, account: str, name: str) -> User:
    """Return the user, or raise NoSuchEntity."""
    found = user_named(view, account, name)
    if found is None:
        raise no_such_entity(f"The user with name {name} cannot be found.")
    return found


def user_or_self(view: Snapshot, caller: Caller, name: str | None) -> User | None:
    """Return the user that is named, or else the caller; None is root. Access declarations refused all others."""
    if name is not None:
        return the_user(view, caller.account, name)
    if caller.principal.kind is PrincipalKind.ROOT:
        return None
    return the_user(view, caller.account, caller.user.name if caller.user else "")


def user_itself(view: Snapshot, caller: Caller, name: str | None) -> User:
    """Return the user that is named, or else the caller, where only users have what is asked about."""
    found = user_or_self(view, caller, name)
    if found is None:
        raise ServiceError("ValidationError", "Must specify userName when calling with non-User credentials")
    return found


def the_group(view: Snapshot, account: str, name: str) -> Group:
    """Return the group, or raise NoSuchEntity."""
    found = group_named(view, account, name)
    if found is None:
        raise no_such_entity(f"The group with name {name} cannot be found.")
    return found


def the_role(view: Snapshot, account: str, name: str) -> Role:
    """Return the role, or raise NoSuchEntity."""
    found = role_named(view, account, name)
    if found is None:
        raise no_such_entity(f"The role with name {name} cannot be found.")
    return found


def the_changeable_role(view: Snapshot, account: str, name: str) -> Role:
    """Return the role, or raise NoSuchEntity, or UnmodifiableEntity where it is linked to a service."""
    found = the_role(view, account, name)
    if found.is_service_linked:
        raise unmodifiable(found.name)
    return found


def the_profile(view: Snapshot, account: str, name: str) -> InstanceProfile:
    """Return the instance profile, or raise NoSuchEntity."""
    found = profile_named(view, account, name)
    if found is None:
        raise no_such_entity(f"Instance Profile {name} cannot be found.")
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """A managed policy, AWS's own or one of the account (then `own` is its record)."""

    policy_id: str
    name: str
    path: str
    arn: str
    created: datetime
    updated: datetime
    default_version: int
    description: str | None
    is_attachable: bool = True
    own: policies.ManagedPolicy | None = None

    @classmethod
    def of_account(cls, own: policies.ManagedPolicy) -> Policy:
        """Take a policy of the account."""
        return cls(
            own.policy_id,
            own.name,
            own.path,
            own.arn,
            own.created,
            own.updated,
            own.default_version,
            own.description,
            own=own,
        )

    @classmethod
    def of_aws(cls, theirs: managed_policies.ManagedPolicy) -> Policy:
        """Take a policy of AWS's own."""
        return cls(
            theirs.policy_id,
            theirs.name,
            theirs.path,
            theirs.arn,
            theirs.created,
            theirs.updated,
            theirs.default_version,
            theirs.description,
            theirs.is_attachable,
        )


def find_policy(view: Snapshot, account: str, arn: str) -> Policy | None:
    """Return the managed policy with this ARN, or None. Raises InvalidInput for what is no policy ARN."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or parsed.resource_type != "policy":
        raise invalid_input(f"ARN {arn} is not valid.")
    theirs = managed_policies.find(arn)
    if theirs is not None:
        return Policy.of_aws(theirs)
    if parsed.account != account:
        return None
    own = policies.managed_policy(view, arn)
    return None if own is None else Policy.of_account(own)


def the_policy(view: Snapshot, account: str, arn: str) -> Policy:
    """Return the managed policy, or raise InvalidInput or NoSuchEntity."""
    found = find_policy(view, account, arn)
    if found is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    return found


def the_own_policy(view: Snapshot, account: str, arn: str) -> policies.ManagedPolicy:
    """Return a policy of the account, or raise InvalidInput or NoSuchEntity."""
    found = the_policy(view, account, arn).own
    if found is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    return found


def the_attachable_policy(view: Snapshot, account: str, arn: str) -> Policy:
    """Return the managed policy, or raise in the words of attaching and of setting boundaries."""
    found = find_policy(view, account, arn)
    if found is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    return found
