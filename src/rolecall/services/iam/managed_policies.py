"""Managed policies: the account's own, and AWS's to read and attach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from rolecall.access.allowed import Allowed
from rolecall.catalog import managed_policies as catalog
from rolecall.directory import policies
from rolecall.directory.policies import POLICIES, ManagedPolicy, attached_to, attachment_counts
from rolecall.directory.principals import GROUPS, ROLES, USERS, boundary_counts, bounded_by
from rolecall.directory.records import NameTaken, fold
from rolecall.identifiers import new_unique_id
from rolecall.services.iam.access import CREATE_POLICY, below, changing_policy, on_policy
from rolecall.services.iam.documents import managed_document
from rolecall.services.iam.finding import Policy, the_own_policy, the_policy
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import Below, NewPolicy, OfPolicy
from rolecall.services.iam.refusals import delete_conflict, exists_already, quota_exceeded
from rolecall.services.iam.shown import shown_policy, shown_tags, whole_policy
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import new_tags
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 10_000


class Policies(Below, frozen=True, kw_only=True):
    """Of ListPolicies."""

    scope: str = "All"
    only_attached: bool = False
    policy_usage_filter: str | None = None


class Entities(OfPolicy, frozen=True, kw_only=True):
    """Of ListEntitiesForPolicy."""

    entity_filter: str | None = None
    path_prefix: str = "/"
    policy_usage_filter: str | None = None
    marker: str | None = None
    max_items: int | None = None


@operations.write("CreatePolicy", NewPolicy, CREATE_POLICY)
def create_policy(allowed: Allowed, parameters: NewPolicy, transaction: Transaction) -> Result:
    """Create a managed policy with its first version."""
    account, now = allowed.caller.account, allowed.now.replace(microsecond=0)
    tags = new_tags(parameters.tags, fold_keys=False)
    text = managed_document(parameters.policy_document)
    if POLICIES.count(transaction, account) >= QUOTA:
        raise quota_exceeded("PoliciesPerAccount", QUOTA)
    new = ManagedPolicy(
        policy_id=new_unique_id("ANPA", account),
        account=account,
        name=parameters.policy_name,
        path=parameters.path,
        created=now,
        updated=now,
        description=parameters.description,
        tags=tags,
    )
    try:
        policies.create_policy(transaction, new, text)
    except NameTaken:
        raise exists_already(
            f"A policy called {parameters.policy_name} already exists. Duplicate names are not allowed."
        ) from None
    shown = shown_policy(transaction, account, Policy.of_account(new))
    return {"policy": shown | {"tags": shown_tags(tags) or None}}


@operations.read("GetPolicy", OfPolicy, on_policy("GetPolicy"))
def get_policy(allowed: Allowed, parameters: OfPolicy, view: Snapshot) -> Result:
    """Return a managed policy, without its document."""
    account = allowed.caller.account
    return {"policy": whole_policy(view, account, the_policy(view, account, parameters.policy_arn))}


@operations.write("DeletePolicy", OfPolicy, changing_policy("DeletePolicy"))
def delete_policy(allowed: Allowed, parameters: OfPolicy, transaction: Transaction) -> Result:
    """Delete a managed policy that nothing uses and that has but one version."""
    account = allowed.caller.account
    gone = the_own_policy(transaction, account, parameters.policy_arn)
    if attached_to(transaction, account, gone.arn) or bounded_by(transaction, account, gone.arn):
        raise delete_conflict("Cannot delete a policy attached to entities.")
    if len(policies.versions(transaction, gone)) > 1:
        raise delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
            " The default version is deleted with the policy."
        )
    policies.delete_policy(transaction, gone)
    return {}


@lru_cache(maxsize=1)
def aws_policies() -> tuple[tuple[str, Policy], ...]:
    """Return AWS's own managed policies, each with its place in listings, in their order."""
    return tuple(
        sorted(((_place(policy), policy) for policy in map(Policy.of_aws, catalog.all_policies())), key=_first)
    )


def _first(item: tuple[str, Policy]) -> str:
    return item[0]


def _place(policy: Policy) -> str:
    return f"{fold(policy.name)} {policy.arn}"


@operations.read("ListPolicies", Policies, below("ListPolicies", "policy"))
def list_policies(allowed: Allowed, parameters: Policies, view: Snapshot) -> Result:
    """List managed policies, by who owns them, their path, and whether they are in use."""
    account = allowed.caller.account
    found = [
        (place, policy)
        for place, policy in _in_scope(view, account, parameters.scope)
        if policy.path.startswith(parameters.path_prefix)
    ]
    if parameters.only_attached or parameters.policy_usage_filter is not None:
        used = _used(view, account, parameters.policy_usage_filter)
        found = [(place, policy) for place, policy in found if policy.arn in used]
    page, more = page_of(found, _first, parameters)
    return {"policies": [shown_policy(view, account, policy) for _, policy in page], **more}


def _in_scope(view: Snapshot, account: str, scope: str) -> Iterable[tuple[str, Policy]]:
    if scope != "AWS":
        for own in map(Policy.of_account, POLICIES.each(view, account)):
            yield _place(own), own
    if scope != "Local":
        yield from aws_policies()


def _used(view: Snapshot, account: str, usage: str | None) -> Counter[str]:
    """Return the ARNs of the policies that are in use, as `usage` says or in any way."""
    used: Counter[str] = Counter()
    if usage != "PermissionsBoundary":
        used |= attachment_counts(view, account)
    if usage != "PermissionsPolicy":
        used |= boundary_counts(view, account)
    return used


@operations.read("ListEntitiesForPolicy", Entities, on_policy("ListEntitiesForPolicy"))
def list_entities_for_policy(allowed: Allowed, parameters: Entities, view: Snapshot) -> Result:
    """List the users, groups and roles that a managed policy is attached to or bounds."""
    account = allowed.caller.account
    policy = the_policy(view, account, parameters.policy_arn)
    owners: set[str] = set()
    if parameters.policy_usage_filter != "PermissionsBoundary":
        owners.update(attached_to(view, account, policy.arn))
    if parameters.policy_usage_filter != "PermissionsPolicy":
        owners.update(bounded_by(view, account, policy.arn))
    found = [entity for entity in (_entity(view, account, owner) for owner in owners) if entity is not None]
    shown = [entity for entity in found if _is_wanted(entity, parameters)]
    page, more = page_of(shown, lambda entity: f"{entity[0]} {fold(entity[1])}", parameters)
    return {
        "policy_groups": [{"group_name": name, "group_id": key} for kind, name, key, _ in page if kind == "Group"],
        "policy_users": [{"user_name": name, "user_id": key} for kind, name, key, _ in page if kind == "User"],
        "policy_roles": [{"role_name": name, "role_id": key} for kind, name, key, _ in page if kind == "Role"],
        **more,
    }


def _entity(view: Snapshot, account: str, owner_id: str) -> tuple[str, str, str, str] | None:
    """Return kind, name, id and path of who a policy is attached to."""
    for word, kind in (("User", USERS), ("Role", ROLES), ("Group", GROUPS)):
        found = kind.get(view, account, owner_id)
        if found is not None:
            return word, found.name, found.unique_id, found.path
    return None


def _is_wanted(entity: tuple[str, str, str, str], parameters: Entities) -> bool:
    return entity[3].startswith(parameters.path_prefix) and parameters.entity_filter in {None, entity[0]}
