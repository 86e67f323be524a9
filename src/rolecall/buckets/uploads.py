"""Multipart uploads under way, and the parts that came so far."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import datetime

import msgspec

from rolecall.buckets.segments import Segment, discard
from rolecall.buckets.versions import Checksum
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import micros, pack
from rolecall.store.paging import walk

_PAGE = 1000


class Upload(msgspec.Struct, frozen=True, array_like=True):
    """A multipart upload under way: what its object will be, save the bytes. Fields are only ever added at the end."""

    bucket: str
    key: str
    upload_id: str
    initiated: datetime
    initiator: str
    """The ARN of who began it."""
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    storage_class: str = "STANDARD"
    algorithm: str = ""
    """The checksum algorithm that every part is held to; empty where the client named none."""
    kind: str = ""
    """`FULL_OBJECT` or `COMPOSITE`; empty where the client named no algorithm."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part that came whole."""

    number: int
    size: int
    etag: str
    """Without quotes."""
    modified: datetime
    segments: tuple[Segment, ...]
    checksum: Checksum | None = None


decode_upload = msgspec.msgpack.Decoder(Upload).decode
decode_part = msgspec.msgpack.Decoder(Part).decode
_encode = msgspec.msgpack.Encoder().encode


def new_upload_id(now: datetime) -> str:
    """Draw an upload id; ids sort by the time they were drawn."""
    return base64.b32hexencode(micros(now).to_bytes(8, "big") + secrets.token_bytes(22)).decode("ascii")


def upload(view: Snapshot, bucket: str, key: str, upload_id: str) -> Upload | None:
    """Return the upload of this object with this id, or None."""
    value = view.get(pack("upload", bucket, key, upload_id))
    return decode_upload(value) if value is not None else None


def begin(transaction: Transaction, new: Upload) -> None:
    """Add an upload."""
    transaction.put(pack("upload", new.bucket, new.key, new.upload_id), _encode(new))


def part(view: Snapshot, upload_id: str, number: int) -> Part | None:
    """Return a part, or None."""
    value = view.get(pack("part", upload_id, number))
    return decode_part(value) if value is not None else None


def parts(view: Snapshot, upload_id: str, *, beyond: int = 0, limit: int | None = None) -> list[Part]:
    """Return the parts with numbers above `beyond`, in order, at most `limit`."""
    start = pack("part", upload_id, beyond + 1)
    return [decode_part(entry.value) for entry in view.scan(pack("part", upload_id), start=start, limit=limit)]


def put_part(transaction: Transaction, upload_id: str, new: Part, now: datetime) -> None:
    """Keep a part, in place of an earlier one with its number."""
    earlier = part(transaction, upload_id, new.number)
    if earlier is not None:
        discard(transaction, earlier.segments, now)
    transaction.put(pack("part", upload_id, new.number), _encode(new))


def finish(transaction: Transaction, one: Upload, used: frozenset[int], now: datetime) -> None:
    """End an upload whose parts `used` went into an object; the bytes of the other ones are let go."""
    for left in parts(transaction, one.upload_id):
        if left.number not in used:
            discard(transaction, left.segments, now)
        transaction.delete(pack("part", one.upload_id, left.number))
    transaction.delete(pack("upload", one.bucket, one.key, one.upload_id))


def abort(transaction: Transaction, one: Upload, now: datetime) -> None:
    """End an upload and let go of its bytes."""
    finish(transaction, one, frozenset(), now)


def uploads_in(view: Snapshot, bucket: str) -> Iterator[Upload]:
    """Yield every upload under way in the bucket, in order of key and time."""
    for entry in walk(view, pack("upload", bucket), page=_PAGE):
        yield decode_upload(entry.value)
