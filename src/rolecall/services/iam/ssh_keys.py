"""SSH public keys of users."""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from rolecall.access.allowed import Allowed
from rolecall.directory.principals import User
from rolecall.directory.user_credentials import SSH_KEYS, SshPublicKey
from rolecall.identifiers import new_unique_id
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_self, on_user
from rolecall.services.iam.finding import the_user, user_itself
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfSelf, OfUser
from rolecall.services.iam.refusals import no_such_entity, quota_exceeded, status_of
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

KEYS_PER_USER = 5
_LEAST_BITS = 2048


class NewSshKey(OfUser, frozen=True, kw_only=True):
    """Of UploadSSHPublicKey."""

    ssh_public_key_body: str


class OneSshKey(OfUser, frozen=True, kw_only=True):
    """Of DeleteSSHPublicKey."""

    ssh_public_key_id: str


class EncodedSshKey(OneSshKey, frozen=True, kw_only=True):
    """Of GetSSHPublicKey."""

    encoding: str


class SshKeyStatus(OneSshKey, frozen=True, kw_only=True):
    """Of UpdateSSHPublicKey."""

    status: str


class SshKeyPage(OfSelf, frozen=True, kw_only=True):
    """Of ListSSHPublicKeys."""

    marker: str | None = None
    max_items: int | None = None


def _parsed(body: str) -> RSAPublicKey:
    """Return the RSA key that a text in OpenSSH's or PEM's form holds. Raises ServiceError."""
    data = body.strip().encode()
    try:
        key = load_pem_public_key(data) if data.startswith(b"-----") else load_ssh_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ServiceError("InvalidPublicKey", "The public key is malformed or otherwise invalid.") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise ServiceError("InvalidPublicKey", f"The public key must be an RSA key of at least {_LEAST_BITS} bits.")
    return key


def _fingerprint(key: RSAPublicKey) -> str:
    digest = hashlib.md5(_der(key), usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _der(key: RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _the_key(view: Snapshot, owner: User, key_id: str) -> SshPublicKey:
    found = SSH_KEYS.get(view, owner.account, owner.user_id, key_id)
    if found is None:
        raise no_such_entity(f"The Public Key with id {key_id} cannot be found.")
    return found


@operations.write("UploadSSHPublicKey", NewSshKey, on_user("UploadSSHPublicKey"))
def upload_ssh_public_key(allowed: Allowed, parameters: NewSshKey, transaction: Transaction) -> Result:
    """Give a user another SSH public key."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    fingerprint = _fingerprint(_parsed(parameters.ssh_public_key_body))
    present = SSH_KEYS.of(transaction, owner.account, owner.user_id)
    if any(key.fingerprint == fingerprint for key in present):
        raise ServiceError("DuplicateSSHPublicKey", "The SSH public key is already associated with the user.")
    if len(present) >= KEYS_PER_USER:
        raise quota_exceeded("SSHPublicKeysPerUser", KEYS_PER_USER)
    key = SshPublicKey(
        account=owner.account,
        user_id=owner.user_id,
        credential_id=new_unique_id("APKA", owner.account),
        created=allowed.now.replace(microsecond=0),
        body=parameters.ssh_public_key_body,
        fingerprint=fingerprint,
    )
    SSH_KEYS.put(transaction, key)
    return {"ssh_public_key": _shown(owner, key, key.body)}


def _shown(owner: User, key: SshPublicKey, body: str) -> dict[str, object]:
    return {
        "user_name": owner.name,
        "ssh_public_key_id": key.credential_id,
        "fingerprint": key.fingerprint,
        "ssh_public_key_body": body,
        "status": key.status,
        "upload_date": key.created,
    }


@operations.read("GetSSHPublicKey", EncodedSshKey, on_user("GetSSHPublicKey"))
def get_ssh_public_key(allowed: Allowed, parameters: EncodedSshKey, view: Snapshot) -> Result:
    """Return an SSH public key in the form that is asked for."""
    owner = the_user(view, allowed.caller.account, parameters.user_name)
    key = _the_key(view, owner, parameters.ssh_public_key_id)
    parsed = _parsed(key.body)
    if parameters.encoding == "PEM":
        body = parsed.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    elif key.body.strip().startswith("ssh-rsa"):
        body = key.body
    else:
        body = parsed.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return {"ssh_public_key": _shown(owner, key, body)}


@operations.read("ListSSHPublicKeys", SshKeyPage, on_self("ListSSHPublicKeys"))
def list_ssh_public_keys(allowed: Allowed, parameters: SshKeyPage, view: Snapshot) -> Result:
    """List the SSH public keys of a user."""
    owner = user_itself(view, allowed.caller, parameters.user_name)
    keys = SSH_KEYS.of(view, owner.account, owner.user_id)
    page, more = page_of(keys, lambda key: key.credential_id, parameters)
    shown = [
        {
            "user_name": owner.name,
            "ssh_public_key_id": key.credential_id,
            "status": key.status,
            "upload_date": key.created,
        }
        for key in page
    ]
    return {"ssh_public_keys": shown, **more}


@operations.write("UpdateSSHPublicKey", SshKeyStatus, on_user("UpdateSSHPublicKey"))
def update_ssh_public_key(allowed: Allowed, parameters: SshKeyStatus, transaction: Transaction) -> Result:
    """Make an SSH public key active or inactive."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    key = _the_key(transaction, owner, parameters.ssh_public_key_id)
    SSH_KEYS.put(transaction, msgspec.structs.replace(key, status=status_of(parameters.status)))
    return {}


@operations.write("DeleteSSHPublicKey", OneSshKey, on_user("DeleteSSHPublicKey"))
def delete_ssh_public_key(allowed: Allowed, parameters: OneSshKey, transaction: Transaction) -> Result:
    """Delete an SSH public key."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    SSH_KEYS.remove(transaction, _the_key(transaction, owner, parameters.ssh_public_key_id))
    return {}
