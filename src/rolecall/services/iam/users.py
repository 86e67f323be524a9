"""Users."""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory import principals
from rolecall.directory.accounts import account as account_record
from rolecall.directory.credentials import keys_of
from rolecall.directory.devices import devices_of
from rolecall.directory.passwords import login_profile
from rolecall.directory.policies import attached_policies, inline_policies
from rolecall.directory.principals import USERS, User, groups_of
from rolecall.directory.records import NameTaken, fold
from rolecall.directory.user_credentials import CERTIFICATES, SERVICE_CREDENTIALS, SSH_KEYS
from rolecall.identifiers import new_unique_id, root_arn
from rolecall.message import ServiceError
from rolecall.services.iam.access import CREATE_USER, UPDATE_USER, below, on_self, on_user
from rolecall.services.iam.finding import the_attachable_policy, the_user, user_or_self
from rolecall.services.iam.paging import page_of, page_of_entities
from rolecall.services.iam.parameters import Below, NewUser, OfSelf, OfUser, RenamedUser
from rolecall.services.iam.refusals import cannot_delete, exists_already, quota_exceeded
from rolecall.services.iam.shown import shown_group, shown_user, whole_user
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import new_tags
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 5000


class GroupsForUser(OfUser, frozen=True, kw_only=True):
    """Of ListGroupsForUser."""

    marker: str | None = None
    max_items: int | None = None


def _taken(name: str) -> ServiceError:
    return exists_already(f"User with name {name} already exists.")


@operations.write("CreateUser", NewUser, CREATE_USER)
def create_user(allowed: Allowed, parameters: NewUser, transaction: Transaction) -> Result:
    """Create a user."""
    account = allowed.caller.account
    tags = new_tags(parameters.tags, fold_keys=True)
    if parameters.permissions_boundary is not None:
        the_attachable_policy(transaction, account, parameters.permissions_boundary)
    if USERS.count(transaction, account) >= QUOTA:
        raise quota_exceeded("UsersPerAccount", QUOTA)
    new = User(
        account=account,
        name=parameters.user_name,
        path=parameters.path,
        created=allowed.now.replace(microsecond=0),
        user_id=new_unique_id("AIDA", account),
        tags=tags,
        boundary=parameters.permissions_boundary,
    )
    try:
        principals.create_user(transaction, new)
    except NameTaken:
        raise _taken(parameters.user_name) from None
    return {"user": whole_user(new)}


@operations.read("GetUser", OfSelf, on_self("GetUser"))
def get_user(allowed: Allowed, parameters: OfSelf, view: Snapshot) -> Result:
    """Return a user, or who is asking."""
    found = user_or_self(view, allowed.caller, parameters.user_name)
    if found is not None:
        return {"user": whole_user(found)}
    account = allowed.caller.account
    record = account_record(view, account)
    created = record.created.replace(microsecond=0) if record else allowed.now
    return {"user": {"user_id": account, "arn": root_arn(account), "create_date": created}}


@operations.read("ListUsers", Below, below("ListUsers", "user"))
def list_users(allowed: Allowed, parameters: Below, view: Snapshot) -> Result:
    """List the users below a path."""
    account = allowed.caller.account
    page, more = page_of_entities(USERS, view, account, parameters)
    return {"users": [shown_user(user) for user in page], **more}


@operations.write("UpdateUser", RenamedUser, UPDATE_USER)
def update_user(allowed: Allowed, parameters: RenamedUser, transaction: Transaction) -> Result:
    """Give a user another name or path; what it may and what trusts it stays."""
    old = the_user(transaction, allowed.caller.account, parameters.user_name)
    new = msgspec.structs.replace(old, name=parameters.new_user_name or old.name, path=parameters.new_path or old.path)
    try:
        principals.update_user(transaction, old, new)
    except NameTaken:
        raise _taken(new.name) from None
    return {}


@operations.write("DeleteUser", OfUser, on_user("DeleteUser"))
def delete_user(allowed: Allowed, parameters: OfUser, transaction: Transaction) -> Result:
    """Delete a user that nothing hangs on any more."""
    account = allowed.caller.account
    gone = the_user(transaction, account, parameters.user_name)
    if groups_of(transaction, account, gone.user_id):
        raise cannot_delete("remove users from group")
    if attached_policies(transaction, account, gone.user_id):
        raise cannot_delete("detach all policies")
    if inline_policies(transaction, account, gone.user_id):
        raise cannot_delete("delete policies")
    if login_profile(transaction, account, gone.user_id) is not None:
        raise cannot_delete("delete login profile")
    if _has_credentials(transaction, gone):
        raise cannot_delete("remove referenced objects")
    principals.delete_user(transaction, gone)
    return {}


def _has_credentials(view: Snapshot, owner: User) -> bool:
    held = keys_of(view, owner.account, owner.user_id) or devices_of(view, owner.account, owner.user_id)
    drawers = (SSH_KEYS, CERTIFICATES, SERVICE_CREDENTIALS)
    return bool(held) or any(drawer.of(view, owner.account, owner.user_id) for drawer in drawers)


@operations.read("ListGroupsForUser", GroupsForUser, on_user("ListGroupsForUser"))
def list_groups_for_user(allowed: Allowed, parameters: GroupsForUser, view: Snapshot) -> Result:
    """List the groups that a user is in."""
    account = allowed.caller.account
    groups = groups_of(view, account, the_user(view, account, parameters.user_name).user_id)
    page, more = page_of(groups, lambda group: fold(group.name), parameters)
    return {"groups": [shown_group(group) for group in page], **more}
