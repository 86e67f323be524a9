"""What every IAM operation needs to be allowed: action, resource and condition keys.

The ARN carries the entity's path and the case it was created in. Facts beyond the Service Authorization Reference are
in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rolecall.access.check import Access, Ask, Check
from rolecall.directory.credentials import access_key
from rolecall.directory.policies import managed_policy
from rolecall.directory.principals import Role, User, group_named, profile_named, role_named, user, user_named
from rolecall.identifiers import iam_arn, parse_arn, root_arn
from rolecall.message import ServiceError
from rolecall.policy.request import ContextValue, PrincipalKind
from rolecall.services.iam.parameters import (
    Below,
    GroupAndPolicy,
    NewGroup,
    NewPolicy,
    NewProfile,
    NewRole,
    NewUser,
    OfGroup,
    OfKey,
    OfPolicy,
    OfProfile,
    OfRole,
    OfSelf,
    OfUser,
    PolicyAndTagKeys,
    PolicyAndTags,
    ProfileAndRole,
    ProfileAndTagKeys,
    ProfileAndTags,
    RenamedGroup,
    RenamedUser,
    RoleAndBoundary,
    RoleAndPolicy,
    RoleAndTagKeys,
    RoleAndTags,
    Tag,
    UserAndBoundary,
    UserAndPolicy,
    UserAndTagKeys,
    UserAndTags,
)
from rolecall.services.operation import Parameters

Keys = Mapping[str, ContextValue]

AWS = "aws"
"""The account that AWS managed policies belong to: nobody else's requests may change what is in it."""
BOUNDARY = "iam:permissionsboundary"
POLICY = "iam:policyarn"

_NONE: Keys = {}


# One check of one entity


def user_check(ask: Ask[Parameters], action: str, name: str, keys: Keys = _NONE, *, bounded: bool = False) -> Check:
    """Ask for an action on the user of this name; `bounded` actions see the boundary that the user has now."""
    found = user_named(ask.view, ask.caller.account, name)
    arn = found.arn if found else iam_arn(ask.caller.account, "user", "/", name)
    return Check(f"iam:{action}", arn, context={**_keys_of(found, bounded), **keys}, shown=f"user {name}")


def role_check(ask: Ask[Parameters], action: str, name: str, keys: Keys = _NONE, *, bounded: bool = False) -> Check:
    """Ask for an action on the role of this name; `bounded` actions see the boundary that the role has now."""
    found = role_named(ask.view, ask.caller.account, name)
    arn = found.arn if found else iam_arn(ask.caller.account, "role", "/", name)
    return Check(f"iam:{action}", arn, context={**_keys_of(found, bounded), **keys}, shown=f"role {name}")


def group_check(ask: Ask[Parameters], action: str, name: str, keys: Keys = _NONE) -> Check:
    """Ask for an action on the group of this name. Groups have no tags and no boundary."""
    found = group_named(ask.view, ask.caller.account, name)
    arn = found.arn if found else iam_arn(ask.caller.account, "group", "/", name)
    return Check(f"iam:{action}", arn, context=keys, shown=f"group {name}")


def profile_check(ask: Ask[Parameters], action: str, name: str, keys: Keys = _NONE) -> Check:
    """Ask for an action on the instance profile of this name."""
    found = profile_named(ask.view, ask.caller.account, name)
    arn = found.arn if found else iam_arn(ask.caller.account, "instance-profile", "/", name)
    context = {**resource_tags(found.tags if found else _NO_TAGS), **keys}
    return Check(f"iam:{action}", arn, context=context, shown=f"instance profile {name}")


def policy_check(ask: Ask[Parameters], action: str, arn: str, keys: Keys = _NONE, *, change: bool = False) -> Check:
    """Ask for an action on a managed policy; a `change` of another account's policy, AWS's own too, is its affair."""
    parsed = parse_arn(arn)
    owner = parsed.account if parsed is not None and parsed.service == "iam" else ask.caller.account
    found = managed_policy(ask.view, arn)
    context = {**resource_tags(found.tags if found else _NO_TAGS), **keys}
    if owner == AWS and not change:
        owner = ask.caller.account
    return Check(f"iam:{action}", arn, account=owner or ask.caller.account, context=context, shown=f"policy {arn}")


def arn_check(ask: Ask[Parameters], action: str, arn: str, tags: Mapping[str, str], keys: Keys = _NONE) -> Check:
    """Ask for an action on what an ARN names and has `tags`; what is another account's is its affair."""
    parsed = parse_arn(arn)
    owner = parsed.account if parsed is not None and parsed.account else ask.caller.account
    return Check(f"iam:{action}", arn, account=owner, context={**resource_tags(tags), **keys})


