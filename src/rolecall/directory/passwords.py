"""Login profiles: users' passwords, hashed, sealed, and remembered as long as the password policy may ask for them."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack

REMEMBERED = 24
"""The most passwords that a password policy may forbid to use again."""

_COST, _BLOCK, _LANES = 2**14, 8, 1
_SALT_SIZE = 16


class LoginProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A user's password, without the password."""

    account: str
    user_id: str
    created: datetime
    changed: datetime
    """When the password was set last."""
    reset_required: bool = False


class Hashed(msgspec.Struct, frozen=True, array_like=True):
    """A password that can be recognized and not read."""

    salt: bytes
    digest: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LoginProfile).decode
_decode_hashes = msgspec.msgpack.Decoder(list[Hashed]).decode


def login_profile(view: Snapshot, account: str, user_id: str) -> LoginProfile | None:
    """Return a user's login profile, or None."""
    value = view.get(pack("iam-login", account, user_id))
    return None if value is None else _decode(value)


def put_login_profile(transaction: Transaction, profile: LoginProfile, password: Hashed | None = None) -> None:
    """Keep a login profile; with a new `password`, the one before is remembered as used."""
    transaction.put(pack("iam-login", profile.account, profile.user_id), _encode(profile))
    if password is not None:
        hashes = [password, *hashes_of(transaction, profile)][: REMEMBERED + 1]
        transaction.put_secret(_secret_key(profile), _encode(hashes))
    transaction.advance_watermark()


def delete_login_profile(transaction: Transaction, profile: LoginProfile) -> None:
    """Forget a login profile and its passwords."""
    transaction.delete(pack("iam-login", profile.account, profile.user_id))
    transaction.delete(_secret_key(profile))
    transaction.advance_watermark()


def hashes_of(view: Snapshot, profile: LoginProfile) -> list[Hashed]:
    """Return the user's password and those before it, the newest first."""
    value = view.get_secret(_secret_key(profile))
    return [] if value is None else _decode_hashes(value)


def hashed(password: str) -> Hashed:
    """Hash a new password. It takes long on purpose, so it is nothing to do in a transaction."""
    return _hash(password, os.urandom(_SALT_SIZE))


def is_among(known: Sequence[Hashed], password: str) -> bool:
    """Tell whether this is one of the `known` passwords. It takes long for each of them."""
    return any(hmac.compare_digest(_hash(password, one.salt).digest, one.digest) for one in known)


def _secret_key(profile: LoginProfile) -> bytes:
    return pack("iam-password", profile.account, profile.user_id)


def _hash(password: str, salt: bytes) -> Hashed:
    return Hashed(salt, hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32))
