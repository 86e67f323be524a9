"""Deletions of service-linked roles: AWS answers them with a task whose state can be asked for."""

from __future__ import annotations

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """A service-linked role that was deleted."""

    account: str
    task_id: str
    role_arn: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Deletion).decode


def deletion(view: Snapshot, account: str, task_id: str) -> Deletion | None:
    """Return the deletion with this task id, or None."""
    value = view.get(pack("iam-deletion", account, task_id))
    return None if value is None else _decode(value)


def note_deletion(transaction: Transaction, done: Deletion) -> None:
    """Keep what was deleted. The deletion itself has advanced the watermark."""
    transaction.put(pack("iam-deletion", done.account, done.task_id), _encode(done))
