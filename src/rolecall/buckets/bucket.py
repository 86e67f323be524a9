"""Buckets: their names are global, everything else is theirs alone."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import just_after, open_ended, pack
from rolecall.store.paging import walk

NEVER_VERSIONED = ""
ENABLED = "Enabled"
SUSPENDED = "Suspended"

OWNER_ENFORCED = "BucketOwnerEnforced"

_PAGE = 1000
_MOST_KEPT = 10_000


class BucketsError(Exception):
    """The root of what this room raises."""


class BucketExists(BucketsError):
    """A bucket has this name already; `owner` is the account that has it."""

    def __init__(self, name: str, owner: str) -> None:
        """See the class."""
        super().__init__(name)
        self.owner = owner


class BucketMissing(BucketsError):
    """No bucket has this name."""


class BucketHoldsObjects(BucketsError):
    """The bucket cannot go while objects, older versions or delete markers are in it."""


class PublicAccessBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The four settings of S3 Block Public Access. A new bucket has them all, as on AWS since April 2023."""

    block_public_acls: bool = True
    ignore_public_acls: bool = True
    block_public_policy: bool = True
    restrict_public_buckets: bool = True


class Bucket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bucket with the settings that decisions and object requests look at; the others are in `settings`."""

    name: str
    account: str
    """The owner's account id, which is the account of everything in it."""
    created: datetime
    region: str = "us-east-1"
    policy: str | None = None
    """The bucket policy's text, with unique ids in place of the ARNs of users and roles."""
    public_access_block: PublicAccessBlock | None = PublicAccessBlock()
    """None: deleted, nothing is blocked."""
    ownership: str | None = OWNER_ENFORCED
    """None: the ownership controls were deleted, ACLs count as with ObjectWriter."""
    versioning: str = NEVER_VERSIONED
    """`Enabled`, `Suspended`, or empty where it was never enabled."""
    abac: bool = False
    """Whether the bucket's tags count as condition keys."""
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"


_decode = msgspec.msgpack.Decoder(Bucket).decode
_encode = msgspec.msgpack.Encoder().encode


class _Kept:
    """Buckets as they were read while the store stood at one mark; every change of one moves it."""

    __slots__ = ("found", "mark")

    def __init__(self, mark: bytes) -> None:
        self.mark = mark
        self.found: dict[str, Bucket | None] = {}


class _Newest:
    """What was read at the newest watermark. Nothing is kept of a transaction, which may yet be rolled back.

    One that has changed no bucket stands at the mark that its views stood at, and sees what they saw.
    """

    def __init__(self) -> None:
        self._kept = _Kept(b"")

    def bucket(self, view: Snapshot, name: str) -> Bucket | None:
        """Return the bucket of this name, or None."""
        kept, mark = self._kept, view.watermark()
        if hasattr(view, "put"):
            return kept.found[name] if kept.mark == mark and name in kept.found else _read(view, name)
        if kept.mark != mark or len(kept.found) > _MOST_KEPT:
            kept = self._kept = _Kept(mark)
        if name not in kept.found:
            kept.found[name] = _read(view, name)
        return kept.found[name]


bucket = _Newest().bucket


def _read(view: Snapshot, name: str) -> Bucket | None:
    value = view.get(pack("bucket", name))
    return _decode(value) if value is not None else None


def existing_bucket(view: Snapshot, name: str) -> Bucket:
    """Return the bucket of this name. Raises BucketMissing."""
    found = bucket(view, name)
    if found is None:
        raise BucketMissing(name)
    return found


def list_buckets(
    view: Snapshot, account: str, *, prefix: str = "", beyond: bytes = b"", region: str | None = None, limit: int
) -> list[Bucket]:
    """Return, in order of name, at most `limit` of the account's buckets that begin with `prefix` and lie `beyond`.

    With `region`, only those that are there.
    """
    scope = open_ended("bucket", prefix)
    start = max(just_after(pack("bucket", beyond)), scope) if beyond else scope
    every = (_decode(entry.value) for entry in walk(view, scope, start=start, page=_PAGE))
    chosen = (one for one in every if one.account == account and region in {None, one.region})
    return list(islice(chosen, limit))


def create_bucket(transaction: Transaction, new: Bucket) -> None:
    """Add a bucket. Raises BucketExists."""
    present = bucket(transaction, new.name)
    if present is not None:
        raise BucketExists(new.name, present.account)
    _save(transaction, new)


def change_bucket(transaction: Transaction, changed: Bucket) -> None:
    """Keep a changed bucket (made with `msgspec.structs.replace`). Raises BucketMissing where it is gone."""
    existing_bucket(transaction, changed.name)
    _save(transaction, changed)


def remove_bucket(transaction: Transaction, name: str) -> None:
    """Remove an empty bucket with all its settings. Raises BucketMissing, BucketHoldsObjects.

    Multipart uploads under way do not hold it back; the caller aborts them in the same transaction.
    """
    existing_bucket(transaction, name)
    if transaction.scan(pack("current", name), limit=1):
        raise BucketHoldsObjects(name)
    for entry in transaction.scan(pack("bucket-setting", name)):
        transaction.delete(entry.key)
    transaction.delete(pack("bucket", name))
    transaction.advance_watermark()


def _save(transaction: Transaction, one: Bucket) -> None:
    """Keep the record. Policies hang on it (policy, public access block, tags, the owner), so the watermark moves."""
    transaction.put(pack("bucket", one.name), _encode(one))
    transaction.advance_watermark()
