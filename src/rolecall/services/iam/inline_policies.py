"""Inline policies of users, groups and roles."""

from __future__ import annotations

from typing import NamedTuple

from rolecall.access.allowed import Allowed
from rolecall.directory import policies
from rolecall.directory.policies import inline_policies, inline_policy, put_inline_policy
from rolecall.directory.principals import Group, Role, User
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_group, on_role, on_user
from rolecall.services.iam.documents import inline_document
from rolecall.services.iam.finding import the_changeable_role, the_group, the_role, the_user
from rolecall.services.iam.paging import Paged, page_of
from rolecall.services.iam.parameters import OfGroup, OfRole, OfUser
from rolecall.services.iam.refusals import no_such_entity
from rolecall.services.iam.shown import encoded
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction


class UserPolicy(OfUser, frozen=True, kw_only=True):
    """Of operations on one inline policy."""

    policy_name: str


class NewUserPolicy(UserPolicy, frozen=True, kw_only=True):
    """Of PutUserPolicy."""

    policy_document: str


class UserPolicies(OfUser, frozen=True, kw_only=True):
    """Of ListUserPolicies."""

    marker: str | None = None
    max_items: int | None = None


class GroupPolicy(OfGroup, frozen=True, kw_only=True):
    """Of operations on one inline policy."""

    policy_name: str


class NewGroupPolicy(GroupPolicy, frozen=True, kw_only=True):
    """Of PutGroupPolicy."""

    policy_document: str


class GroupPolicies(OfGroup, frozen=True, kw_only=True):
    """Of ListGroupPolicies."""

    marker: str | None = None
    max_items: int | None = None


class RolePolicy(OfRole, frozen=True, kw_only=True):
    """Of operations on one inline policy."""

    policy_name: str


class NewRolePolicy(RolePolicy, frozen=True, kw_only=True):
    """Of PutRolePolicy."""

    policy_document: str


class RolePolicies(OfRole, frozen=True, kw_only=True):
    """Of ListRolePolicies."""

    marker: str | None = None
    max_items: int | None = None


class _Owner(NamedTuple):
    """Whose inline policies an operation is about."""

    account: str
    kind: str
    unique_id: str
    name: str


def _user(user: User) -> _Owner:
    return _Owner(user.account, "user", user.user_id, user.name)


def _group(group: Group) -> _Owner:
    return _Owner(group.account, "group", group.group_id, group.name)


def _role(role: Role) -> _Owner:
    return _Owner(role.account, "role", role.role_id, role.name)


def _put(transaction: Transaction, owner: _Owner, name: str, text: str) -> Result:
    present = inline_policies(transaction, owner.account, owner.unique_id)
    others = [kept for known, kept in present if known != name]
    document = inline_document(text, owner.kind, owner.name, others)
    put_inline_policy(transaction, owner.account, owner.unique_id, name, document)
    return {}


def _get(view: Snapshot, owner: _Owner, name: str) -> Result:
    text = inline_policy(view, owner.account, owner.unique_id, name)
    if text is None:
        raise _missing(owner, name)
    return {f"{owner.kind}_name": owner.name, "policy_name": name, "policy_document": encoded(text)}


def _list(view: Snapshot, owner: _Owner, asked: Paged) -> Result:
    names = [name for name, _ in inline_policies(view, owner.account, owner.unique_id)]
    page, more = page_of(names, str, asked)
    return {"policy_names": page, **more}


def _delete(transaction: Transaction, owner: _Owner, name: str) -> Result:
    if not policies.delete_inline_policy(transaction, owner.account, owner.unique_id, name):
        raise _missing(owner, name)
    return {}


def _missing(owner: _Owner, name: str) -> ServiceError:
    return no_such_entity(f"The {owner.kind} policy with name {name} cannot be found.")


@operations.write("PutUserPolicy", NewUserPolicy, on_user("PutUserPolicy", bounded=True))
def put_user_policy(allowed: Allowed, parameters: NewUserPolicy, transaction: Transaction) -> Result:
    """Keep an inline policy of a user, in place of one of the same name."""
    owner = _user(the_user(transaction, allowed.caller.account, parameters.user_name))
    return _put(transaction, owner, parameters.policy_name, parameters.policy_document)


