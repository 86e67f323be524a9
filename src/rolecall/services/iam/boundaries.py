"""Permissions boundaries of users and roles."""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory.principals import update_role, update_user
from rolecall.services.iam.access import BOUND_ROLE, BOUND_USER, on_role, on_user
from rolecall.services.iam.finding import the_attachable_policy, the_changeable_role, the_user
from rolecall.services.iam.parameters import OfRole, OfUser, RoleAndBoundary, UserAndBoundary
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Transaction


@operations.write("PutUserPermissionsBoundary", UserAndBoundary, BOUND_USER)
def put_user_permissions_boundary(allowed: Allowed, parameters: UserAndBoundary, transaction: Transaction) -> Result:
    """Set the managed policy beyond which a user may nothing."""
    old = the_user(transaction, allowed.caller.account, parameters.user_name)
    boundary = the_attachable_policy(transaction, old.account, parameters.permissions_boundary)
    update_user(transaction, old, msgspec.structs.replace(old, boundary=boundary.arn))
    return {}


@operations.write("DeleteUserPermissionsBoundary", OfUser, on_user("DeleteUserPermissionsBoundary", bounded=True))
def delete_user_permissions_boundary(allowed: Allowed, parameters: OfUser, transaction: Transaction) -> Result:
    """Take a user's boundary away."""
    old = the_user(transaction, allowed.caller.account, parameters.user_name)
    update_user(transaction, old, msgspec.structs.replace(old, boundary=None))
    return {}


@operations.write("PutRolePermissionsBoundary", RoleAndBoundary, BOUND_ROLE)
def put_role_permissions_boundary(allowed: Allowed, parameters: RoleAndBoundary, transaction: Transaction) -> Result:
    """Set the managed policy beyond which a role may nothing."""
    old = the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    boundary = the_attachable_policy(transaction, old.account, parameters.permissions_boundary)
    update_role(transaction, old, msgspec.structs.replace(old, boundary=boundary.arn))
    return {}


@operations.write("DeleteRolePermissionsBoundary", OfRole, on_role("DeleteRolePermissionsBoundary", bounded=True))
def delete_role_permissions_boundary(allowed: Allowed, parameters: OfRole, transaction: Transaction) -> Result:
    """Take a role's boundary away."""
    old = the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    update_role(transaction, old, msgspec.structs.replace(old, boundary=None))
    return {}