_NO_TAGS: Mapping[str, str] = {}


def _keys_of(entity: User | Role | None, bounded: bool) -> dict[str, ContextValue]:
    if entity is None:
        return {}
    keys: dict[str, ContextValue] = resource_tags(entity.tags)
    for key, value in entity.tags.items():
        keys[f"iam:resourcetag/{key.lower()}"] = value
    if bounded and entity.boundary is not None:
        keys[BOUNDARY] = entity.boundary
    return keys


def resource_tags(tags: Mapping[str, str]) -> dict[str, ContextValue]:
    """Return the condition keys that say which tags the resource has."""
    return {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}


def tags_in_request(tags: Iterable[Tag] | None) -> dict[str, ContextValue]:
    """Return the condition keys that say which tags the request sets."""
    listed = list(tags or ())
    keys: dict[str, ContextValue] = {f"aws:requesttag/{tag.key.lower()}": tag.value for tag in listed}
    if listed:
        keys["aws:tagkeys"] = tuple(tag.key for tag in listed)
    return keys


def tag_keys_in_request(keys: Iterable[str]) -> dict[str, ContextValue]:
    """Return the condition key that says which tag keys the request names."""
    return {"aws:tagkeys": tuple(keys)}


# Declarations of operations on one entity


def on_account(action: str) -> Access[Parameters]:
    """Declare an operation that no single resource belongs to."""
    return Access(lambda _: [Check(f"iam:{action}")])


def on_user(action: str, *, bounded: bool = False) -> Access[OfUser]:
    """Declare an operation on a user that is named."""
    return Access(lambda ask: [user_check(ask, action, ask.parameters.user_name, bounded=bounded)])


def on_self(action: str) -> Access[OfSelf]:
    """Declare an operation on a user that, not named, is the caller. The right is needed all the same."""
    return Access(lambda ask: [self_check(ask, action)])


def self_check(ask: Ask[OfSelf], action: str, keys: Keys = _NONE) -> Check:
    """Ask for an action on the user that is named, or else on the caller."""
    name = ask.parameters.user_name
    if name is not None:
        return user_check(ask, action, name, keys)
    caller = ask.caller
    if caller.principal.kind is PrincipalKind.ROOT:
        return Check(f"iam:{action}", root_arn(caller.account), context=keys)
    if caller.principal.kind is PrincipalKind.USER and caller.user is not None:
        return user_check(ask, action, caller.user.name, keys)
    raise ServiceError("ValidationError", "Must specify userName when calling with non-User credentials")


def on_role(action: str, *, bounded: bool = False) -> Access[OfRole]:
    """Declare an operation on a role."""
    return Access(lambda ask: [role_check(ask, action, ask.parameters.role_name, bounded=bounded)])


def on_group(action: str) -> Access[OfGroup]:
    """Declare an operation on a group; those who join or leave it are not asked about."""
    return Access(lambda ask: [group_check(ask, action, ask.parameters.group_name)])


def on_profile(action: str) -> Access[OfProfile]:
    """Declare an operation on an instance profile."""
    return Access(lambda ask: [profile_check(ask, action, ask.parameters.instance_profile_name)])


def on_policy(action: str) -> Access[OfPolicy]:
    """Declare an operation that reads a managed policy, AWS's own or one of the account."""
    return Access(lambda ask: [policy_check(ask, action, ask.parameters.policy_arn)])


def changing_policy(action: str) -> Access[OfPolicy]:
    """Declare an operation that changes a managed policy. AWS's own are AWS's."""
    return Access(lambda ask: [policy_check(ask, action, ask.parameters.policy_arn, change=True)])


def below(action: str, kind: str) -> Access[Below]:
    """Declare a listing of all entities of a kind: it is decided on the kind and the path prefix."""
    return Access(lambda ask: [_listing(ask, action, kind, ask.parameters.path_prefix)])


def _listing(ask: Ask[Parameters], action: str, kind: str, prefix: str) -> Check:
    shown = f"policy path {prefix}" if kind == "policy" else None
    return Check(f"iam:{action}", f"arn:aws:iam::{ask.caller.account}:{kind}{prefix}", shown=shown)


def on_key() -> Access[OfKey]:
    """Declare GetAccessKeyLastUsed: it is decided on the user that the key belongs to."""
    return Access(lambda ask: [_key_check(ask)])


