"""How IAM shows what the directory holds: records as members of answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from rolecall.directory import policies
from rolecall.directory.policies import attached_to
from rolecall.directory.principals import (
    Group,
    InstanceProfile,
    Role,
    User,
    bounded_by,
    roles_in_profile,
)
from rolecall.directory.trust import show_principal
from rolecall.directory.uses import role_use
from rolecall.policy.validate import with_principals
from rolecall.services.iam.finding import Policy
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot


def encoded(document: str) -> str:
    """Return a policy document as answers carry it: percent-encoded by RFC 3986."""
    return quote(document, safe="")


def shown_tags(tags: Mapping[str, str]) -> list[Result]:
    """Return tags as a list of keys and values, in the order of keys."""
    return [{"key": key, "value": tags[key]} for key in sorted(tags)]


def shown_boundary(arn: str | None) -> Result | None:
    """Return a permissions boundary, or None."""
    return None if arn is None else {"permissions_boundary_type": "Policy", "permissions_boundary_arn": arn}


def shown_user(user: User) -> dict[str, object]:
    """Return a user as listings show it."""
    return {
        "path": user.path,
        "user_name": user.name,
        "user_id": user.user_id,
        "arn": user.arn,
        "create_date": user.created,
    }


def whole_user(user: User) -> dict[str, object]:
    """Return a user as GetUser shows it: with its boundary and tags."""
    return shown_user(user) | {
        "permissions_boundary": shown_boundary(user.boundary),
        "tags": shown_tags(user.tags) or None,
    }


def shown_group(group: Group) -> dict[str, object]:
    """Return a group."""
    return {
        "path": group.path,
        "group_name": group.name,
        "group_id": group.group_id,
        "arn": group.arn,
        "create_date": group.created,
    }


def trust_document(view: Snapshot, role: Role) -> str:
    """Return a role's trust policy: live users and roles by their ARNs, dead ones by the ids they had."""
    return encoded(trust_text(view, role))


def trust_text(view: Snapshot, role: Role) -> str:
    """Return the text of a role's trust policy as it is shown."""
    if not any(prefix in role.trust for prefix in ("AIDA", "AROA")):
        return role.trust
    return with_principals(role.trust, lambda _, value: show_principal(view, value))


def shown_role(view: Snapshot, role: Role) -> dict[str, object]:
    """Return a role as listings show it."""
    return {
        "path": role.path,
        "role_name": role.name,
        "role_id": role.role_id,
        "arn": role.arn,
        "create_date": role.created,
        "assume_role_policy_document": trust_document(view, role),
        "description": role.description,
        "max_session_duration": role.max_session_duration,
    }


def whole_role(view: Snapshot, role: Role) -> dict[str, object]:
    """Return a role as GetRole shows it: with its boundary, tags and last use."""
    return shown_role(view, role) | {
        "permissions_boundary": shown_boundary(role.boundary),
        "tags": shown_tags(role.tags) or None,
        "role_last_used": shown_role_use(view, role),
    }


def shown_role_use(view: Snapshot, role: Role) -> dict[str, object]:
    """Return when a role was used last, as far as it has been written down."""
    use = role_use(view, role.account, role.role_id)
    return {} if use is None else {"last_used_date": use.date, "region": use.region}


def shown_profile(view: Snapshot, profile: InstanceProfile) -> dict[str, object]:
    """Return an instance profile with the role in it, as listings show it."""
    roles = roles_in_profile(view, profile.account, profile.profile_id)
    return {
        "path": profile.path,
        "instance_profile_name": profile.name,
        "instance_profile_id": profile.profile_id,
        "arn": profile.arn,
        "create_date": profile.created,
        "roles": [shown_role(view, role) for role in roles],
    }


def whole_profile(view: Snapshot, profile: InstanceProfile) -> dict[str, object]:
    """Return an instance profile as GetInstanceProfile shows it: with its tags."""
    return shown_profile(view, profile) | {"tags": shown_tags(profile.tags)}


def shown_policy(view: Snapshot, account: str, policy: Policy) -> dict[str, object]:
    """Return a managed policy as ListPolicies shows it, with how often this account uses it."""
    return {
        "policy_name": policy.name,
        "policy_id": policy.policy_id,
        "arn": policy.arn,
        "path": policy.path,
        "default_version_id": f"v{policy.default_version}",
        "attachment_count": len(attached_to(view, account, policy.arn)),
        "permissions_boundary_usage_count": len(bounded_by(view, account, policy.arn)),
        "is_attachable": policy.is_attachable,
        "create_date": policy.created,
        "update_date": policy.updated,
    }


def whole_policy(view: Snapshot, account: str, policy: Policy) -> dict[str, object]:
    """Return a managed policy as GetPolicy shows it: with its description and tags."""
    return shown_policy(view, account, policy) | {
        "description": policy.description,
        "tags": shown_tags(policy.own.tags if policy.own else {}),
    }


def shown_version(version: policies.Version, default: int) -> dict[str, object]:
    """Return a version of a managed policy without its document."""
    return {
        "version_id": f"v{version.number}",
        "is_default_version": version.number == default,
        "create_date": version.created,
    }


def attached(arns: Iterable[str]) -> list[dict[str, object]]:
    """Return attached managed policies by name and ARN."""
    return [{"policy_name": arn.rpartition("/")[2], "policy_arn": arn} for arn in arns]
