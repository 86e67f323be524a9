"""What makes credentials sound: whose they are, and that what proves them opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolecall.directory.credentials import access_key
from rolecall.directory.deletions import deletion
from rolecall.directory.devices import DEVICES
from rolecall.directory.passwords import hashes_of, login_profile
from rolecall.directory.principals import ROLES, USERS
from rolecall.directory.reports import credential_report
from rolecall.directory.sessions import session_keys
from rolecall.directory.user_credentials import CERTIFICATES, SERVICE_CREDENTIALS, SSH_KEYS, Drawer
from rolecall.directory.uses import last_use, role_use
from rolecall.store.interface import StoreUnavailable
from rolecall.store.keys import pack
from rolecall.upkeep import findings
from rolecall.upkeep.look import Check, Look, number_in, shown

SEALED = (
    "access-key-secret",
    "session-key",
    "iam-mfa-seed",
    "iam-password",
    "iam-ssh-key-secret",
    "iam-signing-certificate-secret",
    "iam-service-credential-secret",
)
"""The first parts of the keys whose values are sealed."""

_ROOT = "root"
_DRAWERS: Mapping[str, Drawer[Any]] = {
    "iam-ssh-key": SSH_KEYS,
    "iam-signing-certificate": CERTIFICATES,
    "iam-service-credential": SERVICE_CREDENTIALS,
}


def ring(look: Look) -> None:
    """See that the ring of session keys is whole and opens."""
    try:
        keys = session_keys(look.view)
    except StoreUnavailable as reason:
        look.find(findings.SESSION_KEYS, str(reason))
        return
    for key in keys.by_number.values():
        look.dated(key.made)


def _access_key(look: Look, _key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    found = access_key(look.view, parts[0])
    if found is None or found.access_key_id != parts[0]:
        look.find(findings.MISPLACED, f"access key {parts[0]}")
        return
    look.dated(found.created)
    owner = found.user_id or _ROOT
    if found.user_id is not None and USERS.get(look.view, found.account, found.user_id) is None:
        look.find(findings.DANGLING, f"access key {found.access_key_id} of user {found.user_id}")
    if look.view.get(pack("access-keys-of", found.account, owner, found.access_key_id)) is None:
        look.find(findings.UNINDEXED, f"access key {found.access_key_id} of {owner}")
    if look.view.get(pack("access-key-secret", found.access_key_id)) is None:
        look.find(findings.SECRET_MISSING, f"access key {found.access_key_id}")


def _of_access_key(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    if access_key(look.view, parts[0]) is None:
        look.find(findings.DANGLING, shown(key))
    elif shown(key).startswith("access-key-used"):
        last_use(look.view, parts[0])


def _owned_access_key(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, owner, access_key_id = parts
    found = access_key(look.view, access_key_id)
    if found is None or (found.account, found.user_id or _ROOT) != (account_id, owner):
        look.find(findings.DANGLING, shown(key))


def _login(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    found = login_profile(look.view, parts[0], parts[1])
    if found is None or USERS.get(look.view, parts[0], parts[1]) is None:
        look.find(findings.DANGLING, shown(key))
        return
    if look.view.get(pack("iam-password", *parts)) is None:
        look.find(findings.SECRET_MISSING, f"password of {parts[1]}")
        return
    try:
        hashes_of(look.view, found)
    except StoreUnavailable:
        return  # the secret's own check tells


def _device_seed(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    if DEVICES.get(look.view, parts[0], parts[1]) is None:
        look.find(findings.DANGLING, shown(key))


def _credential(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    account_id, user_id, credential_id = parts
    name = shown(key).partition("/")[0]
    found = _DRAWERS[name].get(look.view, account_id, user_id, credential_id)
    if found is None or (found.user_id, found.credential_id) != (user_id, credential_id):
        look.find(findings.MISPLACED, shown(key))
    elif USERS.get(look.view, account_id, user_id) is None:
        look.find(findings.DANGLING, shown(key))


def _role_used(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    if ROLES.get(look.view, parts[0], parts[1]) is None:
        look.find(findings.DANGLING, shown(key))
    else:
        role_use(look.view, parts[0], parts[1])


def _report(look: Look, _key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    credential_report(look.view, parts[0])


def _deletion(look: Look, _key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    deletion(look.view, parts[0], parts[1])


def _session_key(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    try:
        known = session_keys(look.view).by_number
    except StoreUnavailable:
        return  # told once, of the ring
    if parts[0].encode("utf-8", "surrogateescape") not in known:
        look.find(findings.DANGLING, shown(key))


def _revoked(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    raw = parts[0].encode("utf-8", "surrogateescape")
    if len(raw) != 16 and not raw.startswith(b"ASIA"):
        look.find(findings.MISPLACED, shown(key))


def _revoked_until(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    number_in(parts[0])
    if look.view.get(pack("revoked-session", parts[1].encode("utf-8", "surrogateescape"))) is None:
        look.find(findings.DANGLING, shown(key))


def _opening(check: Check | None) -> Check:
    """Return the check of a sealed record: it opens, and `check` holds too."""

    def opened(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
        look.opens(key, shown(key))
        if check is not None:
            check(look, key, parts, value)

    return opened


def _nothing(_look: Look, _key: bytes, _parts: tuple[str, ...], _value: bytes) -> None:
    """Leave it to the check of the ring."""


CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(SEALED, _opening(None)),
    "access-key": _access_key,
    "access-key-secret": _opening(_of_access_key),
    "access-key-used": _of_access_key,
    "access-keys-of": _owned_access_key,
    "iam-login": _login,
    "iam-mfa-seed": _opening(_device_seed),
    "iam-credential-report": _report,
    "iam-deletion": _deletion,
    "role-used": _role_used,
    "session-keys": _nothing,
    "session-key": _opening(_session_key),
    "revoked-session": _revoked,
    "revoked-until": _revoked_until,
    **dict.fromkeys(_DRAWERS, _credential),
}
