"""Conditional requests: reads by RFC 9110's order of conditions with S3's answers, writes decided in the transaction.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from rolecall.buckets.versions import ObjectVersion
from rolecall.message import ServiceError
from rolecall.services.s3.refusals import no_such_key, not_implemented, precondition_failed


def names_etag(header: str, etag: str) -> bool:
    """Tell whether an If-Match or If-None-Match header names this ETag (without quotes)."""
    names = [name.strip().removeprefix("W/").strip('"') for name in header.split(",")]
    return "*" in names or etag in names


def check_read(
    found: ObjectVersion,
    *,
    now: datetime,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_unmodified_since: datetime | None = None,
) -> None:
    """Raise ServiceError 412 or 304 where a read's conditions do not hold for the object."""
    if if_match is not None:
        if not names_etag(if_match, found.etag):
            raise precondition_failed("If-Match")
    elif if_unmodified_since is not None and found.modified > if_unmodified_since:
        raise precondition_failed("If-Unmodified-Since")
    if if_none_match is not None:
        if names_etag(if_none_match, found.etag):
            raise _not_modified(found)
    elif if_modified_since is not None and found.modified <= if_modified_since <= now:
        raise _not_modified(found)


def check_source(
    found: ObjectVersion,
    *,
    now: datetime,
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: datetime | None,
    if_unmodified_since: datetime | None,
) -> None:
    """Raise ServiceError PreconditionFailed where a copy's conditions do not hold for its source."""
    try:
        check_read(
            found,
            now=now,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
    except ServiceError as error:
        if error.status == 304:
            name = "If-None-Match" if if_none_match is not None else "If-Modified-Since"
            raise precondition_failed(f"x-amz-copy-source-{name}") from None
        raise precondition_failed(f"x-amz-copy-source-{error.fields['Condition']}") from None


def check_write_headers(if_match: str | None, if_none_match: str | None) -> None:
    """Raise ServiceError for conditions that a write cannot have, before its body is read."""
    if if_match is not None and if_none_match is not None:
        more = "Multiple conditional request headers present in the request"
        raise not_implemented("If-Match,If-None-Match", more)
    name = "If-None-Match" if if_none_match is not None else "If-Match"
    if if_none_match not in {None, "*"} or if_match == "*":
        raise not_implemented(name, f"We don't accept the provided value of {name} header for this API")


def check_write(found: ObjectVersion | None, key: str, if_match: str | None, if_none_match: str | None) -> None:
    """Raise ServiceError where a write's condition does not hold for what is there. To be called in its transaction."""
    existing = found if found is not None and not found.delete_marker else None
    if if_none_match is not None and existing is not None:
        raise precondition_failed("If-None-Match")
    if if_match is not None:
        if existing is None:
            raise no_such_key(key)
        if not names_etag(if_match, existing.etag):
            raise precondition_failed("If-Match")


def _not_modified(found: ObjectVersion) -> ServiceError:
    headers = (("ETag", f'"{found.etag}"'), ("Last-Modified", format_datetime(found.modified, usegmt=True)))
    return ServiceError("NotModified", "Not Modified", 304, headers=headers)
