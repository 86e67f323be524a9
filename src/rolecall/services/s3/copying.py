"""The source of a copy: named once, by one parser, authorized as it is opened.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import Bucket
from rolecall.buckets.versions import ObjectVersion
from rolecall.identifiers import is_bucket_name
from rolecall.message import ServiceError
from rolecall.services.s3.access import OfObject, existing_keys, source_check
from rolecall.services.s3.conditions import check_source
from rolecall.services.s3.finding import the_bucket, the_object
from rolecall.services.s3.refusals import invalid_argument, invalid_request
from rolecall.store.interface import Snapshot

LARGEST = 5 * 1024**3
_LONGEST_NAME = 8192
"""More than any key, percent-encoded, takes with a bucket and a version."""


class Copying(OfObject, frozen=True, kw_only=True):
    """The parameters that name and limit a copy's source."""

    copy_source: str
    copy_source_if_match: str | None = None
    copy_source_if_none_match: str | None = None
    copy_source_if_modified_since: datetime | None = None
    copy_source_if_unmodified_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The object, or version, that a copy reads."""

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def text(self) -> str:
        """The source as condition keys spell it, without a slash before it."""
        return f"{self.bucket}/{self.key}"


@lru_cache(maxsize=256)
def source_named(header: str) -> Source:
    """Return what `x-amz-copy-source` names: `[/]bucket/key[?versionId=id]`, the path percent-encoded.

    The key is opaque: `..` and `//` mean nothing in it. Raises ServiceError InvalidArgument.
    """
    if len(header) > _LONGEST_NAME:
        raise _unreadable(header)
    path, mark, query = header.partition("?")
    version_id: str | None = None
    if mark:
        name, equals, version_id = query.partition("=")
        if name != "versionId" or not equals or not version_id or "&" in version_id:
            raise _unreadable(header)
    try:
        text = unquote_to_bytes(path.encode("latin-1")).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise _unreadable(header) from None
    bucket, slash, key = text.removeprefix("/").partition("/")
    if not slash or not key or not is_bucket_name(bucket):
        raise _unreadable(header)
    return Source(bucket, key, version_id)


def _unreadable(header: str) -> ServiceError:
    message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
    return invalid_argument(message, "x-amz-copy-source", header)


def reading_check(ask: Ask[Copying]) -> Check:
    """Return the check that the caller may read the source."""
    source = source_named(ask.parameters.copy_source)
    action = "GetObject" if source.version_id is None else "GetObjectVersion"
    keys = existing_keys(ask.view, source.bucket, source.key, source.version_id)
    return source_check(ask, action, source.bucket, source.key, keys)


def open_source(allowed: Allowed, view: Snapshot, parameters: Copying) -> tuple[Bucket, ObjectVersion]:
    """Return the source's bucket and record, if its conditions hold. Raises ServiceError."""
    source = source_named(parameters.copy_source)
    home = the_bucket(view, source.bucket)
    found = the_object(allowed, view, home, source.key, source.version_id)
    check_source(
        found,
        now=allowed.now,
        if_match=parameters.copy_source_if_match,
        if_none_match=parameters.copy_source_if_none_match,
        if_modified_since=parameters.copy_source_if_modified_since,
        if_unmodified_since=parameters.copy_source_if_unmodified_since,
    )
    return home, found


def refuse_large(size: int) -> None:
    """Raise ServiceError where a source is more than one copy may move."""
    if size > LARGEST:
        raise invalid_request(
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
        )
