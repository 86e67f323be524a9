"""Instance profiles, each with at most one role in it."""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.directory import principals
from rolecall.directory.principals import (
    PROFILES,
    InstanceProfile,
    add_role_to_profile,
    profiles_of_role,
    remove_role_from_profile,
    roles_in_profile,
)
from rolecall.directory.records import NameTaken, fold
from rolecall.identifiers import new_unique_id
from rolecall.services.iam.access import ADD_ROLE_TO_PROFILE, CREATE_PROFILE, below, on_profile, on_role
from rolecall.services.iam.finding import the_changeable_role, the_profile, the_role
from rolecall.services.iam.paging import page_of, page_of_entities
from rolecall.services.iam.parameters import Below, NewProfile, OfProfile, OfRole, ProfileAndRole
from rolecall.services.iam.refusals import cannot_delete, exists_already, no_such_entity, quota_exceeded
from rolecall.services.iam.shown import shown_profile, whole_profile
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import new_tags
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 10_000


class ProfilesOfRole(OfRole, frozen=True, kw_only=True):
    """Of ListInstanceProfilesForRole."""

    marker: str | None = None
    max_items: int | None = None


@operations.write("CreateInstanceProfile", NewProfile, CREATE_PROFILE)
def create_instance_profile(allowed: Allowed, parameters: NewProfile, transaction: Transaction) -> Result:
    """Create an instance profile without a role."""
    account = allowed.caller.account
    tags = new_tags(parameters.tags, fold_keys=False)
    if PROFILES.count(transaction, account) >= QUOTA:
        raise quota_exceeded("InstanceProfilesPerAccount", QUOTA)
    new = InstanceProfile(
        account=account,
        name=parameters.instance_profile_name,
        path=parameters.path,
        created=allowed.now.replace(microsecond=0),
        profile_id=new_unique_id("AIPA", account),
        tags=tags,
    )
    try:
        principals.create_profile(transaction, new)
    except NameTaken:
        raise exists_already(f"Instance Profile {parameters.instance_profile_name} already exists.") from None
    return {"instance_profile": whole_profile(transaction, new)}


@operations.read("GetInstanceProfile", OfProfile, on_profile("GetInstanceProfile"))
def get_instance_profile(allowed: Allowed, parameters: OfProfile, view: Snapshot) -> Result:
    """Return an instance profile with the role in it."""
    found = the_profile(view, allowed.caller.account, parameters.instance_profile_name)
    return {"instance_profile": whole_profile(view, found)}


@operations.read("ListInstanceProfiles", Below, below("ListInstanceProfiles", "instance-profile"))
def list_instance_profiles(allowed: Allowed, parameters: Below, view: Snapshot) -> Result:
    """List the instance profiles below a path."""
    account = allowed.caller.account
    page, more = page_of_entities(PROFILES, view, account, parameters)
    return {"instance_profiles": [shown_profile(view, profile) for profile in page], **more}


@operations.read("ListInstanceProfilesForRole", ProfilesOfRole, on_role("ListInstanceProfilesForRole"))
def list_instance_profiles_for_role(allowed: Allowed, parameters: ProfilesOfRole, view: Snapshot) -> Result:
    """List the instance profiles that a role is in."""
    role = the_role(view, allowed.caller.account, parameters.role_name)
    profiles = profiles_of_role(view, role.account, role.role_id)
    page, more = page_of(profiles, lambda profile: fold(profile.name), parameters)
    return {"instance_profiles": [shown_profile(view, profile) for profile in page], **more}


@operations.write("DeleteInstanceProfile", OfProfile, on_profile("DeleteInstanceProfile"))
def delete_instance_profile(allowed: Allowed, parameters: OfProfile, transaction: Transaction) -> Result:
    """Delete an instance profile without a role."""
    gone = the_profile(transaction, allowed.caller.account, parameters.instance_profile_name)
    if roles_in_profile(transaction, gone.account, gone.profile_id):
        raise cannot_delete("remove roles from instance profile")
    principals.delete_profile(transaction, gone)
    return {}


@operations.write("AddRoleToInstanceProfile", ProfileAndRole, ADD_ROLE_TO_PROFILE)
def add_role_to_instance_profile(allowed: Allowed, parameters: ProfileAndRole, transaction: Transaction) -> Result:
    """Put a role into an instance profile that has none; the caller must be allowed to pass it."""
    profile = the_profile(transaction, allowed.caller.account, parameters.instance_profile_name)
    role = the_changeable_role(transaction, profile.account, parameters.role_name)
    if roles_in_profile(transaction, profile.account, profile.profile_id):
        raise quota_exceeded("InstanceSessionsPerInstanceProfile", 1)
    add_role_to_profile(transaction, profile.account, profile.profile_id, role.role_id)
    return {}


@operations.write("RemoveRoleFromInstanceProfile", ProfileAndRole, on_profile("RemoveRoleFromInstanceProfile"))
def remove_role_from_instance_profile(allowed: Allowed, parameters: ProfileAndRole, transaction: Transaction) -> Result:
    """Take the role out of an instance profile."""
    profile = the_profile(transaction, allowed.caller.account, parameters.instance_profile_name)
    role = the_changeable_role(transaction, profile.account, parameters.role_name)
    if not remove_role_from_profile(transaction, profile.account, profile.profile_id, role.role_id):
        raise no_such_entity(f"The role with name {parameters.role_name} cannot be found.")
    return {}
