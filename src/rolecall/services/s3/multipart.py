"""Multipart uploads: begun, filled part by part, completed in one transaction or aborted.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.uploads import Part, Upload, abort, begin, new_upload_id, put_part, upload
from rolecall.buckets.versions import Checksum
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import OfObject, access, object_check, on_object
from rolecall.services.s3.arrival import Arrived, arriving, copied
from rolecall.services.s3.checksums import (
    DEFAULT,
    FULL_OBJECT,
    algorithm_named,
    shown_of_part,
    upload_kind,
    wanted,
    with_checksums,
)
from rolecall.services.s3.context import Keys
from rolecall.services.s3.copying import Copying, open_source, reading_check, refuse_large, source_named
from rolecall.services.s3.finding import same_bucket, shown_version, the_bucket
from rolecall.services.s3.making import Granting, asked_tags, made, making_checks
from rolecall.services.s3.ranges import source_range
from rolecall.services.s3.reading import read_content
from rolecall.services.s3.refusals import (
    access_denied,
    invalid_argument,
    invalid_request,
    no_such_upload,
    not_implemented,
    refuse_encryption_header,
)
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction
from rolecall.wire.checksums import ALGORITHMS, Algorithm, content_md5

MOST_PARTS = 10_000

IN_PARTS: Keys = {"s3:objectcreationoperation": "false"}


class CreateMultipartUpload(Granting, frozen=True, kw_only=True):
    """Of CreateMultipartUpload."""

    checksum_algorithm: str | None = None
    checksum_type: str | None = None


class OfUpload(OfObject, frozen=True, kw_only=True):
    """Of operations on a multipart upload."""

    upload_id: str


@with_checksums
class UploadPart(OfUpload, frozen=True, kw_only=True):
    """Of UploadPart."""

    part_number: int
    content_md5: str | None = None
    checksum_algorithm: str | None = None
    sse_customer_algorithm: str | None = None


class UploadPartCopy(Copying, frozen=True, kw_only=True):
    """Of UploadPartCopy."""

    upload_id: str
    part_number: int
    copy_source_range: str | None = None
    sse_customer_algorithm: str | None = None
    copy_source_sse_customer_algorithm: str | None = None


def _create_checks(ask: Ask[CreateMultipartUpload]) -> Sequence[Check]:
    """All that the object's headers need is asked here; the parts need no more than `PutObject`.

    Whatever a policy grants to everybody, S3 lets nobody begin an upload unsigned.
    """
    if ask.caller.is_anonymous:
        raise access_denied("Anonymous users cannot initiate multipart uploads.  Please authenticate.")
    return making_checks(ask, asked_tags(ask.parameters), IN_PARTS)


@operations.write("CreateMultipartUpload", CreateMultipartUpload, access(_create_checks), brief=True)
def create(allowed: Allowed, parameters: CreateMultipartUpload, transaction: Transaction) -> Result:
    """Begin an upload, whose object will have these headers, metadata and tags."""
    home = the_bucket(transaction, parameters.bucket)
    what = made(allowed, parameters, home)
    algorithm = algorithm_named(parameters.checksum_algorithm)
    if algorithm is None and parameters.checksum_type is not None:
        raise invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )
    kind = upload_kind(algorithm, parameters.checksum_type) if algorithm is not None else ""
    new = Upload(
        bucket=home.name,
        key=parameters.key,
        upload_id=new_upload_id(allowed.now),
        initiated=allowed.now.replace(microsecond=0),
        initiator=allowed.caller.principal.arn,
        headers=what.headers,
        metadata=what.metadata,
        tags=what.tags,
        storage_class=what.storage_class,
        algorithm=algorithm.name if algorithm is not None else "",
        kind=kind,
    )
    begin(transaction, new)
    return {
        "bucket": home.name,
        "key": new.key,
        "upload_id": new.upload_id,
        "checksum_algorithm": new.algorithm or None,
        "checksum_type": new.kind or None,
    }


def existing_upload(view: Snapshot, parameters: OfUpload | UploadPartCopy) -> Upload:
    """Return the upload that a request names. Raises ServiceError NoSuchUpload, NoSuchBucket."""
    the_bucket(view, parameters.bucket)
    found = upload(view, parameters.bucket, parameters.key, parameters.upload_id)
    if found is None:
        raise no_such_upload(parameters.upload_id)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """What parts of an upload are held to."""

    algorithm: Algorithm
    """By which the checksum of the whole will be made; S3's own choice where the client made none."""
    chosen: bool


