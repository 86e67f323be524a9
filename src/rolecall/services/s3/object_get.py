"""GetObject and HeadObject.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access
from rolecall.buckets.bucket import Bucket
from rolecall.buckets.versions import Checksum, ObjectVersion
from rolecall.objects.interface import BlobDamaged, BlobMissing, Objects
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfVersion, existing_keys, further_check, on_version
from rolecall.services.s3.checksums import shown
from rolecall.services.s3.conditions import check_read
from rolecall.services.s3.finding import shown_version, the_bucket, the_object
from rolecall.services.s3.making import header_text
from rolecall.services.s3.ranges import Range, asked_range
from rolecall.services.s3.reading import body_of, damaged, read_content, whole_checksum
from rolecall.services.s3.refusals import invalid_request, not_implemented, refuse_encryption_header
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot


class GetObject(OfVersion, frozen=True, kw_only=True):
    """Of GetObject and HeadObject."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None
    range: str | None = None
    part_number: int | None = None
    response_cache_control: str | None = None
    response_content_disposition: str | None = None
    response_content_encoding: str | None = None
    response_content_language: str | None = None
    response_content_type: str | None = None
    response_expires: str | None = None
    checksum_mode: str | None = None
    sse_customer_algorithm: str | None = None
    sse_customer_key: str | None = None


_ACCESS: Access[GetObject] = on_version(("GetObject", "GetObjectVersion"))


@operations.fetch("GetObject", GetObject, _ACCESS)
def get_object(allowed: Allowed, parameters: GetObject, view: Snapshot, objects: Objects) -> Result:
    """Return an object or a range of it. Its first blob is opened; blobs are read while the answer is sent."""
    found, part, answer = _answer(allowed, parameters, view)
    try:
        answer["body"] = body_of(objects, read_content(view, found, part), whole_checksum(found, part))
    except (BlobMissing, BlobDamaged) as error:
        raise damaged(found, error) from error
    return answer


@operations.read("HeadObject", GetObject, _ACCESS)
def head_object(allowed: Allowed, parameters: GetObject, view: Snapshot) -> Result:
    """Return what GetObject would, without the bytes."""
    return _answer(allowed, parameters, view)[2]


def _answer(allowed: Allowed, parameters: GetObject, view: Snapshot) -> tuple[ObjectVersion, Range, dict[str, object]]:
    refuse_encryption_header(allowed.request)
    if parameters.sse_customer_algorithm is not None or parameters.sse_customer_key is not None:
        raise not_implemented("x-amz-server-side-encryption-customer-algorithm")
    overrides = _overrides(allowed, parameters)
    home = the_bucket(view, parameters.bucket)
    found = the_object(allowed, view, home, parameters.key, parameters.version_id)
    check_read(
        found,
        now=allowed.now,
        if_match=parameters.if_match,
        if_none_match=parameters.if_none_match,
        if_modified_since=parameters.if_modified_since,
        if_unmodified_since=parameters.if_unmodified_since,
    )
    part = asked_range(found, parameters.range, parameters.part_number)
    answer: dict[str, object] = {
        **found.headers,
        **overrides,
        "metadata": found.metadata,
        "accept_ranges": "bytes",
        "last_modified": found.modified,
        "content_length": part.length,
        "e_tag": f'"{found.etag}"',
        "content_range": part.content_range,
        "version_id": shown_version(home, found),
        "storage_class": found.storage_class if found.storage_class != "STANDARD" else None,
        "parts_count": len(found.parts) if parameters.part_number is not None and found.parts else None,
        "tag_count": _tag_count(allowed, view, home, found, parameters.version_id) if found.tags else None,
    }
    if parameters.checksum_mode is not None and parameters.checksum_mode.upper() == "ENABLED":
        answer |= shown(_checksum(found, part, parameters.part_number))
    return found, part, answer


def _checksum(found: ObjectVersion, part: Range, number: int | None) -> Checksum | None:
    """Return the checksum of what is answered: of the whole object or of one part; other ranges have none."""
    if number is None or not found.parts or found.checksum is None:
        return found.checksum if part.length == found.size else None
    value = next(one.checksum for one in found.parts if one.number == number)
    return msgspec.structs.replace(found.checksum, value=value) if value else None


def _overrides(allowed: Allowed, parameters: GetObject) -> dict[str, str]:
    """Return the headers that the request wants in place of the object's own; only who signed may want any."""
    sent = {
        "cache_control": parameters.response_cache_control,
        "content_disposition": parameters.response_content_disposition,
        "content_encoding": parameters.response_content_encoding,
        "content_language": parameters.response_content_language,
        "content_type": parameters.response_content_type,
        "expires": parameters.response_expires,
    }
    overrides = {
        member: header_text(value, f"response-{member.replace('_', '-')}")
        for member, value in sent.items()
        if value is not None
    }
    if overrides and allowed.caller.is_anonymous:
        raise invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    return overrides


def _tag_count(
    allowed: Allowed, view: Snapshot, home: Bucket, found: ObjectVersion, version_id: str | None
) -> int | None:
    """Return how many tags the object has, for who may read them."""
    action = "GetObjectTagging" if version_id is None else "GetObjectVersionTagging"
    keys = existing_keys(view, home.name, found.key, version_id)
    return len(found.tags) if allowed.permits(view, further_check(home, action, found.key, keys)) else None
