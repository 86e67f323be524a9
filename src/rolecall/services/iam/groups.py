"""Groups and who is in them."""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory import principals
from rolecall.directory.policies import attached_policies, inline_policies
from rolecall.directory.principals import GROUPS, Group, add_member, groups_of, members_of, remove_member
from rolecall.directory.records import NameTaken, fold
from rolecall.identifiers import new_unique_id
from rolecall.message import ServiceError
from rolecall.services.iam.access import CREATE_GROUP, UPDATE_GROUP, below, on_group
from rolecall.services.iam.finding import the_group, the_user
from rolecall.services.iam.paging import page_of, page_of_entities
from rolecall.services.iam.parameters import Below, NewGroup, OfGroup, RenamedGroup
from rolecall.services.iam.refusals import cannot_delete, exists_already, no_such_entity, quota_exceeded
from rolecall.services.iam.shown import shown_group, shown_user
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 500
GROUPS_PER_USER = 10


class GroupPage(OfGroup, frozen=True, kw_only=True):
    """Of GetGroup."""

    marker: str | None = None
    max_items: int | None = None


class Membership(OfGroup, frozen=True, kw_only=True):
    """Of putting a user into a group, and of taking it out."""

    user_name: str


def _taken(name: str) -> ServiceError:
    return exists_already(f"Group with name {name} already exists.")


@operations.write("CreateGroup", NewGroup, CREATE_GROUP)
def create_group(allowed: Allowed, parameters: NewGroup, transaction: Transaction) -> Result:
    """Create a group."""
    account = allowed.caller.account
    if GROUPS.count(transaction, account) >= QUOTA:
        raise quota_exceeded("GroupsPerAccount", QUOTA)
    new = Group(
        account=account,
        name=parameters.group_name,
        path=parameters.path,
        created=allowed.now.replace(microsecond=0),
        group_id=new_unique_id("AGPA", account),
    )
    try:
        principals.create_group(transaction, new)
    except NameTaken:
        raise _taken(parameters.group_name) from None
    return {"group": shown_group(new)}


@operations.read("GetGroup", GroupPage, on_group("GetGroup"))
def get_group(allowed: Allowed, parameters: GroupPage, view: Snapshot) -> Result:
    """Return a group and the users in it."""
    account = allowed.caller.account
    found = the_group(view, account, parameters.group_name)
    members = members_of(view, account, found.group_id)
    page, more = page_of(members, lambda user: fold(user.name), parameters)
    return {"group": shown_group(found), "users": [shown_user(user) for user in page], **more}


@operations.read("ListGroups", Below, below("ListGroups", "group"))
def list_groups(allowed: Allowed, parameters: Below, view: Snapshot) -> Result:
    """List the groups below a path."""
    account = allowed.caller.account
    page, more = page_of_entities(GROUPS, view, account, parameters)
    return {"groups": [shown_group(group) for group in page], **more}


@operations.write("UpdateGroup", RenamedGroup, UPDATE_GROUP)
def update_group(allowed: Allowed, parameters: RenamedGroup, transaction: Transaction) -> Result:
    """Give a group another name or path."""
    old = the_group(transaction, allowed.caller.account, parameters.group_name)
    new = msgspec.structs.replace(old, name=parameters.new_group_name or old.name, path=parameters.new_path or old.path)
    try:
        principals.update_group(transaction, old, new)
    except NameTaken:
        raise _taken(new.name) from None
    return {}


@operations.write("DeleteGroup", OfGroup, on_group("DeleteGroup"))
def delete_group(allowed: Allowed, parameters: OfGroup, transaction: Transaction) -> Result:
    """Delete a group without users and policies."""
    account = allowed.caller.account
    gone = the_group(transaction, account, parameters.group_name)
    if members_of(transaction, account, gone.group_id):
        raise cannot_delete("remove users from group")
    if attached_policies(transaction, account, gone.group_id):
        raise cannot_delete("detach all policies")
    if inline_policies(transaction, account, gone.group_id):
        raise cannot_delete("delete policies")
    principals.delete_group(transaction, gone)
    return {}


@operations.write("AddUserToGroup", Membership, on_group("AddUserToGroup"))
def add_user_to_group(allowed: Allowed, parameters: Membership, transaction: Transaction) -> Result:
    """Put a user into a group; one that is in it stays in it."""
    account = allowed.caller.account
    group = the_group(transaction, account, parameters.group_name)
    user = the_user(transaction, account, parameters.user_name)
    present = groups_of(transaction, account, user.user_id)
    if len(present) >= GROUPS_PER_USER and all(group.group_id != one.group_id for one in present):
        raise quota_exceeded("GroupsPerUser", GROUPS_PER_USER)
    add_member(transaction, account, group.group_id, user.user_id)
    return {}


@operations.write("RemoveUserFromGroup", Membership, on_group("RemoveUserFromGroup"))
def remove_user_from_group(allowed: Allowed, parameters: Membership, transaction: Transaction) -> Result:
    """Take a user out of a group."""
    account = allowed.caller.account
    group = the_group(transaction, account, parameters.group_name)
    user = the_user(transaction, account, parameters.user_name)
    if not remove_member(transaction, account, group.group_id, user.user_id):
        raise no_such_entity(f"User {parameters.user_name} not in group {parameters.group_name}")
    return {}