def held(found: Upload) -> Held:
    """Return what the parts of this upload are held to."""
    return Held(ALGORITHMS[found.algorithm or DEFAULT], chosen=bool(found.algorithm))


def _part_number(number: int) -> int:
    if not 1 <= number <= MOST_PARTS:
        message = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
        raise invalid_argument(message, "partNumber", str(number))
    return number


@operations.stream("UploadPart", UploadPart, on_object("PutObject", keys=lambda _: dict(IN_PARTS)))
async def upload_part(allowed: Allowed, parameters: UploadPart, streams: Streams) -> Result:
    """Keep a part; a later one with its number takes its place."""
    refuse_encryption_header(allowed.request)
    if parameters.sse_customer_algorithm is not None:
        raise not_implemented("x-amz-server-side-encryption-customer-algorithm")
    number = _part_number(parameters.part_number)
    asked = wanted(parameters, parameters.checksum_algorithm, allowed.request)
    md5 = content_md5(parameters.content_md5)
    with streams.store.view() as view:
        home = the_bucket(view, parameters.bucket)
        rule = held(existing_upload(view, parameters))
    if rule.chosen and asked.algorithm is not rule.algorithm:
        actual = asked.algorithm.name.lower() if asked.chosen else "null"
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {rule.algorithm.name.lower()}, actual checksum"
            f" Type: {actual}"
        )
    async with arriving(streams, asked, md5, rule.algorithm) as arrived:

        def work(transaction: Transaction) -> Part:
            same_bucket(transaction, home)
            return _keep(transaction, allowed, existing_upload(transaction, parameters), number, arrived)

        part = await streams.store.write(work, brief=True)
    return {"e_tag": f'"{part.etag}"', **shown_of_part(arrived.checksum if asked.chosen else part.checksum)}


def _keep(transaction: Transaction, allowed: Allowed, found: Upload, number: int, arrived: Arrived) -> Part:
    """Keep what arrived as a part of the upload, with the checksum that the whole will be made from."""
    algorithm = held(found).algorithm
    value = base64.b64encode(arrived.intake.digests[algorithm.name]).decode("ascii")
    part = Part(
        number=number,
        size=arrived.intake.size,
        etag=arrived.etag,
        modified=allowed.now.replace(microsecond=0),
        segments=arrived.intake.keep(transaction, allowed.now),
        checksum=Checksum(algorithm.name, value, FULL_OBJECT),
    )
    put_part(transaction, found.upload_id, part, allowed.now)
    return part


def _copy_checks(ask: Ask[UploadPartCopy]) -> Sequence[Check]:
    """Both sides. Nobody copies unsigned: "All UploadPartCopy requests must be authenticated and signed"."""
    if ask.caller.is_anonymous:
        raise access_denied("Anonymous users cannot copy objects.  Please authenticate.")
    keys = IN_PARTS | {"s3:x-amz-copy-source": source_named(ask.parameters.copy_source).text}
    return [reading_check(ask), object_check(ask, "PutObject", keys)]


@operations.stream("UploadPartCopy", UploadPartCopy, access(_copy_checks))
async def upload_part_copy(allowed: Allowed, parameters: UploadPartCopy, streams: Streams) -> Result:
    """Keep bytes of an object as a part."""
    if parameters.sse_customer_algorithm is not None or parameters.copy_source_sse_customer_algorithm is not None:
        raise not_implemented("x-amz-server-side-encryption-customer-algorithm")
    number = _part_number(parameters.part_number)
    with streams.store.view() as view:
        home = the_bucket(view, parameters.bucket)
        rule = held(existing_upload(view, parameters))
        from_bucket, found = open_source(allowed, view, parameters)
        piece = source_range(found, parameters.copy_source_range)
        refuse_large(piece.length)
        content = read_content(view, found, piece)
    async with copied(streams.objects, found, content, rule.algorithm) as arrived:

        def work(transaction: Transaction) -> Part:
            same_bucket(transaction, home)
            return _keep(transaction, allowed, existing_upload(transaction, parameters), number, arrived)

        part = await streams.store.write(work, brief=True)
    sums = shown_of_part(part.checksum) if rule.chosen else {}
    return {
        "copy_part_result": {"e_tag": f'"{part.etag}"', "last_modified": part.modified, **sums},
        "copy_source_version_id": shown_version(from_bucket, found),
    }


@operations.write("AbortMultipartUpload", OfUpload, on_object("AbortMultipartUpload"))
def abort_upload(allowed: Allowed, parameters: OfUpload, transaction: Transaction) -> Result:
    """End an upload and let go of its parts."""
    abort(transaction, existing_upload(transaction, parameters), allowed.now)
    return {}
