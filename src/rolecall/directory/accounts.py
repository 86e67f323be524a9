"""The account: its id, its alias, its canonical user id, its password policy."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class PasswordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What passwords of the account's users must be like. The defaults are those of a policy that names nothing."""

    minimum_password_length: int = 6
    require_symbols: bool = False
    require_numbers: bool = False
    require_uppercase_characters: bool = False
    require_lowercase_characters: bool = False
    allow_users_to_change_password: bool = False
    max_password_age: int | None = None
    password_reuse_prevention: int | None = None
    hard_expiry: bool | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An AWS account as this server keeps it."""

    account_id: str
    created: datetime
    canonical_id: str
    """64 hexadecimal digits, by which S3 names the account."""
    alias: str | None = None
    password_policy: PasswordPolicy | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Account).decode


def account(view: Snapshot, account_id: str | None = None) -> Account | None:
    """Return the account with this id, or the server's first one; None where there is none yet."""
    if account_id is None:
        found = view.scan(pack("account"), limit=1)
        return _decode(found[0].value) if found else None
    value = view.get(pack("account", account_id))
    return None if value is None else _decode(value)


def accounts(view: Snapshot) -> list[Account]:
    """Return every account of this server."""
    return [_decode(entry.value) for entry in view.scan(pack("account"))]


def put_account(transaction: Transaction, new: Account) -> None:
    """Keep a new account or its new state."""
    old = account(transaction, new.account_id)
    if old is not None and old.alias is not None and old.alias != new.alias:
        transaction.delete(pack("account-alias", old.alias))
    if new.alias is not None:
        transaction.put(pack("account-alias", new.alias), new.account_id.encode())
    transaction.put(pack("account", new.account_id), _encode(new))
    transaction.advance_watermark()


def account_with_alias(view: Snapshot, alias: str) -> str | None:
    """Return the id of the account that has this alias, or None. Aliases are unique over all accounts."""
    value = view.get(pack("account-alias", alias))
    return None if value is None else value.decode()
