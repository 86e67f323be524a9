"""Versions of managed policies."""

from __future__ import annotations

import re

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.catalog import managed_policies as catalog
from rolecall.directory import policies
from rolecall.directory.policies import ManagedPolicy, Version
from rolecall.services.iam.access import changing_policy, on_policy
from rolecall.services.iam.documents import managed_document
from rolecall.services.iam.finding import Policy, the_own_policy, the_policy
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfPolicy
from rolecall.services.iam.refusals import delete_conflict, limit_exceeded, no_such_entity
from rolecall.services.iam.shown import encoded, shown_version
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

MAX_VERSIONS = 5
_NUMBER = re.compile(r"v([1-9][0-9]{0,9})")


class NewVersion(OfPolicy, frozen=True, kw_only=True):
    """Of CreatePolicyVersion."""

    policy_document: str
    set_as_default: bool = False


class OneVersion(OfPolicy, frozen=True, kw_only=True):
    """Of operations on one version."""

    version_id: str


class VersionPage(OfPolicy, frozen=True, kw_only=True):
    """Of ListPolicyVersions."""

    marker: str | None = None
    max_items: int | None = None


@operations.write("CreatePolicyVersion", NewVersion, changing_policy("CreatePolicyVersion"))
def create_policy_version(allowed: Allowed, parameters: NewVersion, transaction: Transaction) -> Result:
    """Add a version to a managed policy, and make it count where asked to."""
    now = allowed.now.replace(microsecond=0)
    old = the_own_policy(transaction, allowed.caller.account, parameters.policy_arn)
    text = managed_document(parameters.policy_document)
    if len(policies.versions(transaction, old)) >= MAX_VERSIONS:
        raise limit_exceeded(
            f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must delete"
            " an existing version."
        )
    version = Version(number=old.next_version, text=text, created=now)
    default = version.number if parameters.set_as_default else old.default_version
    new = msgspec.structs.replace(old, next_version=version.number + 1, default_version=default, updated=now)
    policies.put_version(transaction, new, version)
    policies.update_policy(transaction, old, new)
    return {"policy_version": shown_version(version, default)}


@operations.read("GetPolicyVersion", OneVersion, on_policy("GetPolicyVersion"))
def get_policy_version(allowed: Allowed, parameters: OneVersion, view: Snapshot) -> Result:
    """Return a version of a managed policy with its document."""
    policy = the_policy(view, allowed.caller.account, parameters.policy_arn)
    version = _find(view, policy, parameters.version_id)
    if version is None:
        raise _unknown(parameters)
    return {
        "policy_version": shown_version(version, policy.default_version) | {"document": encoded(version.text)},
    }


def _unknown(parameters: OneVersion) -> Exception:
    return no_such_entity(
        f"Policy {parameters.policy_arn} version {parameters.version_id} does not exist or is not attachable."
    )


def _find(view: Snapshot, policy: Policy, version_id: str) -> Version | None:
    numbered = _NUMBER.fullmatch(version_id)
    if numbered is None:
        return None
    number = int(numbered[1])
    if policy.own is not None:
        return policies.version(view, policy.own, number)
    return aws_version(policy) if number == policy.default_version else None


def aws_version(policy: Policy) -> Version | None:
    """Return the default version, which alone is kept, of one of AWS's own policies."""
    text = catalog.document(policy.arn)
    return None if text is None else Version(number=policy.default_version, text=text, created=policy.updated)


def versions_of(view: Snapshot, policy: Policy) -> list[Version]:
    """Return the versions that are kept of a managed policy, the newest first."""
    if policy.own is not None:
        return policies.versions(view, policy.own)[::-1]
    only = aws_version(policy)
    return [] if only is None else [only]


@operations.read("ListPolicyVersions", VersionPage, on_policy("ListPolicyVersions"))
def list_policy_versions(allowed: Allowed, parameters: VersionPage, view: Snapshot) -> Result:
    """List the versions of a managed policy, the newest first."""
    policy = the_policy(view, allowed.caller.account, parameters.policy_arn)
    page, more = page_of(versions_of(view, policy), lambda version: f"{10**10 - version.number}", parameters)
    return {"versions": [shown_version(version, policy.default_version) for version in page], **more}


@operations.write("SetDefaultPolicyVersion", OneVersion, changing_policy("SetDefaultPolicyVersion"))
def set_default_policy_version(allowed: Allowed, parameters: OneVersion, transaction: Transaction) -> Result:
    """Make a version of a managed policy the one that counts."""
    old, version = _own(transaction, allowed, parameters)
    now = allowed.now.replace(microsecond=0)
    policies.update_policy(transaction, old, msgspec.structs.replace(old, default_version=version.number, updated=now))
    return {}


@operations.write("DeletePolicyVersion", OneVersion, changing_policy("DeletePolicyVersion"))
def delete_policy_version(allowed: Allowed, parameters: OneVersion, transaction: Transaction) -> Result:
    """Delete a version of a managed policy that is not the one that counts. Its number is never used again."""
    policy, version = _own(transaction, allowed, parameters)
    if version.number == policy.default_version:
        raise delete_conflict("Cannot delete the default version of a policy.")
    policies.delete_version(transaction, policy, version.number)
    return {}


def _own(view: Snapshot, allowed: Allowed, parameters: OneVersion) -> tuple[ManagedPolicy, Version]:
    own = the_own_policy(view, allowed.caller.account, parameters.policy_arn)
    version = _find(view, Policy.of_account(own), parameters.version_id)
    if version is None:
        raise _unknown(parameters)
    return own, version
