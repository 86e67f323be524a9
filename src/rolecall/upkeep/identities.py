"""What makes identities and policies sound: records, the indexes that find them, and the links between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolecall.catalog import managed_policies
from rolecall.directory.accounts import account, account_with_alias
from rolecall.directory.devices import DEVICES, ROOT
from rolecall.directory.policies import POLICIES, managed_policy, version
from rolecall.directory.principals import GROUPS, PROFILES, ROLES, USERS, Role, User
from rolecall.directory.providers import OIDC_PROVIDERS
from rolecall.directory.records import Kind, Named, Tally, fold
from rolecall.store.interface import Snapshot
from rolecall.store.keys import pack
from rolecall.upkeep import findings
from rolecall.upkeep.look import Check, Look, number_in, shown

KINDS: Mapping[str, Kind[Any]] = {
    kind.name: kind for kind in (USERS, GROUPS, ROLES, PROFILES, POLICIES, DEVICES, OIDC_PROVIDERS)
}
_OWNERS: Mapping[str, Kind[Any]] = {"AIDA": USERS, "AGPA": GROUPS, "AROA": ROLES, "AIPA": PROFILES}

_VERSIONS = "policy-version"

RELATIONS = {
    "iam-member": "iam-group-of",
    "iam-profile-role": "iam-role-profile",
    "iam-bounded-by": "iam-bounds",
    "iam-attached": "iam-attached-to",
    "iam-devices-of": "iam-device-holder",
}
"""Links by their key's first part, and by that of the same link seen from the other end."""


def entity(view: Snapshot, account_id: str, unique_id: str) -> object | None:
    """Return the user, group, role or instance profile with this id, or None."""
    kind = _OWNERS.get(unique_id[:4])
    return kind.get(view, account_id, unique_id) if kind is not None else None


def _account(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    found = account(look.view, parts[0])
    if found is None or found.account_id != parts[0]:
        look.find(findings.MISPLACED, shown(key))
    elif found.alias is not None and account_with_alias(look.view, found.alias) != found.account_id:
        look.find(findings.UNINDEXED, f"alias {found.alias} of account {found.account_id}")
    if found is not None:
        look.dated(found.created)


def _alias(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    owner = account(look.view, value.decode())
    if owner is None or owner.alias != parts[0]:
        look.find(findings.DANGLING, shown(key))


def _record(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, name, unique_id = parts
    kind = KINDS.get(name)
    if kind is None:
        look.find(findings.UNKNOWN, shown(key))
        return
    found = kind.get(look.view, account_id, unique_id)
    if found is None or (found.account, found.unique_id) != (account_id, unique_id):
        look.find(findings.MISPLACED, shown(key))
        return
    look.tallies[account_id, name] += 1
    look.dated(found.created)
    if look.view.get(_name_key(found, name)) != f"{unique_id} {found.path}".encode():
        look.find(findings.UNINDEXED, f"the name of {found.arn}")
    if isinstance(found, Role):
        look.readable(found.trust, f"trust policy of {found.arn}")
    if isinstance(found, User | Role) and found.boundary is not None:
        _paired(look, "iam-bounded-by", account_id, unique_id, found.boundary)
    if kind is POLICIES and version(look.view, found, found.default_version) is None:
        look.find(findings.POLICY_MISSING, f"{found.arn}: its default version")


def _name_key(record: Named, kind: str) -> bytes:
    return pack("iam-name", record.account, kind, fold(record.name))


def _name(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    account_id, name, folded = parts
    kind = KINDS.get(name)
    if kind is None:
        return
    found = kind.get(look.view, account_id, value.decode().partition(" ")[0])
    if found is None or fold(found.name) != folded:
        look.find(findings.DANGLING, shown(key))


def _count(look: Look, _key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    if parts[1] in KINDS or parts[1] == _VERSIONS:
        look.tallies[parts[0], parts[1]] += 0


def counts(look: Look) -> None:
    """Hold the counts of an account against what was seen."""
    for (account_id, name), really in look.tallies.items():
        counted = Tally(name).value(look.view, account_id)
        if counted != really:
            look.find(findings.COUNT, f"{name} of account {account_id}: {counted}, and there are {really}")


def _paired(look: Look, forward: str, account_id: str, left: str, right: str) -> None:
    if look.view.get(pack(forward, account_id, left, right)) is None:
        look.find(findings.UNINDEXED, f"{forward}: {left} and {right}")


def _forward(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, left, right = parts
    relation = shown(key).partition("/")[0]
    if look.view.get(pack(RELATIONS[relation], account_id, right, left)) is None:
        look.find(findings.UNINDEXED, shown(key))
    if relation == "iam-devices-of":
        device = DEVICES.get(look.view, account_id, right)
        is_there = device is not None and device.holder == left
        is_there &= left == ROOT or entity(look.view, account_id, left) is not None
    elif relation in {"iam-attached", "iam-bounded-by"}:
        is_there = entity(look.view, account_id, left) is not None
        if is_there and not _policy_exists(look.view, right):
            look.find(findings.POLICY_MISSING, f"{right}, of {left}")
    else:
        ends = (entity(look.view, account_id, left), entity(look.view, account_id, right))
        is_there = None not in ends
    if not is_there:
        look.find(findings.DANGLING, shown(key))


def _backward(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, right, left = parts
    backward = shown(key).partition("/")[0]
    forward = next(name for name, other in RELATIONS.items() if other == backward)
    if look.view.get(pack(forward, account_id, left, right)) is None:
        look.find(findings.DANGLING, shown(key))


def _policy_exists(view: Snapshot, arn: str) -> bool:
    return managed_policy(view, arn) is not None or managed_policies.find(arn) is not None


def _version(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, policy_id, number = parts[0], parts[1], number_in(parts[2])
    policy = POLICIES.get(look.view, account_id, policy_id)
    look.tallies[account_id, _VERSIONS] += 1
    if policy is None:
        look.find(findings.DANGLING, shown(key))
        return
    found = version(look.view, policy, number)
    if found is None or found.number != number or number >= policy.next_version:
        look.find(findings.MISPLACED, shown(key))
    else:
        look.readable(found.text, f"{policy.arn} v{number}")


def _inline(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    account_id, owner_id, name = parts
    if entity(look.view, account_id, owner_id) is None:
        look.find(findings.DANGLING, shown(key))
    look.readable(value.decode(), f"inline policy {name} of {owner_id}")


CHECKS: Mapping[str, Check] = {
    "account": _account,
    "account-alias": _alias,
    "iam": _record,
    "iam-name": _name,
    "iam-count": _count,
    "iam-version": _version,
    "iam-inline": _inline,
    **dict.fromkeys(RELATIONS, _forward),
    **dict.fromkeys(RELATIONS.values(), _backward),
}
