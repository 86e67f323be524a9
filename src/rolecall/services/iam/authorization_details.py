"""GetAccountAuthorizationDetails: everybody with their policies, and the policies with their documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from rolecall.access.allowed import Allowed
from rolecall.directory.policies import POLICIES, attached_policies, attachment_counts, inline_policies
from rolecall.directory.principals import (
    GROUPS,
    ROLES,
    USERS,
    Group,
    Role,
    User,
    boundary_counts,
    groups_of,
    profiles_of_role,
)
from rolecall.directory.records import fold
from rolecall.services.iam.access import on_account
from rolecall.services.iam.finding import Policy
from rolecall.services.iam.managed_policies import aws_policies
from rolecall.services.iam.paging import DEFAULT_ITEMS, marker_of, place_of
from rolecall.services.iam.policy_versions import versions_of
from rolecall.services.iam.shown import (
    attached,
    encoded,
    shown_boundary,
    shown_group,
    shown_policy,
    shown_profile,
    shown_role,
    shown_role_use,
    shown_tags,
    shown_user,
    shown_version,
)
from rolecall.services.iam.table import operations
from rolecall.services.operation import Parameters, Result
from rolecall.store.interface import Snapshot

Detail = dict[str, object]
Item = tuple[str, Callable[[], Detail]]
"""Something's place within its section, and how its details are made."""


def _owned(view: Snapshot, account: str, owner_id: str, inline: str) -> Detail:
    """Return the policies of a user, group or role; its inline ones as the member `inline`."""
    return {
        inline: [
            {"policy_name": name, "policy_document": encoded(text)}
            for name, text in inline_policies(view, account, owner_id)
        ],
        "attached_managed_policies": attached(attached_policies(view, account, owner_id)),
    }


def _users(view: Snapshot, account: str, behind: str) -> Iterator[Item]:
    def detail(user: User) -> Detail:
        return {
            **shown_user(user),
            **_owned(view, account, user.user_id, "user_policy_list"),
            "group_list": [group.name for group in groups_of(view, account, user.user_id)],
            "permissions_boundary": shown_boundary(user.boundary),
            "tags": shown_tags(user.tags),
        }

    for user in USERS.each(view, account, behind):
        yield fold(user.name), partial(detail, user)


def _groups(view: Snapshot, account: str, behind: str) -> Iterator[Item]:
    def detail(group: Group) -> Detail:
        return {**shown_group(group), **_owned(view, account, group.group_id, "group_policy_list")}

    for group in GROUPS.each(view, account, behind):
        yield fold(group.name), partial(detail, group)


def _roles(view: Snapshot, account: str, behind: str) -> Iterator[Item]:
    def detail(role: Role) -> Detail:
        shown = shown_role(view, role)
        for left_out in ("description", "max_session_duration"):
            del shown[left_out]
        profiles = profiles_of_role(view, account, role.role_id)
        return {
            **shown,
            **_owned(view, account, role.role_id, "role_policy_list"),
            "instance_profile_list": [shown_profile(view, profile) for profile in profiles],
            "permissions_boundary": shown_boundary(role.boundary),
            "tags": shown_tags(role.tags),
            "role_last_used": shown_role_use(view, role),
        }

    for role in ROLES.each(view, account, behind):
        yield fold(role.name), partial(detail, role)


def _policy(view: Snapshot, account: str, policy: Policy) -> Detail:
    return {
        **shown_policy(view, account, policy),
        "description": policy.description,
        "policy_version_list": [
            shown_version(version, policy.default_version) | {"document": encoded(version.text)}
            for version in versions_of(view, policy)
        ],
    }


def _own_policies(view: Snapshot, account: str, behind: str) -> Iterator[Item]:
    for own in POLICIES.each(view, account, behind):
        yield fold(own.name), partial(_policy, view, account, Policy.of_account(own))


def _aws_policies(view: Snapshot, account: str, behind: str) -> Iterator[Item]:
    """Yield those of AWS's own policies that are in use here."""
    used = attachment_counts(view, account) | boundary_counts(view, account)
    for place, policy in aws_policies():
        if place > behind and policy.arn in used:
            yield place, partial(_policy, view, account, policy)


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    member: str
    items: Callable[[Snapshot, str, str], Iterator[Item]]


_SECTIONS = (
    _Section("User", "user_detail_list", _users),
    _Section("Group", "group_detail_list", _groups),
    _Section("Role", "role_detail_list", _roles),
    _Section("LocalManagedPolicy", "policies", _own_policies),
    _Section("AWSManagedPolicy", "policies", _aws_policies),
)


class Details(Parameters, frozen=True, kw_only=True):
    """Of GetAccountAuthorizationDetails."""

    filter: list[str] | None = None
    marker: str | None = None
    max_items: int | None = None


@operations.read("GetAccountAuthorizationDetails", Details, on_account("GetAccountAuthorizationDetails"))
def get_account_authorization_details(allowed: Allowed, parameters: Details, view: Snapshot) -> Result:
    """Return users, groups, roles, the account's managed policies and those of AWS's own that it uses."""
    account, size = allowed.caller.account, parameters.max_items or DEFAULT_ITEMS
    begun, _, behind = place_of(parameters.marker).partition(" ")
    result: dict[str, list[Detail]] = {section.member: [] for section in _SECTIONS}
    taken, last = 0, ""
    for number, section in enumerate(_SECTIONS):
        if (parameters.filter and section.kind not in parameters.filter) or str(number) < begun:
            continue
        for place, detail in section.items(view, account, behind if str(number) == begun else ""):
            if taken == size:
                return {**result, "is_truncated": True, "marker": marker_of(last)}
            result[section.member].append(detail())
            taken, last = taken + 1, f"{number} {place}"
    return {**result, "is_truncated": False}
