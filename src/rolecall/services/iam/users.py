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
from rolecall.directory.principals import USERS, User, groups_of, list_users
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
def create_user(allowed: Allowed, wanted: NewUser, tx: Transaction) -> Result:
    """Create a user."""
    account = allowed.caller.account
    tags = new_tags(wanted.tags, fold_keys=True)
    if wanted.permissions_boundary is not None:
        the_attachable_policy(tx, account, wanted.permissions_boundary)
    if USERS.count(tx, account) >= QUOTA:
        raise quota_exceeded("UsersPerAccount", QUOTA)
    new = User(
        account=account,
        name=wanted.user_name,
        path=wanted.path,
        created=allowed.now.replace(microsecond=0),
        user_id=new_unique_id("AIDA", account),
        tags=tags,
        boundary=wanted.permissions_boundary,
    )
    try:
        principals.create_user(tx, new)
    except NameTaken:
        raise _taken(wanted.user_name) from None
    return {"user": whole_user(new)}


@operations.read("GetUser", OfSelf, on_self("GetUser"))
def get_user(allowed: Allowed, wanted: OfSelf, view: Snapshot) -> Result:
    """Return a user, or who is asking."""
    found = user_or_self(view, allowed.caller, wanted.user_name)
    if found is not None:
        return {"user": whole_user(found)}
    account = allowed.caller.account
    record = account_record(view, account)
    created = record.created.replace(microsecond=0) if record else allowed.now
    return {"user": {"user_id": account, "arn": root_arn(account), "create_date": created}}


@operations.read("ListUsers", Below, below("ListUsers", "user"))
def list_all_users(allowed: Allowed, wanted: Below, view: Snapshot) -> Result:
    """List the users below a path."""
    account = allowed.caller.account
    page, more = page_of_entities(
        list_users, view, account, wanted.path_prefix, lambda user: user.name, wanted.marker, wanted.max_items
    )
    return {"users": [shown_user(user) for user in page], **more}


@operations.write("UpdateUser", RenamedUser, UPDATE_USER)
def update_user(allowed: Allowed, wanted: RenamedUser, tx: Transaction) -> Result:
    """Give a user another name or path; what it may and what trusts it stays."""
    old = the_user(tx, allowed.caller.account, wanted.user_name)
    new = msgspec.structs.replace(old, name=wanted.new_user_name or old.name, path=wanted.new_path or old.path)
    try:
        principals.update_user(tx, old, new)
    except NameTaken:
        raise _taken(new.name) from None
    return {}


@operations.write("DeleteUser", OfUser, on_user("DeleteUser"))
def delete_user(allowed: Allowed, wanted: OfUser, tx: Transaction) -> Result:
    """Delete a user that nothing hangs on any more."""
    account = allowed.caller.account
    gone = the_user(tx, account, wanted.user_name)
    if groups_of(tx, account, gone.user_id):
        raise cannot_delete("remove users from group")
    if attached_policies(tx, account, gone.user_id):
        raise cannot_delete("detach all policies")
    if inline_policies(tx, account, gone.user_id):
        raise cannot_delete("delete policies")
    if login_profile(tx, account, gone.user_id) is not None:
        raise cannot_delete("delete login profile")
    if _has_credentials(tx, gone):
        raise cannot_delete("remove referenced objects")
    principals.delete_user(tx, gone)
    return {}


def _has_credentials(view: Snapshot, owner: User) -> bool:
    held = keys_of(view, owner.account, owner.user_id) or devices_of(view, owner.account, owner.user_id)
    drawers = (SSH_KEYS, CERTIFICATES, SERVICE_CREDENTIALS)
    return bool(held) or any(drawer.of(view, owner.account, owner.user_id) for drawer in drawers)


@operations.read("ListGroupsForUser", GroupsForUser, on_user("ListGroupsForUser"))
def list_groups_for_user(allowed: Allowed, wanted: GroupsForUser, view: Snapshot) -> Result:
    """List the groups that a user is in."""
    account = allowed.caller.account
    groups = groups_of(view, account, the_user(view, account, wanted.user_name).user_id)
    page, more = page_of(groups, lambda group: fold(group.name), wanted.marker, wanted.max_items)
    return {"groups": [shown_group(group) for group in page], **more}
