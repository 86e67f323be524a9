"""Parameters that several operations, or an operation and its access declaration, share."""

from __future__ import annotations

import msgspec

from rolecall.services.operation import Parameters


class Tag(msgspec.Struct, frozen=True):
    """A tag as requests carry it."""

    key: str
    value: str


class OfUser(Parameters, frozen=True, kw_only=True):
    """Of operations on a user that is named."""

    user_name: str


class OfSelf(Parameters, frozen=True, kw_only=True):
    """Of operations on a user that need not be named when it is the caller."""

    user_name: str | None = None


class OfGroup(Parameters, frozen=True, kw_only=True):
    """Of operations on a group."""

    group_name: str


class OfRole(Parameters, frozen=True, kw_only=True):
    """Of operations on a role."""

    role_name: str


class OfProfile(Parameters, frozen=True, kw_only=True):
    """Of operations on an instance profile."""

    instance_profile_name: str


class OfPolicy(Parameters, frozen=True, kw_only=True):
    """Of operations on a managed policy."""

    policy_arn: str


class Below(Parameters, frozen=True, kw_only=True):
    """Of listings of all entities of a kind below a path."""

    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


class NewUser(OfUser, frozen=True, kw_only=True):
    """Of CreateUser."""

    path: str = "/"
    permissions_boundary: str | None = None
    tags: list[Tag] | None = None


class NewGroup(OfGroup, frozen=True, kw_only=True):
    """Of CreateGroup."""

    path: str = "/"


class NewRole(OfRole, frozen=True, kw_only=True):
    """Of CreateRole."""

    assume_role_policy_document: str
    path: str = "/"
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: str | None = None
    tags: list[Tag] | None = None


class NewPolicy(Parameters, frozen=True, kw_only=True):
    """Of CreatePolicy."""

    policy_name: str
    policy_document: str
    path: str = "/"
    description: str | None = None
    tags: list[Tag] | None = None


class NewProfile(OfProfile, frozen=True, kw_only=True):
    """Of CreateInstanceProfile."""

    path: str = "/"
    tags: list[Tag] | None = None


class RenamedUser(OfUser, frozen=True, kw_only=True):
    """Of UpdateUser."""

    new_path: str | None = None
    new_user_name: str | None = None


class RenamedGroup(OfGroup, frozen=True, kw_only=True):
    """Of UpdateGroup."""

    new_path: str | None = None
    new_group_name: str | None = None


class UserAndPolicy(OfUser, frozen=True, kw_only=True):
    """Of attaching and detaching."""

    policy_arn: str


class GroupAndPolicy(OfGroup, frozen=True, kw_only=True):
    """Of attaching and detaching."""

    policy_arn: str


class RoleAndPolicy(OfRole, frozen=True, kw_only=True):
    """Of attaching and detaching."""

    policy_arn: str


class UserAndBoundary(OfUser, frozen=True, kw_only=True):
    """Of PutUserPermissionsBoundary."""

    permissions_boundary: str


class RoleAndBoundary(OfRole, frozen=True, kw_only=True):
    """Of PutRolePermissionsBoundary."""

    permissions_boundary: str


class ProfileAndRole(OfProfile, frozen=True, kw_only=True):
    """Of putting a role into an instance profile, and of taking it out."""

    role_name: str


class OfKey(Parameters, frozen=True, kw_only=True):
    """Of GetAccessKeyLastUsed."""

    access_key_id: str


class NewServiceLinkedRole(Parameters, frozen=True, kw_only=True):
    """Of CreateServiceLinkedRole."""

    aws_service_name: str
    description: str | None = None
    custom_suffix: str | None = None


class OfDeletion(Parameters, frozen=True, kw_only=True):
    """Of GetServiceLinkedRoleDeletionStatus."""

    deletion_task_id: str


class UserAndTags(OfUser, frozen=True, kw_only=True):
    """Of TagUser."""

    tags: list[Tag]


class RoleAndTags(OfRole, frozen=True, kw_only=True):
    """Of TagRole."""

    tags: list[Tag]


class PolicyAndTags(OfPolicy, frozen=True, kw_only=True):
    """Of TagPolicy."""

    tags: list[Tag]


class ProfileAndTags(OfProfile, frozen=True, kw_only=True):
    """Of TagInstanceProfile."""

    tags: list[Tag]


class UserAndTagKeys(OfUser, frozen=True, kw_only=True):
    """Of UntagUser."""

    tag_keys: list[str]


class RoleAndTagKeys(OfRole, frozen=True, kw_only=True):
    """Of UntagRole."""

    tag_keys: list[str]


class PolicyAndTagKeys(OfPolicy, frozen=True, kw_only=True):
    """Of UntagPolicy."""

    tag_keys: list[str]


class ProfileAndTagKeys(OfProfile, frozen=True, kw_only=True):
    """Of UntagInstanceProfile."""

    tag_keys: list[str]