def _key_check(ask: Ask[OfKey]) -> Check:
    action, account = "GetAccessKeyLastUsed", ask.caller.account
    key = access_key(ask.view, ask.parameters.access_key_id)
    if key is None or key.account != account:
        return Check(f"iam:{action}")
    if key.user_id is None:
        return Check(f"iam:{action}", root_arn(account))
    owner = user(ask.view, account, key.user_id)
    return Check(f"iam:{action}") if owner is None else user_check(ask, action, owner.name)


# Declarations of creation: the ARN that will be, and the right to tag where tags come along


def making(
    action: str, tag_action: str, arn: str, tags: list[Tag] | None, keys: Keys = _NONE, *, shown: str | None = None
) -> list[Check]:
    """Ask for an action that makes what will have this ARN and these tags; with tags, for the right to tag too."""
    tagging = {**resource_tags({tag.key: tag.value for tag in tags or ()}), **tags_in_request(tags)}
    checks = [Check(f"iam:{action}", arn, context={**tagging, **keys}, shown=shown)]
    return [*checks, Check(f"iam:{tag_action}", arn, context=tagging, shown=shown)] if tags else checks


def _new_boundary(arn: str | None) -> Keys:
    return _NONE if arn is None else {BOUNDARY: arn}


def _create_user(ask: Ask[NewUser]) -> list[Check]:
    new = ask.parameters
    arn = iam_arn(ask.caller.account, "user", new.path, new.user_name)
    return making("CreateUser", "TagUser", arn, new.tags, _new_boundary(new.permissions_boundary))


def _create_role(ask: Ask[NewRole]) -> list[Check]:
    new = ask.parameters
    arn = iam_arn(ask.caller.account, "role", new.path, new.role_name)
    return making("CreateRole", "TagRole", arn, new.tags, _new_boundary(new.permissions_boundary))


def _create_group(ask: Ask[NewGroup]) -> list[Check]:
    arn = iam_arn(ask.caller.account, "group", ask.parameters.path, ask.parameters.group_name)
    return [Check("iam:CreateGroup", arn)]


def _create_policy(ask: Ask[NewPolicy]) -> list[Check]:
    new = ask.parameters
    arn = iam_arn(ask.caller.account, "policy", new.path, new.policy_name)
    return making("CreatePolicy", "TagPolicy", arn, new.tags, shown=f"policy {new.policy_name}")


def _create_profile(ask: Ask[NewProfile]) -> list[Check]:
    new = ask.parameters
    arn = iam_arn(ask.caller.account, "instance-profile", new.path, new.instance_profile_name)
    return making("CreateInstanceProfile", "TagInstanceProfile", arn, new.tags)


CREATE_USER: Access[NewUser] = Access(_create_user)
CREATE_ROLE: Access[NewRole] = Access(_create_role)
CREATE_GROUP: Access[NewGroup] = Access(_create_group)
CREATE_POLICY: Access[NewPolicy] = Access(_create_policy)
CREATE_PROFILE: Access[NewProfile] = Access(_create_profile)


# Declarations of renaming: the same action on what is and on what will be


def _update_user(ask: Ask[RenamedUser]) -> list[Check]:
    new, now = ask.parameters, user_named(ask.view, ask.caller.account, ask.parameters.user_name)
    path = new.new_path or (now.path if now else "/")
    arn = iam_arn(ask.caller.account, "user", path, new.new_user_name or (now.name if now else new.user_name))
    first = user_check(ask, "UpdateUser", new.user_name)
    return [first] if arn == first.resource else [first, Check("iam:UpdateUser", arn, context=first.context)]


def _update_group(ask: Ask[RenamedGroup]) -> list[Check]:
    new, now = ask.parameters, group_named(ask.view, ask.caller.account, ask.parameters.group_name)
    path = new.new_path or (now.path if now else "/")
    arn = iam_arn(ask.caller.account, "group", path, new.new_group_name or (now.name if now else new.group_name))
    first = group_check(ask, "UpdateGroup", new.group_name)
    return [first] if arn == first.resource else [first, Check("iam:UpdateGroup", arn)]


UPDATE_USER: Access[RenamedUser] = Access(_update_user)
UPDATE_GROUP: Access[RenamedGroup] = Access(_update_group)


# Declarations that carry what is attached, set or tagged


def attaching_to_user(action: str) -> Access[UserAndPolicy]:
    """Declare the attachment or detachment of a managed policy."""
    return Access(
        lambda ask: [
            user_check(ask, action, ask.parameters.user_name, {POLICY: ask.parameters.policy_arn}, bounded=True)
        ]
    )


