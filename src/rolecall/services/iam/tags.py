"""Tags of users, roles, managed policies and instance profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory.policies import update_policy
from rolecall.directory.principals import update_profile, update_role, update_user
from rolecall.services.iam.access import (
    TAG_POLICY,
    TAG_PROFILE,
    TAG_ROLE,
    TAG_USER,
    UNTAG_POLICY,
    UNTAG_PROFILE,
    UNTAG_ROLE,
    UNTAG_USER,
    on_policy,
    on_profile,
    on_role,
    on_user,
)
from rolecall.services.iam.finding import the_own_policy, the_policy, the_profile, the_role, the_user
from rolecall.services.iam.paging import Paged, page_of
from rolecall.services.iam.parameters import (
    OfPolicy,
    OfProfile,
    OfRole,
    OfUser,
    PolicyAndTagKeys,
    PolicyAndTags,
    ProfileAndTagKeys,
    ProfileAndTags,
    RoleAndTagKeys,
    RoleAndTags,
    Tag,
    UserAndTagKeys,
    UserAndTags,
)
from rolecall.services.iam.refusals import invalid_input, limit_exceeded
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

MAX_TAGS = 50


class UserTags(OfUser, frozen=True, kw_only=True):
    """Of ListUserTags."""

    marker: str | None = None
    max_items: int | None = None


class RoleTags(OfRole, frozen=True, kw_only=True):
    """Of ListRoleTags."""

    marker: str | None = None
    max_items: int | None = None


class PolicyTags(OfPolicy, frozen=True, kw_only=True):
    """Of ListPolicyTags."""

    marker: str | None = None
    max_items: int | None = None


class ProfileTags(OfProfile, frozen=True, kw_only=True):
    """Of ListInstanceProfileTags."""

    marker: str | None = None
    max_items: int | None = None


def new_tags(tags: Sequence[Tag] | None, *, fold_keys: bool) -> dict[str, str]:
    """Return the tags of a request. `fold_keys`: keys that differ in case alone are the same (users and roles).

    Raises InvalidInput for a key that comes twice or is reserved.
    """
    given = list(tags or ())
    for tag in given:
        if tag.key.lower().startswith("aws:"):
            raise invalid_input("Tag keys that begin with aws: are reserved for AWS.")
    keys = [tag.key.lower() if fold_keys else tag.key for tag in given]
    if len(set(keys)) != len(keys):
        raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return {tag.key: tag.value for tag in given}


def with_tags(present: Mapping[str, str], tags: Sequence[Tag], *, fold_keys: bool) -> dict[str, str]:
    """Return `present` overlaid by the tags of a request; a key that is there already keeps its case."""
    added = new_tags(tags, fold_keys=fold_keys)
    known = {key.lower() if fold_keys else key: key for key in present}
    result = dict(present)
    for key, value in added.items():
        result[known.get(key.lower() if fold_keys else key, key)] = value
    if len(result) > MAX_TAGS:
        raise limit_exceeded(f"Cannot exceed quota for TagsPerResource: {MAX_TAGS}")
    return result


def without_tags(present: Mapping[str, str], keys: Iterable[str], *, fold_keys: bool) -> dict[str, str]:
    """Return `present` without the tags of these keys."""
    gone = {key.lower() if fold_keys else key for key in keys}
    return {key: value for key, value in present.items() if (key.lower() if fold_keys else key) not in gone}


def listed(tags: Mapping[str, str], asked: Paged) -> Result:
    """Return one page of tags, in the order of keys."""
    page, more = page_of(tags, str, asked)
    return {"tags": [{"key": key, "value": tags[key]} for key in page], **more}


@operations.write("TagUser", UserAndTags, TAG_USER)
def tag_user(allowed: Allowed, parameters: UserAndTags, transaction: Transaction) -> Result:
    """Set tags of a user."""
    old = the_user(transaction, allowed.caller.account, parameters.user_name)
    update_user(
        transaction, old, msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=True))
    )
    return {}


@operations.write("UntagUser", UserAndTagKeys, UNTAG_USER)
def untag_user(allowed: Allowed, parameters: UserAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off a user."""
    old = the_user(transaction, allowed.caller.account, parameters.user_name)
    update_user(
        transaction, old, msgspec.structs.replace(old, tags=without_tags(old.tags, parameters.tag_keys, fold_keys=True))
    )
    return {}