@operations.read("GetUserPolicy", UserPolicy, on_user("GetUserPolicy"))
def get_user_policy(allowed: Allowed, parameters: UserPolicy, view: Snapshot) -> Result:
    """Return an inline policy of a user."""
    owner = _user(the_user(view, allowed.caller.account, parameters.user_name))
    return _get(view, owner, parameters.policy_name)


@operations.read("ListUserPolicies", UserPolicies, on_user("ListUserPolicies"))
def list_user_policies(allowed: Allowed, parameters: UserPolicies, view: Snapshot) -> Result:
    """List the names of the inline policies of a user."""
    owner = _user(the_user(view, allowed.caller.account, parameters.user_name))
    return _list(view, owner, parameters)


@operations.write("DeleteUserPolicy", UserPolicy, on_user("DeleteUserPolicy", bounded=True))
def delete_user_policy(allowed: Allowed, parameters: UserPolicy, transaction: Transaction) -> Result:
    """Delete an inline policy of a user."""
    owner = _user(the_user(transaction, allowed.caller.account, parameters.user_name))
    return _delete(transaction, owner, parameters.policy_name)


@operations.write("PutGroupPolicy", NewGroupPolicy, on_group("PutGroupPolicy"))
def put_group_policy(allowed: Allowed, parameters: NewGroupPolicy, transaction: Transaction) -> Result:
    """Keep an inline policy of a group, in place of one of the same name."""
    owner = _group(the_group(transaction, allowed.caller.account, parameters.group_name))
    return _put(transaction, owner, parameters.policy_name, parameters.policy_document)


@operations.read("GetGroupPolicy", GroupPolicy, on_group("GetGroupPolicy"))
def get_group_policy(allowed: Allowed, parameters: GroupPolicy, view: Snapshot) -> Result:
    """Return an inline policy of a group."""
    owner = _group(the_group(view, allowed.caller.account, parameters.group_name))
    return _get(view, owner, parameters.policy_name)


@operations.read("ListGroupPolicies", GroupPolicies, on_group("ListGroupPolicies"))
def list_group_policies(allowed: Allowed, parameters: GroupPolicies, view: Snapshot) -> Result:
    """List the names of the inline policies of a group."""
    owner = _group(the_group(view, allowed.caller.account, parameters.group_name))
    return _list(view, owner, parameters)


@operations.write("DeleteGroupPolicy", GroupPolicy, on_group("DeleteGroupPolicy"))
def delete_group_policy(allowed: Allowed, parameters: GroupPolicy, transaction: Transaction) -> Result:
    """Delete an inline policy of a group."""
    owner = _group(the_group(transaction, allowed.caller.account, parameters.group_name))
    return _delete(transaction, owner, parameters.policy_name)


@operations.write("PutRolePolicy", NewRolePolicy, on_role("PutRolePolicy", bounded=True))
def put_role_policy(allowed: Allowed, parameters: NewRolePolicy, transaction: Transaction) -> Result:
    """Keep an inline policy of a role, in place of one of the same name."""
    owner = _role(the_changeable_role(transaction, allowed.caller.account, parameters.role_name))
    return _put(transaction, owner, parameters.policy_name, parameters.policy_document)


@operations.read("GetRolePolicy", RolePolicy, on_role("GetRolePolicy"))
def get_role_policy(allowed: Allowed, parameters: RolePolicy, view: Snapshot) -> Result:
    """Return an inline policy of a role."""
    owner = _role(the_role(view, allowed.caller.account, parameters.role_name))
    return _get(view, owner, parameters.policy_name)


@operations.read("ListRolePolicies", RolePolicies, on_role("ListRolePolicies"))
def list_role_policies(allowed: Allowed, parameters: RolePolicies, view: Snapshot) -> Result:
    """List the names of the inline policies of a role."""
    owner = _role(the_role(view, allowed.caller.account, parameters.role_name))
    return _list(view, owner, parameters)


@operations.write("DeleteRolePolicy", RolePolicy, on_role("DeleteRolePolicy", bounded=True))
def delete_role_policy(allowed: Allowed, parameters: RolePolicy, transaction: Transaction) -> Result:
    """Delete an inline policy of a role."""
    owner = _role(the_changeable_role(transaction, allowed.caller.account, parameters.role_name))
    return _delete(transaction, owner, parameters.policy_name)
