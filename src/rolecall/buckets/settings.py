"""What is kept beside a bucket, a document a kind, such as the CORS rules.

These are read only by their own operations, or by the one that acts on them, so they do not weigh on every request.
"""

from __future__ import annotations

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack


def setting(view: Snapshot, bucket: str, kind: str) -> bytes | None:
    """Return the bucket's document of this kind (`cors`), or None."""
    return view.get(pack("bucket-setting", bucket, kind))


def put_setting(transaction: Transaction, bucket: str, kind: str, document: bytes) -> None:
    """Keep a document in place of the one before."""
    transaction.put(pack("bucket-setting", bucket, kind), document)


def delete_setting(transaction: Transaction, bucket: str, kind: str) -> None:
    """Forget a document; forgetting what is not there is no error."""
    transaction.delete(pack("bucket-setting", bucket, kind))