@operations.read("ListUserTags", UserTags, on_user("ListUserTags"))
def list_user_tags(allowed: Allowed, parameters: UserTags, view: Snapshot) -> Result:
    """List the tags of a user."""
    found = the_user(view, allowed.caller.account, parameters.user_name)
    return listed(found.tags, parameters)


@operations.write("TagRole", RoleAndTags, TAG_ROLE)
def tag_role(allowed: Allowed, parameters: RoleAndTags, transaction: Transaction) -> Result:
    """Set tags of a role."""
    old = the_role(transaction, allowed.caller.account, parameters.role_name)
    update_role(
        transaction, old, msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=True))
    )
    return {}


@operations.write("UntagRole", RoleAndTagKeys, UNTAG_ROLE)
def untag_role(allowed: Allowed, parameters: RoleAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off a role."""
    old = the_role(transaction, allowed.caller.account, parameters.role_name)
    update_role(
        transaction, old, msgspec.structs.replace(old, tags=without_tags(old.tags, parameters.tag_keys, fold_keys=True))
    )
    return {}


@operations.read("ListRoleTags", RoleTags, on_role("ListRoleTags"))
def list_role_tags(allowed: Allowed, parameters: RoleTags, view: Snapshot) -> Result:
    """List the tags of a role."""
    found = the_role(view, allowed.caller.account, parameters.role_name)
    return listed(found.tags, parameters)


@operations.write("TagPolicy", PolicyAndTags, TAG_POLICY)
def tag_policy(allowed: Allowed, parameters: PolicyAndTags, transaction: Transaction) -> Result:
    """Set tags of a managed policy."""
    old = the_own_policy(transaction, allowed.caller.account, parameters.policy_arn)
    update_policy(
        transaction, old, msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=False))
    )
    return {}


@operations.write("UntagPolicy", PolicyAndTagKeys, UNTAG_POLICY)
def untag_policy(allowed: Allowed, parameters: PolicyAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off a managed policy."""
    old = the_own_policy(transaction, allowed.caller.account, parameters.policy_arn)
    update_policy(
        transaction,
        old,
        msgspec.structs.replace(old, tags=without_tags(old.tags, parameters.tag_keys, fold_keys=False)),
    )
    return {}


@operations.read("ListPolicyTags", PolicyTags, on_policy("ListPolicyTags"))
def list_policy_tags(allowed: Allowed, parameters: PolicyTags, view: Snapshot) -> Result:
    """List the tags of a managed policy."""
    found = the_policy(view, allowed.caller.account, parameters.policy_arn)
    return listed(found.own.tags if found.own else {}, parameters)


@operations.write("TagInstanceProfile", ProfileAndTags, TAG_PROFILE)
def tag_profile(allowed: Allowed, parameters: ProfileAndTags, transaction: Transaction) -> Result:
    """Set tags of an instance profile."""
    old = the_profile(transaction, allowed.caller.account, parameters.instance_profile_name)
    update_profile(
        transaction, old, msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=False))
    )
    return {}


@operations.write("UntagInstanceProfile", ProfileAndTagKeys, UNTAG_PROFILE)
def untag_profile(allowed: Allowed, parameters: ProfileAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off an instance profile."""
    old = the_profile(transaction, allowed.caller.account, parameters.instance_profile_name)
    update_profile(
        transaction,
        old,
        msgspec.structs.replace(old, tags=without_tags(old.tags, parameters.tag_keys, fold_keys=False)),
    )
    return {}


@operations.read("ListInstanceProfileTags", ProfileTags, on_profile("ListInstanceProfileTags"))
def list_profile_tags(allowed: Allowed, parameters: ProfileTags, view: Snapshot) -> Result:
    """List the tags of an instance profile."""
    found = the_profile(view, allowed.caller.account, parameters.instance_profile_name)
    return listed(found.tags, parameters)
