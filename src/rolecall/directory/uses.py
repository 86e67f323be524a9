"""When access keys and roles were used last, as far as it has been written down. The watermark stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from rolecall.directory.credentials import access_key
from rolecall.directory.principals import role
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class LastUse(msgspec.Struct, frozen=True, kw_only=True):
    """When and for what an access key was used last, as far as it has been written down."""

    date: datetime
    service: str
    region: str


class RoleUse(msgspec.Struct, frozen=True, kw_only=True):
    """When and where a session of a role was used last, as far as it has been written down."""

    date: datetime
    region: str


_AHEAD = timedelta(hours=1)
"""More than two workers' records of one use, written every minute or so, can differ."""

_encode = msgspec.msgpack.Encoder().encode
_decode_key_use = msgspec.msgpack.Decoder(LastUse).decode
_decode_role_use = msgspec.msgpack.Decoder(RoleUse).decode


def last_use(view: Snapshot, access_key_id: str) -> LastUse | None:
    """Return when an access key was used last, or None."""
    value = view.get(pack("access-key-used", access_key_id))
    return None if value is None else _decode_key_use(value)


def note_use(transaction: Transaction, access_key_id: str, use: LastUse) -> None:
    """Write down that an access key was used, unless it is gone or a later use is known. The watermark stays."""
    if access_key(transaction, access_key_id) is None:
        return
    known = last_use(transaction, access_key_id)
    if known is None or _is_newer(use.date, known.date):
        transaction.put(pack("access-key-used", access_key_id), _encode(use))


def role_use(view: Snapshot, account: str, role_id: str) -> RoleUse | None:
    """Return when a role was used last, or None."""
    value = view.get(pack("role-used", account, role_id))
    return None if value is None else _decode_role_use(value)


def note_role_use(transaction: Transaction, account: str, role_id: str, use: RoleUse) -> None:
    """Write down that a role was used, unless it is gone or a later use is known. The watermark stays."""
    if role(transaction, account, role_id) is None:
        return
    known = role_use(transaction, account, role_id)
    if known is None or _is_newer(use.date, known.date):
        transaction.put(pack("role-used", account, role_id), _encode(use))


def _is_newer(date: datetime, known: datetime) -> bool:
    """Tell whether a use is to be written down; one known from far ahead was dated by a clock that was set back."""
    return known < date or known - date > _AHEAD
