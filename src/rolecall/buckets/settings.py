"""What is kept beside a bucket, a document a kind: CORS, lifecycle, encryption, website, logging ...

These are read only by their own operations, or by the one that acts on them, so they do not weigh on every request.
"""

from __future__ import annotations

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack, unpack


def setting(view: Snapshot, bucket: str, kind: str) -> bytes | None:
    """Return the bucket's document of this kind (`cors`, `lifecycle` ...), or None."""
    return view.get(pack("bucket-setting", bucket, kind))


def settings(view: Snapshot, bucket: str, kind: str) -> list[tuple[str, bytes]]:
    """Return the bucket's documents of a kind that has several, with their ids in order."""
    prefix = pack("bucket-setting", bucket, kind)
    return [(unpack(entry.key)[3].decode(), entry.value) for entry in view.scan(prefix) if entry.key != prefix]


def put_setting(transaction: Transaction, bucket: str, kind: str, document: bytes, *, name: str = "") -> None:
    """Keep a document; `name` is its id where the kind has several."""
    transaction.put(_key(bucket, kind, name), document)


def delete_setting(transaction: Transaction, bucket: str, kind: str, *, name: str = "") -> None:
    """Forget a document; forgetting what is not there is no error."""
    transaction.delete(_key(bucket, kind, name))


def _key(bucket: str, kind: str, name: str) -> bytes:
    return pack("bucket-setting", bucket, kind, name) if name else pack("bucket-setting", bucket, kind)
