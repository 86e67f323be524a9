"""Long-term access keys: who they belong to, and whether they are active."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from rolecall.directory.records import NameTaken, NotThere
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack

Status = Literal["Active", "Inactive"]

_ROOT = "root"


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A long-term access key of a user or, where `user_id` is None, of the account's root user."""

    access_key_id: str
    account: str
    user_id: str | None
    status: Status = "Active"
    created: datetime


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AccessKey).decode


def access_key(view: Snapshot, access_key_id: str) -> AccessKey | None:
    """Return the access key with this id, or None."""
    value = view.get(pack("access-key", access_key_id))
    return None if value is None else _decode(value)


def secret_of(view: Snapshot, access_key_id: str) -> str | None:
    """Return the secret of an access key, or None: a key without a secret verifies nothing."""
    value = view.get_secret(pack("access-key-secret", access_key_id))
    return None if value is None else value.decode()


def keys_of(view: Snapshot, account: str, user_id: str | None) -> list[AccessKey]:
    """Return the access keys of a user, or of root where `user_id` is None, the oldest first."""
    prefix = pack("access-keys-of", account, user_id or _ROOT)
    found = [access_key(view, entry.value.decode()) for entry in view.scan(prefix)]
    return sorted((key for key in found if key is not None), key=lambda key: (key.created, key.access_key_id))


def create_access_key(transaction: Transaction, key: AccessKey, secret: str) -> None:
    """Keep a new access key; its secret is sealed. Raises NameTaken where the id is in use."""
    if transaction.get(pack("access-key", key.access_key_id)) is not None:
        raise NameTaken(key.access_key_id)
    transaction.put(pack("access-key", key.access_key_id), _encode(key))
    transaction.put_secret(pack("access-key-secret", key.access_key_id), secret.encode())
    transaction.put(_owner_key(key), key.access_key_id.encode())
    transaction.advance_watermark()


def set_status(transaction: Transaction, key: AccessKey, status: Status) -> None:
    """Make an access key active or inactive. Raises NotThere."""
    if access_key(transaction, key.access_key_id) is None:
        raise NotThere(key.access_key_id)
    transaction.put(pack("access-key", key.access_key_id), _encode(msgspec.structs.replace(key, status=status)))
    transaction.advance_watermark()


def delete_access_key(transaction: Transaction, key: AccessKey) -> None:
    """Forget an access key, its secret and its last use."""
    for space in ("access-key", "access-key-secret", "access-key-used"):
        transaction.delete(pack(space, key.access_key_id))
    transaction.delete(_owner_key(key))
    transaction.advance_watermark()


def _owner_key(key: AccessKey) -> bytes:
    return pack("access-keys-of", key.account, key.user_id or _ROOT, key.access_key_id)