def attaching_to_role(action: str) -> Access[RoleAndPolicy]:
    """Declare the attachment or detachment of a managed policy."""
    return Access(
        lambda ask: [
            role_check(ask, action, ask.parameters.role_name, {POLICY: ask.parameters.policy_arn}, bounded=True)
        ]
    )


def attaching_to_group(action: str) -> Access[GroupAndPolicy]:
    """Declare the attachment or detachment of a managed policy."""
    return Access(
        lambda ask: [group_check(ask, action, ask.parameters.group_name, {POLICY: ask.parameters.policy_arn})]
    )


def _bound_user(ask: Ask[UserAndBoundary]) -> list[Check]:
    parameters = ask.parameters
    return [
        user_check(ask, "PutUserPermissionsBoundary", parameters.user_name, {BOUNDARY: parameters.permissions_boundary})
    ]


def _bound_role(ask: Ask[RoleAndBoundary]) -> list[Check]:
    parameters = ask.parameters
    return [
        role_check(ask, "PutRolePermissionsBoundary", parameters.role_name, {BOUNDARY: parameters.permissions_boundary})
    ]


BOUND_USER: Access[UserAndBoundary] = Access(_bound_user)
BOUND_ROLE: Access[RoleAndBoundary] = Access(_bound_role)


def _add_role(ask: Ask[ProfileAndRole]) -> list[Check]:
    account = ask.caller.account
    keys = {
        "iam:passedtoservice": "ec2.amazonaws.com",
        "iam:associatedresourcearn": f"arn:aws:ec2:*:{account}:instance/*",
    }
    found = role_named(ask.view, account, ask.parameters.role_name)
    arn = found.arn if found else iam_arn(account, "role", "/", ask.parameters.role_name)
    return [
        profile_check(ask, "AddRoleToInstanceProfile", ask.parameters.instance_profile_name),
        Check("iam:PassRole", arn, context={**_keys_of(found, bounded=False), **keys}),
    ]


ADD_ROLE_TO_PROFILE: Access[ProfileAndRole] = Access(_add_role)


def _tag_user(ask: Ask[UserAndTags]) -> list[Check]:
    return [user_check(ask, "TagUser", ask.parameters.user_name, tags_in_request(ask.parameters.tags))]


def _tag_role(ask: Ask[RoleAndTags]) -> list[Check]:
    return [role_check(ask, "TagRole", ask.parameters.role_name, tags_in_request(ask.parameters.tags))]


def _tag_policy(ask: Ask[PolicyAndTags]) -> list[Check]:
    parameters = ask.parameters
    return [policy_check(ask, "TagPolicy", parameters.policy_arn, tags_in_request(parameters.tags), change=True)]


def _tag_profile(ask: Ask[ProfileAndTags]) -> list[Check]:
    parameters = ask.parameters
    return [
        profile_check(ask, "TagInstanceProfile", parameters.instance_profile_name, tags_in_request(parameters.tags))
    ]


def _untag_user(ask: Ask[UserAndTagKeys]) -> list[Check]:
    return [user_check(ask, "UntagUser", ask.parameters.user_name, tag_keys_in_request(ask.parameters.tag_keys))]


def _untag_role(ask: Ask[RoleAndTagKeys]) -> list[Check]:
    return [role_check(ask, "UntagRole", ask.parameters.role_name, tag_keys_in_request(ask.parameters.tag_keys))]


def _untag_policy(ask: Ask[PolicyAndTagKeys]) -> list[Check]:
    parameters = ask.parameters
    return [
        policy_check(ask, "UntagPolicy", parameters.policy_arn, tag_keys_in_request(parameters.tag_keys), change=True)
    ]


def _untag_profile(ask: Ask[ProfileAndTagKeys]) -> list[Check]:
    parameters, keys = ask.parameters, tag_keys_in_request(ask.parameters.tag_keys)
    return [profile_check(ask, "UntagInstanceProfile", parameters.instance_profile_name, keys)]


TAG_USER: Access[UserAndTags] = Access(_tag_user)
TAG_ROLE: Access[RoleAndTags] = Access(_tag_role)
TAG_POLICY: Access[PolicyAndTags] = Access(_tag_policy)
TAG_PROFILE: Access[ProfileAndTags] = Access(_tag_profile)
UNTAG_USER: Access[UserAndTagKeys] = Access(_untag_user)
UNTAG_ROLE: Access[RoleAndTagKeys] = Access(_untag_role)
UNTAG_POLICY: Access[PolicyAndTagKeys] = Access(_untag_policy)
UNTAG_PROFILE: Access[ProfileAndTagKeys] = Access(_untag_profile)
