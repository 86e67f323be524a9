"""ListParts and ListMultipartUploads.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.buckets import listing
from rolecall.buckets.uploads import Part, Upload, parts
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket, on_object
from rolecall.services.s3.checksums import shown_of_part
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.listing_keys import Spelling, page_size, part_marker, spelling
from rolecall.services.s3.multipart import OfUpload, existing_upload
from rolecall.services.s3.owners import owner_of
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot


class ListParts(OfUpload, frozen=True, kw_only=True):
    """Of ListParts."""

    max_parts: int | None = None
    part_number_marker: int | None = None


class ListMultipartUploads(OfBucket, frozen=True, kw_only=True):
    """Of ListMultipartUploads."""

    prefix: str | None = None
    delimiter: str | None = None
    encoding_type: str | None = None
    max_uploads: int | None = None
    key_marker: str | None = None
    upload_id_marker: str | None = None


@operations.read("ListParts", ListParts, on_object("ListMultipartUploadParts"))
def list_parts(allowed: Allowed, parameters: ListParts, view: Snapshot) -> Result:
    """Return a page of the parts that came so far."""
    del allowed
    found = existing_upload(view, parameters)
    home = the_bucket(view, parameters.bucket)
    limit = page_size(parameters.max_parts, "max-parts")
    marker = part_marker(parameters.part_number_marker)
    seen = parts(view, found.upload_id, beyond=marker, limit=limit + 1)
    page = seen[:limit]
    owner = owner_of(view, home.account)
    return {
        "bucket": found.bucket,
        "key": found.key,
        "upload_id": found.upload_id,
        "part_number_marker": marker,
        "next_part_number_marker": page[-1].number if page else 0,
        "max_parts": limit,
        "is_truncated": bool(limit) and len(seen) > limit,
        "parts": [_part(one, chosen=bool(found.algorithm)) for one in page],
        "initiator": {"id": found.initiator, "display_name": found.initiator.rpartition("/")[2]},
        "owner": owner,
        "storage_class": found.storage_class,
        "checksum_algorithm": found.algorithm or None,
        "checksum_type": found.kind or None,
    }


def _part(one: Part, *, chosen: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "part_number": one.number,
        "last_modified": one.modified,
        "e_tag": f'"{one.etag}"',
        "size": one.size,
    }
    if chosen:
        line |= shown_of_part(one.checksum)
    return line


@operations.read("ListMultipartUploads", ListMultipartUploads, on_bucket("ListBucketMultipartUploads"))
def list_uploads(allowed: Allowed, parameters: ListMultipartUploads, view: Snapshot) -> Result:
    """Return a page of the uploads under way, in order of key and of their beginning."""
    del allowed
    home = the_bucket(view, parameters.bucket)
    spell = spelling(parameters.encoding_type)
    limit = page_size(parameters.max_uploads, "max-uploads")
    page = listing.list_uploads(
        view,
        home.name,
        prefix=parameters.prefix or "",
        delimiter=parameters.delimiter or "",
        place=_place(parameters),
        limit=limit,
    )
    owner = owner_of(view, home.account)
    last = page.items[-1] if page.items and page.last_prefix is None else None
    next_key = page.last_prefix or (last.key if last is not None else None)
    return {
        "bucket": home.name,
        "key_marker": spell(parameters.key_marker or ""),
        "upload_id_marker": parameters.upload_id_marker or "",
        "next_key_marker": spell(next_key) if page.truncated and next_key is not None else None,
        "next_upload_id_marker": last.upload_id if page.truncated and last is not None else None,
        "prefix": spell(parameters.prefix or ""),
        "delimiter": spell(parameters.delimiter) if parameters.delimiter else None,
        "max_uploads": limit,
        "encoding_type": parameters.encoding_type,
        "is_truncated": page.truncated,
        "uploads": [_upload(one, spell, owner) for one in page.items],
        "common_prefixes": [{"prefix": spell(prefix)} for prefix in page.prefixes],
    }


def _place(parameters: ListMultipartUploads) -> bytes:
    """Return the place behind the markers. An upload id counts only together with its key, as on AWS."""
    marker = parameters.key_marker
    if not marker:
        return b""
    if parameters.upload_id_marker:
        return listing.after_upload(marker, parameters.upload_id_marker)
    prefix, delimiter = parameters.prefix or "", parameters.delimiter or ""
    return listing.behind(marker, prefix, delimiter)


def _upload(one: Upload, spell: Spelling, owner: dict[str, str]) -> dict[str, object]:
    return {
        "upload_id": one.upload_id,
        "key": spell(one.key),
        "initiated": one.initiated,
        "storage_class": one.storage_class,
        "owner": owner,
        "initiator": {"id": one.initiator, "display_name": one.initiator.rpartition("/")[2]},
        "checksum_algorithm": one.algorithm or None,
        "checksum_type": one.kind or None,
    }
