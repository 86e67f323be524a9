"""Users, groups, roles and instance profiles: what each is, and how it is found, made, changed and forgotten."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from rolecall.directory.records import Kind, Relation, fold
from rolecall.identifiers import iam_arn
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """What users, groups, roles and instance profiles have in common."""

    account: str
    name: str
    path: str = "/"
    created: datetime


class User(Entity, frozen=True, kw_only=True):
    """An IAM user."""

    user_id: str
    tags: dict[str, str] = {}
    boundary: str | None = None
    """The ARN of the managed policy that is its permissions boundary."""

    @property
    def unique_id(self) -> str:
        """The user's AIDA id."""
        return self.user_id

    @property
    def arn(self) -> str:
        """The user's ARN, which changes with its name and path."""
        return iam_arn(self.account, "user", self.path, self.name)


class Role(Entity, frozen=True, kw_only=True):
    """An IAM role."""

    role_id: str
    trust: str
    """The trust policy's text, users and roles in it named by their unique ids."""
    description: str | None = None
    max_session_duration: int = 3600
    tags: dict[str, str] = {}
    boundary: str | None = None

    @property
    def unique_id(self) -> str:
        """The role's AROA id."""
        return self.role_id

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return iam_arn(self.account, "role", self.path, self.name)

    @property
    def is_service_linked(self) -> bool:
        """Whether only the service it is linked to may change it."""
        return self.path.startswith("/aws-service-role/")


class Group(Entity, frozen=True, kw_only=True):
    """An IAM group."""

    group_id: str

    @property
    def unique_id(self) -> str:
        """The group's AGPA id."""
        return self.group_id

    @property
    def arn(self) -> str:
        """The group's ARN."""
        return iam_arn(self.account, "group", self.path, self.name)


class InstanceProfile(Entity, frozen=True, kw_only=True):
    """An instance profile, which holds at most one role."""

    profile_id: str
    tags: dict[str, str] = {}

    @property
    def unique_id(self) -> str:
        """The profile's AIPA id."""
        return self.profile_id

    @property
    def arn(self) -> str:
        """The profile's ARN."""
        return iam_arn(self.account, "instance-profile", self.path, self.name)


USERS = Kind("user", User)
ROLES = Kind("role", Role)
GROUPS = Kind("group", Group)
PROFILES = Kind("instance-profile", InstanceProfile)

_MEMBERS = Relation("iam-member", "iam-group-of")
_PROFILE_ROLES = Relation("iam-profile-role", "iam-role-profile")
_BOUNDED = Relation("iam-bounded-by", "iam-bounds")


def user(view: Snapshot, account: str, user_id: str) -> User | None:
    """Return the user with this id, or None."""
    return USERS.get(view, account, user_id)


def user_named(view: Snapshot, account: str, name: str) -> User | None:
    """Return the user with this name, without regard to case, or None."""
    return USERS.named(view, account, name)


def create_user(transaction: Transaction, new: User) -> None:
    """Keep a new user. Raises NameTaken."""
    USERS.add(transaction, new)
    _bound(transaction, new.account, new.user_id, None, new.boundary)


def update_user(transaction: Transaction, old: User, new: User) -> None:
    """Keep `new` in place of `old`: another name, path, tags or boundary. Raises NameTaken, NotThere."""
    USERS.replace(transaction, old, new)
    _bound(transaction, new.account, new.user_id, old.boundary, new.boundary)


def delete_user(transaction: Transaction, gone: User) -> None:
    """Forget a user. Its id stays dead for ever. Raises NotThere."""
    USERS.remove(transaction, gone)
    _bound(transaction, gone.account, gone.user_id, gone.boundary, None)


def role(view: Snapshot, account: str, role_id: str) -> Role | None:
    """Return the role with this id, or None."""
    return ROLES.get(view, account, role_id)


def role_named(view: Snapshot, account: str, name: str) -> Role | None:
    """Return the role with this name, without regard to case, or None."""
    return ROLES.named(view, account, name)


def role_by_arn(view: Snapshot, arn: str) -> Role | None:
    """Return the role with exactly this ARN, its path and case included, or None."""
    return ROLES.with_arn(view, arn)


def user_by_arn(view: Snapshot, arn: str) -> User | None:
    """Return the user with exactly this ARN, its path and case included, or None."""
    return USERS.with_arn(view, arn)


def create_role(transaction: Transaction, new: Role) -> None:
    """Keep a new role. Raises NameTaken."""
    ROLES.add(transaction, new)
    _bound(transaction, new.account, new.role_id, None, new.boundary)


def update_role(transaction: Transaction, old: Role, new: Role) -> None:
    """Keep `new` in place of `old`. Raises NotThere."""
    ROLES.replace(transaction, old, new)
    _bound(transaction, new.account, new.role_id, old.boundary, new.boundary)


