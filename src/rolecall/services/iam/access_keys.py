"""Access keys of users and of root."""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.directory import credentials
from rolecall.directory.credentials import AccessKey, access_key, keys_of, set_status
from rolecall.directory.principals import User, user
from rolecall.directory.uses import last_use
from rolecall.identifiers import new_access_key_id, new_secret_key
from rolecall.services.iam.access import on_key, on_self
from rolecall.services.iam.finding import user_or_self
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfKey, OfSelf
from rolecall.services.iam.refusals import no_such_entity, quota_exceeded, status_of
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

KEYS_PER_USER = 2


class KeyPage(OfSelf, frozen=True, kw_only=True):
    """Of ListAccessKeys."""

    marker: str | None = None
    max_items: int | None = None


class OwnKey(OfSelf, frozen=True, kw_only=True):
    """Of DeleteAccessKey."""

    access_key_id: str


class KeyStatus(OfSelf, frozen=True, kw_only=True):
    """Of UpdateAccessKey."""

    access_key_id: str
    status: str


@operations.write("CreateAccessKey", OfSelf, on_self("CreateAccessKey"))
def create_access_key(allowed: Allowed, parameters: OfSelf, transaction: Transaction) -> Result:
    """Give a user another access key. The secret is told here and never again."""
    account = allowed.caller.account
    owner = user_or_self(transaction, allowed.caller, parameters.user_name)
    owner_id = owner.user_id if owner else None
    if len(keys_of(transaction, account, owner_id)) >= KEYS_PER_USER:
        raise quota_exceeded("AccessKeysPerUser", KEYS_PER_USER)
    key = AccessKey(
        access_key_id=new_access_key_id("AKIA", account),
        account=account,
        user_id=owner_id,
        created=allowed.now.replace(microsecond=0),
    )
    secret = new_secret_key()
    credentials.create_access_key(transaction, key, secret)
    return {"access_key": _shown(key, owner) | {"secret_access_key": secret}}


def _shown(key: AccessKey, owner: User | None) -> dict[str, object]:
    return {
        "user_name": owner.name if owner else None,
        "access_key_id": key.access_key_id,
        "status": key.status,
        "create_date": key.created,
    }


@operations.read("ListAccessKeys", KeyPage, on_self("ListAccessKeys"))
def list_access_keys(allowed: Allowed, parameters: KeyPage, view: Snapshot) -> Result:
    """List the access keys of a user, without their secrets."""
    owner = user_or_self(view, allowed.caller, parameters.user_name)
    keys = keys_of(view, allowed.caller.account, owner.user_id if owner else None)
    page, more = page_of(keys, lambda key: f"{key.created.isoformat()} {key.access_key_id}", parameters)
    return {"access_key_metadata": [_shown(key, owner) for key in page], **more}


@operations.write("UpdateAccessKey", KeyStatus, on_self("UpdateAccessKey"))
def update_access_key(allowed: Allowed, parameters: KeyStatus, transaction: Transaction) -> Result:
    """Make an access key active or inactive."""
    key = _key_of(allowed, parameters, parameters.access_key_id, transaction)
    set_status(transaction, key, status_of(parameters.status))
    return {}


@operations.write("DeleteAccessKey", OwnKey, on_self("DeleteAccessKey"))
def delete_access_key(allowed: Allowed, parameters: OwnKey, transaction: Transaction) -> Result:
    """Delete an access key; it is dead at the next request."""
    credentials.delete_access_key(transaction, _key_of(allowed, parameters, parameters.access_key_id, transaction))
    return {}


def _key_of(allowed: Allowed, parameters: OfSelf, access_key_id: str, view: Snapshot) -> AccessKey:
    """Return the key, which must belong to the very user that the right was asked for."""
    owner = user_or_self(view, allowed.caller, parameters.user_name)
    key = access_key(view, access_key_id)
    if key is None or key.account != allowed.caller.account or key.user_id != (owner.user_id if owner else None):
        raise no_such_entity(f"The Access Key with id {access_key_id} cannot be found.")
    return key


@operations.read("GetAccessKeyLastUsed", OfKey, on_key())
def get_access_key_last_used(allowed: Allowed, parameters: OfKey, view: Snapshot) -> Result:
    """Return whose key this is, and when and for what it was used last."""
    account = allowed.caller.account
    key = access_key(view, parameters.access_key_id)
    if key is None or key.account != account:
        raise no_such_entity(f"The Access Key with id {parameters.access_key_id} cannot be found.")
    owner = user(view, account, key.user_id) if key.user_id is not None else None
    use = last_use(view, key.access_key_id)
    if use is None:
        used: dict[str, object] = {"service_name": "N/A", "region": "N/A"}
    else:
        used = {"last_used_date": use.date, "service_name": use.service, "region": use.region}
    return {"user_name": owner.name if owner else None, "access_key_last_used": used}
