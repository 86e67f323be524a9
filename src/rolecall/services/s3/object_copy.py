"""CopyObject: the source is read as it is opened and authorized, the destination made like any other object.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import ENABLED, Bucket
from rolecall.buckets.versions import ObjectVersion, current
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import access, comparing_checks, existing_keys, further_check
from rolecall.services.s3.arrival import copied, keep
from rolecall.services.s3.checksums import DEFAULT, algorithm_named, shown
from rolecall.services.s3.conditions import check_write, check_write_headers
from rolecall.services.s3.context import Keys, request_tag_keys
from rolecall.services.s3.copying import Copying, Source, open_source, reading_check, refuse_large, source_named
from rolecall.services.s3.finding import same_bucket, shown_version, the_bucket
from rolecall.services.s3.making import Granting, Made, asked_tags, made, making_checks
from rolecall.services.s3.ranges import Range
from rolecall.services.s3.reading import read_content
from rolecall.services.s3.refusals import access_denied, invalid_argument, invalid_request, not_implemented
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction
from rolecall.wire.checksums import ALGORITHMS, Algorithm

COPY = "COPY"
REPLACE = "REPLACE"


class CopyObject(Granting, frozen=True, kw_only=True):
    """Of CopyObject."""

    copy_source: str
    copy_source_if_match: str | None = None
    copy_source_if_none_match: str | None = None
    copy_source_if_modified_since: datetime | None = None
    copy_source_if_unmodified_since: datetime | None = None
    copy_source_sse_customer_algorithm: str | None = None
    metadata_directive: str | None = None
    tagging_directive: str | None = None
    annotation_directive: str | None = None
    checksum_algorithm: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def source(self) -> Copying:
        """The part of the parameters that names and limits the source."""
        return Copying(
            bucket=self.bucket,
            key=self.key,
            copy_source=self.copy_source,
            copy_source_if_match=self.copy_source_if_match,
            copy_source_if_none_match=self.copy_source_if_none_match,
            copy_source_if_modified_since=self.copy_source_if_modified_since,
            copy_source_if_unmodified_since=self.copy_source_if_unmodified_since,
        )


def _checks(ask: Ask[CopyObject]) -> Sequence[Check]:
    """Both sides. What tags need is asked when they are read, for the very tags that are copied.

    Whatever policies grant to everybody, S3 lets nobody copy unsigned.
    """
    if ask.caller.is_anonymous:
        raise access_denied("Anonymous users cannot copy objects.  Please authenticate.")
    parameters = ask.parameters
    source: Keys = {"s3:x-amz-copy-source": source_named(parameters.copy_source).text}
    reading = reading_check(Ask(ask.caller, parameters.source, ask.request, ask.view, ask.now))
    making = making_checks(ask, asked_tags(parameters), source)
    return [reading, *making, *comparing_checks(ask, parameters.if_match)]


@operations.stream("CopyObject", CopyObject, access(_checks))
async def copy_object(allowed: Allowed, parameters: CopyObject, streams: Streams) -> Result:
    """Make an object of another one's bytes; metadata and tags come along or are replaced."""
    if parameters.copy_source_sse_customer_algorithm is not None:
        raise not_implemented("x-amz-copy-source-server-side-encryption-customer-algorithm")
    _check_directives(parameters)
    check_write_headers(parameters.if_match, parameters.if_none_match)
    source = source_named(parameters.copy_source)
    with streams.store.view() as view:
        from_bucket, found = open_source(allowed, view, parameters.source)
        home = the_bucket(view, parameters.bucket)
        refuse_large(found.size)
        _refuse_idle(parameters, source, found)
        what = _what(allowed, view, parameters, source, from_bucket, home, found)
        content = read_content(view, found, Range(0, found.size, found.size))
    algorithm = _algorithm(parameters, found)
    async with copied(streams.objects, found, content, algorithm) as arrived:

        def work(transaction: Transaction) -> ObjectVersion:
            here = same_bucket(transaction, home)
            there = current(transaction, home.name, parameters.key)
            check_write(there, parameters.key, parameters.if_match, parameters.if_none_match)
            return keep(transaction, allowed, here, parameters.key, what, arrived)

        added = await streams.store.write(work, brief=True)
    return {
        "copy_object_result": {
            "e_tag": f'"{added.etag}"',
            "last_modified": added.modified,
            **shown(added.checksum),
        },
        "copy_source_version_id": shown_version(from_bucket, found),
        "version_id": added.version_id if home.versioning == ENABLED else None,
    }


def _check_directives(parameters: CopyObject) -> None:
    directives = {
        "x-amz-metadata-directive": (parameters.metadata_directive, "Unknown metadata directive."),
        "x-amz-tagging-directive": (parameters.tagging_directive, "Unknown tagging directive."),
    }
    for name, (value, message) in directives.items():
        if value not in {None, COPY, REPLACE}:
            raise invalid_argument(message, name, value or "")
    if parameters.annotation_directive is not None:
        raise not_implemented("x-amz-object-annotation-directive")


def _refuse_idle(parameters: CopyObject, source: Source, found: ObjectVersion) -> None:
    """Raise ServiceError for a copy of an object onto itself that changes nothing."""
    onto_itself = (source.bucket, source.key) == (parameters.bucket, parameters.key)
    if not onto_itself or source.version_id is not None or parameters.metadata_directive == REPLACE:
        return
    if parameters.storage_class is not None or parameters.website_redirect_location is not None:
        return  # naming a storage class is enough, the present one too
    if parameters.checksum_algorithm is not None and (
        found.checksum is None or found.checksum.algorithm != parameters.checksum_algorithm
    ):
        return
    raise invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's"
        " metadata, storage class, website redirect location or encryption attributes."
    )


def _what(
    allowed: Allowed,
    view: Snapshot,
    parameters: CopyObject,
    source: Source,
    from_bucket: Bucket,
    home: Bucket,
    found: ObjectVersion,
) -> Made:
    """Return what the new object is made of. Tags that come along need the right to read and to write them."""
    what = made(allowed, parameters, home)
    if parameters.metadata_directive != REPLACE:
        redirect = what.headers.get("website_redirect_location")
        headers = {name: value for name, value in found.headers.items() if name != "website_redirect_location"}
        if redirect is not None:
            headers["website_redirect_location"] = redirect
        what = msgspec.structs.replace(what, headers=headers, metadata=found.metadata)
    if parameters.tagging_directive == REPLACE:
        return what
    if found.tags:
        keys = existing_keys(view, source.bucket, source.key, source.version_id)
        action = "GetObjectTagging" if source.version_id is None else "GetObjectVersionTagging"
        allowed.require(view, further_check(from_bucket, action, source.key, keys))
        allowed.require(view, further_check(home, "PutObjectTagging", parameters.key, request_tag_keys(found.tags)))
    return msgspec.structs.replace(what, tags=found.tags)


def _algorithm(parameters: CopyObject, found: ObjectVersion) -> Algorithm:
    named = algorithm_named(parameters.checksum_algorithm)
    if named is not None:
        return named
    return ALGORITHMS[found.checksum.algorithm if found.checksum is not None else DEFAULT]
