"""What else users prove themselves with elsewhere: SSH public keys, signing certificates, service credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from rolecall.directory.credentials import Status
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What all of them have in common: whose it is, its own id, and whether it may be used."""

    account: str
    user_id: str
    credential_id: str
    created: datetime
    status: Status = "Active"


class SshPublicKey(Credential, frozen=True, kw_only=True):
    """An SSH public key of a user."""

    body: str
    fingerprint: str


class SigningCertificate(Credential, frozen=True, kw_only=True):
    """An X.509 certificate of a user."""

    body: str
    fingerprint: str


class ServiceCredential(Credential, frozen=True, kw_only=True):
    """A name and password of a user for one service; only a digest of the password is kept."""

    service: str
    name: str
    expires: datetime | None = None


R = TypeVar("R", bound=Credential)

_encode = msgspec.msgpack.Encoder().encode


class Drawer(Generic[R]):
    """The credentials of one kind, by user."""

    def __init__(self, name: str, record: type[R]) -> None:
        """Keep records of the type `record` under the word `name`, which is part of every key."""
        self._name = name
        self._decode = msgspec.msgpack.Decoder(record).decode

    def of(self, view: Snapshot, account: str, user_id: str) -> list[R]:
        """Return those of a user, the oldest first."""
        found = [self._decode(entry.value) for entry in view.scan(pack(self._name, account, user_id))]
        return sorted(found, key=lambda one: (one.created, one.credential_id))

    def get(self, view: Snapshot, account: str, user_id: str, credential_id: str) -> R | None:
        """Return one of a user, or None."""
        value = view.get(pack(self._name, account, user_id, credential_id))
        return None if value is None else self._decode(value)

    def put(self, transaction: Transaction, record: R) -> None:
        """Keep a new one, or the new state of one."""
        transaction.put(self._key(record), _encode(record))
        transaction.advance_watermark()

    def remove(self, transaction: Transaction, record: R) -> None:
        """Forget one, and its secret if it has one."""
        transaction.delete(self._key(record))
        transaction.delete(self._secret_key(record))
        transaction.advance_watermark()

    def put_secret(self, transaction: Transaction, record: R, secret: bytes) -> None:
        """Keep, sealed, what proves it."""
        transaction.put_secret(self._secret_key(record), secret)

    def _key(self, record: R) -> bytes:
        return pack(self._name, record.account, record.user_id, record.credential_id)

    def _secret_key(self, record: R) -> bytes:
        return pack(f"{self._name}-secret", record.account, record.user_id, record.credential_id)


SSH_KEYS = Drawer("iam-ssh-key", SshPublicKey)
CERTIFICATES = Drawer("iam-signing-certificate", SigningCertificate)
SERVICE_CREDENTIALS = Drawer("iam-service-credential", ServiceCredential)
