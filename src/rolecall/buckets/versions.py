"""Objects and their versions.

The newest version of a key, a delete marker too, lies under `current`; the older ones lie under `version`, newest
first. What is read most (GET, the listings) reads `current` alone. `null` is a mark on a version and not a place: an
object written while versioning was off stays where it is when versioning comes.

Every change of a key goes through `add`, `remove` and `remove_version`, which keep three things true: a key that has
versions has a current one; at most one version is the null version; `older_null` of the current one finds it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from rolecall.buckets.bucket import ENABLED, Bucket
from rolecall.buckets.segments import Segment, discard
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import descending, micros, pack

NULL = "null"
_NONCE = 12


class Checksum(msgspec.Struct, frozen=True, array_like=True):
    """A checksum that was verified when the bytes came."""

    algorithm: str
    """As AWS spells it: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256` ..."""
    value: str
    """Base64; with `-n` behind it for a composite one."""
    kind: str
    """`FULL_OBJECT` or `COMPOSITE`."""


class PartOf(msgspec.Struct, frozen=True, array_like=True):
    """A part that an object was made of; the parts lie one behind the other."""

    number: int
    size: int
    checksum: str = ""


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """What listings show of a version, or of a delete marker: the beginning of its record."""

    key: str
    modified: datetime
    """To the second, as AWS keeps it."""
    size: int = 0
    etag: str = ""
    """Without quotes."""
    storage_class: str = "STANDARD"
    delete_marker: bool = False
    checksum: Checksum | None = None
    sequence: int = 0
    nonce: bytes = b""
    null: bool = True
    older_null: int = 0
    """Of a current version: the sequence of the null version among the older ones, or 0."""

    @property
    def version_id(self) -> str:
        """The id by which the version is asked for."""
        if self.null:
            return NULL
        return base64.b32hexencode(self.sequence.to_bytes(8, "big") + self.nonce).decode("ascii")


class ObjectVersion(Listed, frozen=True, array_like=True):
    """One version of an object, or a delete marker. Fields are only ever added at the end."""

    segments: tuple[Segment, ...] = ()
    headers: dict[str, str] = {}
    """The headers that come back as they were sent, by the members' names: `content_type`, `cache_control` ..."""
    metadata: dict[str, str] = {}
    """What was sent as `x-amz-meta-*`, by the rest of the name in lower case."""
    tags: dict[str, str] = {}
    parts: tuple[PartOf, ...] = ()
    """Of an object made by a multipart upload."""
    upload_id: str = ""
    """The multipart upload it was made by, which knows a repeated completion again."""


decode_version = msgspec.msgpack.Decoder(ObjectVersion).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_page = msgspec.msgpack.Decoder(list[Listed]).decode


def decode_listed(records: Sequence[bytes]) -> list[Listed]:
    """Read the beginnings of versions' records, all in one go, and pass over the rest of each."""
    return _decode_page(b"\xdd" + len(records).to_bytes(4, "big") + b"".join(records))


class _Last:
    """The current version that was read last: a request's checks ask for it, and then its handler, in one view."""

    def __init__(self) -> None:
        self._seen: tuple[Snapshot | None, str, str, ObjectVersion | None] = (None, "", "", None)

    def current(self, view: Snapshot, bucket: str, key: str) -> ObjectVersion | None:
        """Return the newest version of the key, which may be a delete marker, or None."""
        seen = self._seen
        if seen[0] is view and seen[2] == key and seen[1] == bucket:
            return seen[3]
        value = view.get(pack("current", bucket, key))
        found = decode_version(value) if value is not None else None
        if not hasattr(view, "put"):  # a transaction's state may change
            self._seen = (view, bucket, key, found)
        return found


current = _Last().current


def version(view: Snapshot, bucket: str, key: str, version_id: str) -> ObjectVersion | None:
    """Return the version of the key with this id (`null` too), or None."""
    newest = current(view, bucket, key)
    if newest is None or newest.version_id == version_id:
        return newest
    sequence = newest.older_null if version_id == NULL else sequence_of(version_id)
    if not sequence:
        return None
    value = view.get(pack("version", bucket, key, descending(sequence)))
    found = decode_version(value) if value is not None else None
    return found if found is not None and found.version_id == version_id else None


def sequence_of(version_id: str) -> int | None:
    """Return the sequence that a version id holds, or None for what is not one (`null` neither)."""
    try:
        raw = base64.b32hexdecode(version_id.encode("ascii"))
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw[:8], "big") if len(raw) == 8 + _NONCE else None


def add(transaction: Transaction, bucket: Bucket, draft: ObjectVersion, now: datetime) -> ObjectVersion:
    """Make `draft` the newest version of its key, and return it with its place in the order.

    What it replaces becomes an older version, or goes where versioning is not on.
    """
    newest = current(transaction, bucket.name, draft.key)
    sequence = max(micros(now), newest.sequence + 1 if newest is not None else 1)
    versioned = bucket.versioning == ENABLED
    older_null = _make_room(transaction, bucket, newest, now, versioned=versioned) if newest is not None else 0
    added = msgspec.structs.replace(
        draft,
        sequence=sequence,
        nonce=secrets.token_bytes(_NONCE) if versioned else b"",
        null=not versioned,
        older_null=older_null,
    )
    _put_current(transaction, bucket.name, added)
    return added


def change(transaction: Transaction, bucket: str, changed: ObjectVersion) -> None:
    """Keep a version whose tags or the like were changed. It must have been found in this transaction."""
    newest = current(transaction, bucket, changed.key)
    if newest is not None and newest.sequence == changed.sequence:
        _put_current(transaction, bucket, changed)
    else:
        _put_older(transaction, bucket, changed)


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did, as the answer tells it."""

    version_id: str | None = None
    """The version that was removed, or the delete marker that was added; None where the bucket keeps no versions."""
    delete_marker: bool = False
    """Whether a delete marker was added, or the removed version was one."""


def remove(transaction: Transaction, bucket: Bucket, key: str, now: datetime) -> Removed:
    """Remove the object: for good where versions were never kept, otherwise by a delete marker on top of them."""
    if bucket.versioning:
        marker = ObjectVersion(key, now.replace(microsecond=0), delete_marker=True)
        return Removed(add(transaction, bucket, marker, now).version_id, delete_marker=True)
    newest = current(transaction, bucket.name, key)
    if newest is not None:  # and nothing older, for none was ever kept
        discard(transaction, newest.segments, now)
        transaction.delete(pack("current", bucket.name, key))
    return Removed()


def remove_version(transaction: Transaction, bucket: str, gone: ObjectVersion, now: datetime) -> Removed:
    """Remove one version for good. It must have been found in this transaction."""
    newest = current(transaction, bucket, gone.key)
    if newest is not None and newest.sequence == gone.sequence:
        _forget_current(transaction, bucket, newest, now)
    else:
        transaction.delete(pack("version", bucket, gone.key, descending(gone.sequence)))
        discard(transaction, gone.segments, now)
        if newest is not None and gone.sequence == newest.older_null:
            _put_current(transaction, bucket, msgspec.structs.replace(newest, older_null=0))
    return Removed(gone.version_id, delete_marker=gone.delete_marker)


def _make_room(
    transaction: Transaction, bucket: Bucket, newest: ObjectVersion, now: datetime, *, versioned: bool
) -> int:
    """Move the current version to the older ones, or let it go; return where the null version among them then is."""
    if versioned:
        _put_older(transaction, bucket.name, newest)
        return newest.sequence if newest.null else newest.older_null
    if newest.null:
        discard(transaction, newest.segments, now)
        return newest.older_null
    if newest.older_null:
        _forget_older(transaction, bucket.name, newest.key, newest.older_null, now)
    _put_older(transaction, bucket.name, newest)
    return 0


def _forget_current(transaction: Transaction, bucket: str, gone: ObjectVersion, now: datetime) -> None:
    """Let the current version go; the newest of the older ones takes its place."""
    discard(transaction, gone.segments, now)
    older = transaction.scan(pack("version", bucket, gone.key), limit=1)
    if not older:
        transaction.delete(pack("current", bucket, gone.key))
        return
    transaction.delete(older[0].key)
    heir = decode_version(older[0].value)
    _put_current(transaction, bucket, msgspec.structs.replace(heir, older_null=0 if heir.null else gone.older_null))


def _forget_older(transaction: Transaction, bucket: str, key: str, sequence: int, now: datetime) -> None:
    place = pack("version", bucket, key, descending(sequence))
    value = transaction.get(place)
    if value is not None:
        discard(transaction, decode_version(value).segments, now)
        transaction.delete(place)


def _put_current(transaction: Transaction, bucket: str, one: ObjectVersion) -> None:
    transaction.put(pack("current", bucket, one.key), _encode(one))


def _put_older(transaction: Transaction, bucket: str, one: ObjectVersion) -> None:
    older = msgspec.structs.replace(one, older_null=0)
    transaction.put(pack("version", bucket, one.key, descending(one.sequence)), _encode(older))
