"""Managed policies with their versions, inline policies, and what is attached to whom."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from rolecall.directory.records import Kind, Relation, Tally
from rolecall.identifiers import iam_arn
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A customer managed policy; its texts are its versions."""

    policy_id: str
    account: str
    name: str
    path: str = "/"
    created: datetime
    updated: datetime
    default_version: int = 1
    next_version: int = 2
    """The number of the next version to be made: numbers are never used again."""
    description: str | None = None
    tags: dict[str, str] = {}

    @property
    def unique_id(self) -> str:
        """The policy's ANPA id."""
        return self.policy_id

    @property
    def arn(self) -> str:
        """The policy's ARN, which never changes."""
        return iam_arn(self.account, "policy", self.path, self.name)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a managed policy."""

    number: int
    text: str
    created: datetime


POLICIES = Kind("policy", ManagedPolicy)

_ATTACHED = Relation("iam-attached", "iam-attached-to")
_VERSIONS = Tally("policy-version")

_encode = msgspec.msgpack.Encoder().encode
_decode_version = msgspec.msgpack.Decoder(Version).decode


def managed_policy(view: Snapshot, arn: str) -> ManagedPolicy | None:
    """Return the customer managed policy with exactly this ARN, or None."""
    return POLICIES.with_arn(view, arn)


def default_version(view: Snapshot, arn: str) -> Version | None:
    """Return the version of a customer managed policy that is in force, or None."""
    found = managed_policy(view, arn)
    return None if found is None else version(view, found, found.default_version)


def create_policy(transaction: Transaction, new: ManagedPolicy, text: str) -> None:
    """Keep a new policy with its first version. Raises NameTaken."""
    POLICIES.add(transaction, new)
    put_version(transaction, new, Version(number=new.default_version, text=text, created=new.created))


def update_policy(transaction: Transaction, old: ManagedPolicy, new: ManagedPolicy) -> None:
    """Keep `new` in place of `old`: another default version, other tags. Raises NotThere."""
    POLICIES.replace(transaction, old, new)


def delete_policy(transaction: Transaction, gone: ManagedPolicy) -> None:
    """Forget a policy and all of its versions. Raises NotThere."""
    for kept in versions(transaction, gone):
        delete_version(transaction, gone, kept.number)
    POLICIES.remove(transaction, gone)


def version(view: Snapshot, policy: ManagedPolicy, number: int) -> Version | None:
    """Return a version of a policy, or None."""
    value = view.get(_version_key(policy, number))
    return None if value is None else _decode_version(value)


def versions(view: Snapshot, policy: ManagedPolicy) -> list[Version]:
    """Return the versions that are kept of a policy, the oldest first."""
    prefix = pack("iam-version", policy.account, policy.policy_id)
    return [_decode_version(entry.value) for entry in view.scan(prefix)]


def put_version(transaction: Transaction, policy: ManagedPolicy, new: Version) -> None:
    """Keep a version of a policy."""
    if transaction.get(_version_key(policy, new.number)) is None:
        _VERSIONS.add(transaction, policy.account, 1)
    transaction.put(_version_key(policy, new.number), _encode(new))
    transaction.advance_watermark()


def delete_version(transaction: Transaction, policy: ManagedPolicy, number: int) -> None:
    """Forget a version of a policy."""
    if transaction.get(_version_key(policy, number)) is not None:
        _VERSIONS.add(transaction, policy.account, -1)
    transaction.delete(_version_key(policy, number))
    transaction.advance_watermark()


def version_count(view: Snapshot, account: str) -> int:
    """Return how many versions of managed policies the account has."""
    return _VERSIONS.value(view, account)


def _version_key(policy: ManagedPolicy, number: int) -> bytes:
    return pack("iam-version", policy.account, policy.policy_id, number)


def attached_policies(view: Snapshot, account: str, owner_id: str) -> list[str]:
    """Return the ARNs of the managed policies attached to a user, group or role, in order."""
    return _ATTACHED.rights(view, account, owner_id)


def attached_to(view: Snapshot, account: str, policy_arn: str) -> list[str]:
    """Return the ids of the users, groups and roles of an account that a managed policy is attached to."""
    return _ATTACHED.lefts(view, account, policy_arn)


def attachment_counts(view: Snapshot, account: str) -> Counter[str]:
    """Return how many users, groups and roles of the account each managed policy (by ARN) is attached to."""
    return _ATTACHED.counts(view, account)


def is_attached(view: Snapshot, account: str, owner_id: str, policy_arn: str) -> bool:
    """Tell whether a managed policy is attached to a user, group or role."""
    return _ATTACHED.has(view, account, owner_id, policy_arn)


def attach(transaction: Transaction, account: str, owner_id: str, policy_arn: str) -> bool:
    """Attach a managed policy; False where it was attached already."""
    return _ATTACHED.add(transaction, account, owner_id, policy_arn)


def detach(transaction: Transaction, account: str, owner_id: str, policy_arn: str) -> bool:
    """Detach a managed policy; False where it was not attached."""
    return _ATTACHED.remove(transaction, account, owner_id, policy_arn)


def inline_policies(view: Snapshot, account: str, owner_id: str) -> list[tuple[str, str]]:
    """Return the names and texts of the inline policies of a user, group or role, in the order of names."""
    prefix = pack("iam-inline", account, owner_id)
    start = len(prefix)
    return [(entry.key[start:-2].decode(), entry.value.decode()) for entry in view.scan(prefix)]


def inline_policy(view: Snapshot, account: str, owner_id: str, name: str) -> str | None:
    """Return the text of an inline policy, or None."""
    value = view.get(pack("iam-inline", account, owner_id, name))
    return None if value is None else value.decode()


def put_inline_policy(transaction: Transaction, account: str, owner_id: str, name: str, text: str) -> None:
    """Keep an inline policy, in place of one of the same name."""
    transaction.put(pack("iam-inline", account, owner_id, name), text.encode())
    transaction.advance_watermark()


def delete_inline_policy(transaction: Transaction, account: str, owner_id: str, name: str) -> bool:
    """Forget an inline policy; False where there was none of this name."""
    key = pack("iam-inline", account, owner_id, name)
    if transaction.get(key) is None:
        return False
    transaction.delete(key)
    transaction.advance_watermark()
    return True