def delete_role(transaction: Transaction, gone: Role) -> None:
    """Forget a role; its sessions die with it. Raises NotThere."""
    ROLES.remove(transaction, gone)
    transaction.delete(pack("role-used", gone.account, gone.role_id))
    _bound(transaction, gone.account, gone.role_id, gone.boundary, None)


def bounded_by(view: Snapshot, account: str, policy_arn: str) -> list[str]:
    """Return the ids of the users and roles whose permissions boundary is this policy."""
    return _BOUNDED.lefts(view, account, policy_arn)


def boundary_counts(view: Snapshot, account: str) -> Counter[str]:
    """Return how many users and roles of the account each managed policy (by ARN) bounds."""
    return _BOUNDED.counts(view, account)


def _bound(transaction: Transaction, account: str, owner_id: str, before: str | None, now: str | None) -> None:
    if before == now:
        return
    if before is not None:
        _BOUNDED.remove(transaction, account, owner_id, before)
    if now is not None:
        _BOUNDED.add(transaction, account, owner_id, now)


def group(view: Snapshot, account: str, group_id: str) -> Group | None:
    """Return the group with this id, or None."""
    return GROUPS.get(view, account, group_id)


def group_named(view: Snapshot, account: str, name: str) -> Group | None:
    """Return the group with this name, without regard to case, or None."""
    return GROUPS.named(view, account, name)


def create_group(transaction: Transaction, new: Group) -> None:
    """Keep a new group. Raises NameTaken."""
    GROUPS.add(transaction, new)


def update_group(transaction: Transaction, old: Group, new: Group) -> None:
    """Keep `new` in place of `old`: another name or path. Raises NameTaken, NotThere."""
    GROUPS.replace(transaction, old, new)


def delete_group(transaction: Transaction, gone: Group) -> None:
    """Forget a group. Raises NotThere."""
    GROUPS.remove(transaction, gone)


def groups_of(view: Snapshot, account: str, user_id: str) -> list[Group]:
    """Return the groups that a user is in, in the order of their names."""
    found = [GROUPS.get(view, account, group_id) for group_id in _MEMBERS.lefts(view, account, user_id)]
    return sorted((group for group in found if group is not None), key=lambda group: fold(group.name))


def members_of(view: Snapshot, account: str, group_id: str) -> list[User]:
    """Return the users in a group, in the order of their names."""
    found = [USERS.get(view, account, user_id) for user_id in _MEMBERS.rights(view, account, group_id)]
    return sorted((user for user in found if user is not None), key=lambda user: fold(user.name))


def add_member(transaction: Transaction, account: str, group_id: str, user_id: str) -> bool:
    """Put a user into a group; False where it was in it already."""
    return _MEMBERS.add(transaction, account, group_id, user_id)


def remove_member(transaction: Transaction, account: str, group_id: str, user_id: str) -> bool:
    """Take a user out of a group; False where it was not in it."""
    return _MEMBERS.remove(transaction, account, group_id, user_id)


def profile_named(view: Snapshot, account: str, name: str) -> InstanceProfile | None:
    """Return the instance profile with this name, without regard to case, or None."""
    return PROFILES.named(view, account, name)


def create_profile(transaction: Transaction, new: InstanceProfile) -> None:
    """Keep a new instance profile. Raises NameTaken."""
    PROFILES.add(transaction, new)


def update_profile(transaction: Transaction, old: InstanceProfile, new: InstanceProfile) -> None:
    """Keep `new` in place of `old`: other tags. Raises NotThere."""
    PROFILES.replace(transaction, old, new)


def delete_profile(transaction: Transaction, gone: InstanceProfile) -> None:
    """Forget an instance profile. Raises NotThere."""
    PROFILES.remove(transaction, gone)


def roles_in_profile(view: Snapshot, account: str, profile_id: str) -> list[Role]:
    """Return the roles in an instance profile: one or none."""
    found = [ROLES.get(view, account, role_id) for role_id in _PROFILE_ROLES.rights(view, account, profile_id)]
    return [role for role in found if role is not None]


def profiles_of_role(view: Snapshot, account: str, role_id: str) -> list[InstanceProfile]:
    """Return the instance profiles that a role is in, in the order of their names."""
    found = [PROFILES.get(view, account, profile_id) for profile_id in _PROFILE_ROLES.lefts(view, account, role_id)]
    return sorted((profile for profile in found if profile is not None), key=lambda profile: fold(profile.name))


def add_role_to_profile(transaction: Transaction, account: str, profile_id: str, role_id: str) -> bool:
    """Put a role into an instance profile; False where it was in it already."""
    return _PROFILE_ROLES.add(transaction, account, profile_id, role_id)


def remove_role_from_profile(transaction: Transaction, account: str, profile_id: str, role_id: str) -> bool:
    """Take a role out of an instance profile; False where it was not in it."""
    return _PROFILE_ROLES.remove(transaction, account, profile_id, role_id)
