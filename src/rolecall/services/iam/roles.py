"""Roles and their trust policies."""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory import principals
from rolecall.directory.policies import attached_policies, inline_policies
from rolecall.directory.principals import ROLES, Role, profiles_of_role
from rolecall.directory.records import NameTaken
from rolecall.identifiers import new_unique_id
from rolecall.services.iam.access import CREATE_ROLE, below, on_role
from rolecall.services.iam.documents import trust_document
from rolecall.services.iam.finding import the_attachable_policy, the_changeable_role, the_role
from rolecall.services.iam.paging import page_of_entities
from rolecall.services.iam.parameters import Below, NewRole, OfRole
from rolecall.services.iam.refusals import cannot_delete, exists_already, invalid_input, quota_exceeded
from rolecall.services.iam.shown import shown_role, whole_role
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import new_tags
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 10_000
_RESERVED_PATHS = ("/aws-service-role/", "/aws-reserved/")


class NewTrust(OfRole, frozen=True, kw_only=True):
    """Of UpdateAssumeRolePolicy."""

    policy_document: str


class ChangedRole(OfRole, frozen=True, kw_only=True):
    """Of UpdateRole."""

    description: str | None = None
    max_session_duration: int | None = None


class DescribedRole(OfRole, frozen=True, kw_only=True):
    """Of UpdateRoleDescription."""

    description: str


@operations.write("CreateRole", NewRole, CREATE_ROLE)
def create_role(allowed: Allowed, parameters: NewRole, transaction: Transaction) -> Result:
    """Create a role that its trust policy lets somebody assume."""
    account = allowed.caller.account
    if parameters.path.startswith(_RESERVED_PATHS):
        raise invalid_input(f"The path {parameters.path} is reserved for roles that AWS services create.")
    tags = new_tags(parameters.tags, fold_keys=True)
    if principals.role_named(transaction, account, parameters.role_name) is not None:
        raise exists_already(f"Role with name {parameters.role_name} already exists.")
    trust = trust_document(transaction, account, parameters.assume_role_policy_document)
    if parameters.permissions_boundary is not None:
        the_attachable_policy(transaction, account, parameters.permissions_boundary)
    new = Role(
        account=account,
        name=parameters.role_name,
        path=parameters.path,
        created=allowed.now.replace(microsecond=0),
        role_id=new_unique_id("AROA", account),
        trust=trust,
        description=parameters.description,
        max_session_duration=parameters.max_session_duration or 3600,
        tags=tags,
        boundary=parameters.permissions_boundary,
    )
    add_role(transaction, new)
    return {"role": whole_role(transaction, new)}


def add_role(transaction: Transaction, new: Role) -> None:
    """Keep a new role. Raises EntityAlreadyExists, LimitExceeded."""
    if ROLES.count(transaction, new.account) >= QUOTA:
        raise quota_exceeded("RolesPerAccount", QUOTA)
    try:
        principals.create_role(transaction, new)
    except NameTaken:
        raise exists_already(f"Role with name {new.name} already exists.") from None


@operations.read("GetRole", OfRole, on_role("GetRole", bounded=True))
def get_role(allowed: Allowed, parameters: OfRole, view: Snapshot) -> Result:
    """Return a role."""
    return {"role": whole_role(view, the_role(view, allowed.caller.account, parameters.role_name))}


@operations.read("ListRoles", Below, below("ListRoles", "role"))
def list_roles(allowed: Allowed, parameters: Below, view: Snapshot) -> Result:
    """List the roles below a path."""
    account = allowed.caller.account
    page, more = page_of_entities(ROLES, view, account, parameters)
    return {"roles": [shown_role(view, role) for role in page], **more}


@operations.write("UpdateAssumeRolePolicy", NewTrust, on_role("UpdateAssumeRolePolicy", bounded=True))
def update_assume_role_policy(allowed: Allowed, parameters: NewTrust, transaction: Transaction) -> Result:
    """Replace a role's trust policy; whoever it names is bound anew."""
    old = the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    trust = trust_document(transaction, old.account, parameters.policy_document)
    principals.update_role(transaction, old, msgspec.structs.replace(old, trust=trust))
    return {}


@operations.write("UpdateRole", ChangedRole, on_role("UpdateRole", bounded=True))
def update_role(allowed: Allowed, parameters: ChangedRole, transaction: Transaction) -> Result:
    """Change a role's description or the longest session it gives; what is not said stays."""
    old = the_role(transaction, allowed.caller.account, parameters.role_name)
    if parameters.max_session_duration is not None:
        the_changeable_role(transaction, allowed.caller.account, parameters.role_name)
    new = msgspec.structs.replace(
        old,
        description=old.description if parameters.description is None else parameters.description,
        max_session_duration=parameters.max_session_duration or old.max_session_duration,
    )
    principals.update_role(transaction, old, new)
    return {}


@operations.write("UpdateRoleDescription", DescribedRole, on_role("UpdateRoleDescription", bounded=True))
def update_role_description(allowed: Allowed, parameters: DescribedRole, transaction: Transaction) -> Result:
    """Change a role's description, and return the role."""
    old = the_role(transaction, allowed.caller.account, parameters.role_name)
    new = msgspec.structs.replace(old, description=parameters.description)
    principals.update_role(transaction, old, new)
    return {"role": whole_role(transaction, new)}


@operations.write("DeleteRole", OfRole, on_role("DeleteRole", bounded=True))
def delete_role(allowed: Allowed, parameters: OfRole, transaction: Transaction) -> Result:
    """Delete a role that nothing hangs on any more; its sessions die with it."""
    account = allowed.caller.account
    gone = the_changeable_role(transaction, account, parameters.role_name)
    if profiles_of_role(transaction, account, gone.role_id):
        raise cannot_delete("remove roles from instance profile")
    if attached_policies(transaction, account, gone.role_id):
        raise cannot_delete("detach all policies")
    if inline_policies(transaction, account, gone.role_id):
        raise cannot_delete("delete policies")
    principals.delete_role(transaction, gone)
    return {}
