"""Managed policies attached to users, groups and roles."""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.directory.policies import attach, attached_policies, detach, is_attached
from rolecall.identifiers import parse_arn
from rolecall.message import ServiceError
from rolecall.services.iam.access import (
    attaching_to_group,
    attaching_to_role,
    attaching_to_user,
    on_group,
    on_role,
    on_user,
)
from rolecall.services.iam.finding import (
    find_policy,
    the_attachable_policy,
    the_changeable_role,
    the_group,
    the_role,
    the_user,
)
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import GroupAndPolicy, OfGroup, OfRole, OfUser, RoleAndPolicy, UserAndPolicy
from rolecall.services.iam.refusals import no_such_entity, quota_exceeded
from rolecall.services.iam.shown import attached
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTAS = {"User": 10, "Group": 10, "Role": 20}


class AttachedToUser(OfUser, frozen=True, kw_only=True):
    """Of ListAttachedUserPolicies."""

    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


class AttachedToGroup(OfGroup, frozen=True, kw_only=True):
    """Of ListAttachedGroupPolicies."""

    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


class AttachedToRole(OfRole, frozen=True, kw_only=True):
    """Of ListAttachedRolePolicies."""

    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


def _attach(transaction: Transaction, account: str, kind: str, owner_id: str, arn: str) -> Result:
    policy = the_attachable_policy(transaction, account, arn)
    if not policy.is_attachable:
        raise ServiceError("PolicyNotAttachable", "Cannot attach a Service Role Policy to a customer role.")
    quota = QUOTAS[kind]
    if len(attached_policies(transaction, account, owner_id)) >= quota and not is_attached(
        transaction, account, owner_id, arn
    ):
        raise quota_exceeded(f"PoliciesPer{kind}", quota)
    attach(transaction, account, owner_id, policy.arn)
    return {}


def _detach(transaction: Transaction, account: str, owner_id: str, arn: str) -> Result:
    if not detach(transaction, account, owner_id, arn):
        find_policy(transaction, account, arn)
        raise no_such_entity(f"Policy {arn} was not found.")
    return {}


def _list(
    view: Snapshot, account: str, owner_id: str, asked: AttachedToUser | AttachedToGroup | AttachedToRole
) -> Result:
    arns = [arn for arn in attached_policies(view, account, owner_id) if _path(arn).startswith(asked.path_prefix)]
    page, more = page_of(arns, str, asked)
    return {"attached_policies": attached(page), **more}


def _path(arn: str) -> str:
    parsed = parse_arn(arn)
    return parsed.resource_path if parsed is not None else "/"


@operations.write("AttachUserPolicy", UserAndPolicy, attaching_to_user("AttachUserPolicy"))
def attach_user_policy(allowed: Allowed, parameters: UserAndPolicy, transaction: Transaction) -> Result:
    """Attach a managed policy to a user; one that is attached stays attached."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    return _attach(transaction, owner.account, "User", owner.user_id, parameters.policy_arn)


@operations.write("DetachUserPolicy", UserAndPolicy, attaching_to_user("DetachUserPolicy"))
def detach_user_policy(allowed: Allowed, parameters: UserAndPolicy, transaction: Transaction) -> Result:
    """Detach a managed policy from a user."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    return _detach(transaction, owner.account, owner.user_id, parameters.policy_arn)


@operations.read("ListAttachedUserPolicies", AttachedToUser, on_user("ListAttachedUserPolicies"))
def list_attached_user_policies(allowed: Allowed, parameters: AttachedToUser, view: Snapshot) -> Result:
    """List the managed policies attached to a user."""
    owner = the_user(view, allowed.caller.account, parameters.user_name)
    return _list(view, owner.account, owner.user_id, parameters)


@operations.write("AttachGroupPolicy", GroupAndPolicy, attaching_to_group("AttachGroupPolicy"))
def attach_group_policy(allowed: Allowed, parameters: GroupAndPolicy, transaction: Transaction) -> Result:
    """Attach a managed policy to a group; one that is attached stays attached."""
    owner = the_group(transaction, allowed.caller.account, parameters.group_name)
    return _attach(transaction, owner.account, "Group", owner.group_id, parameters.policy_arn)


@operations.write("DetachGroupPolicy", GroupAndPolicy, attaching_to_group("DetachGroupPolicy"))
def detach_group_policy(allowed: Allowed, parameters: GroupAndPolicy, transaction: Transaction) -> Result:
    """Detach a managed policy from a group."""
    owner = the_group(transaction, allowed.caller.account, parameters.group_name)
    return _detach(transaction, owner.account, owner.group_id, parameters.policy_arn)


@operations.read("ListAttachedGroupPolicies", AttachedToGroup, on_group("ListAttachedGroupPolicies"))
def list_attached_group_policies(allowed: Allowed, parameters: AttachedToGroup, view: Snapshot) -> Result:
    """List the managed policies attached to a group."""
    owner = the_group(view, allowed.caller.account, parameters.group_name)
    return _list(view, owner.account, owner.group_id, parameters)


@operations.write("AttachRolePolicy", RoleAndPolicy, attaching_to_role("AttachRolePolicy"))
def attach_role_policy(allowed: Allowed, parameters: RoleAndPolicy, transaction: Transaction) -> Result:
    """Attach a managed policy to a role; one that is attached stays attached."""
    owner = the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    return _attach(transaction, owner.account, "Role", owner.role_id, parameters.policy_arn)


@operations.write("DetachRolePolicy", RoleAndPolicy, attaching_to_role("DetachRolePolicy"))
def detach_role_policy(allowed: Allowed, parameters: RoleAndPolicy, transaction: Transaction) -> Result:
    """Detach a managed policy from a role."""
    owner = the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    return _detach(transaction, owner.account, owner.role_id, parameters.policy_arn)


@operations.read("ListAttachedRolePolicies", AttachedToRole, on_role("ListAttachedRolePolicies"))
def list_attached_role_policies(allowed: Allowed, parameters: AttachedToRole, view: Snapshot) -> Result:
    """List the managed policies attached to a role."""
    owner = the_role(view, allowed.caller.account, parameters.role_name)
    return _list(view, owner.account, owner.role_id, parameters)
