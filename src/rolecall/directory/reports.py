"""The credential report of an account, as it was made last."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class CredentialReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report, which stays as it is until a new one is made."""

    made: datetime
    content: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CredentialReport).decode


def credential_report(view: Snapshot, account: str) -> CredentialReport | None:
    """Return the account's last report, or None."""
    value = view.get(pack("iam-credential-report", account))
    return None if value is None else _decode(value)


def put_credential_report(transaction: Transaction, account: str, report: CredentialReport) -> None:
    """Keep a report in place of the last one. Nobody's rights hang on it."""
    transaction.put(pack("iam-credential-report", account), _encode(report))
