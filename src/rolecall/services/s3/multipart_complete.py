"""CompleteMultipartUpload: the parts that are named become one object, in one transaction.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import ENABLED, Bucket
from rolecall.buckets.uploads import Part, Upload, finish, parts, upload
from rolecall.buckets.versions import Checksum, ObjectVersion, PartOf, add, current
from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.services.s3.access import access, comparing_checks, object_check
from rolecall.services.s3.checksums import FULL_OBJECT, combined, sent_checksum, shown, with_checksums
from rolecall.services.s3.conditions import check_write, check_write_headers
from rolecall.services.s3.context import Keys
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.multipart import MOST_PARTS, OfUpload, held
from rolecall.services.s3.reading import address_of
from rolecall.services.s3.refusals import invalid_request, malformed_xml, no_such_upload
from rolecall.services.s3.table import operations
from rolecall.store.interface import Transaction
from rolecall.wire.checksums import ALGORITHMS, bad_checksum

SMALLEST_PART = 5 * 1024 * 1024
"""Of every part but the last."""
LARGEST_OBJECT = 5 * 1024**4


@with_checksums
class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A part as the request names it."""

    part_number: int | None = None
    e_tag: str | None = None


class CompletedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """The document of CompleteMultipartUpload."""

    parts: tuple[Completed, ...] = ()


@with_checksums
class CompleteMultipartUpload(OfUpload, frozen=True, kw_only=True):
    """Of CompleteMultipartUpload."""

    multipart_upload: CompletedUpload = CompletedUpload()
    checksum_type: str | None = None
    mpu_object_size: int | None = None
    if_match: str | None = None
    if_none_match: str | None = None


def _checks(ask: Ask[CompleteMultipartUpload]) -> Sequence[Check]:
    keys: Keys = {"s3:objectcreationoperation": "true"}
    if ask.parameters.if_match is not None:
        keys["s3:if-match"] = ask.parameters.if_match
    if ask.parameters.if_none_match is not None:
        keys["s3:if-none-match"] = ask.parameters.if_none_match
    return [object_check(ask, "PutObject", keys), *comparing_checks(ask, ask.parameters.if_match)]


@operations.write(
    "CompleteMultipartUpload",
    CompleteMultipartUpload,
    access(_checks),
)
def complete(allowed: Allowed, parameters: CompleteMultipartUpload, transaction: Transaction) -> Result:
    """Make the object of the parts that are named. Asked again for the same, the answer is the same."""
    home = the_bucket(transaction, parameters.bucket)
    check_write_headers(parameters.if_match, parameters.if_none_match)
    named = _in_order(parameters.multipart_upload.parts)
    there = current(transaction, home.name, parameters.key)
    found = upload(transaction, home.name, parameters.key, parameters.upload_id)
    if found is None:
        return _again(allowed, parameters, home, there, named)
    check_write(there, parameters.key, parameters.if_match, parameters.if_none_match)
    used = _matching(found, named, parts(transaction, found.upload_id))
    size = _check_sizes(used, parameters.mpu_object_size)
    checksum = _checksum(parameters, found, used)
    draft = ObjectVersion(
        found.key,
        allowed.now.replace(microsecond=0),
        size=size,
        etag=_etag(used),
        segments=tuple(segment for part in used for segment in part.segments),
        headers=found.headers,
        metadata=found.metadata,
        tags=found.tags,
        checksum=checksum,
        parts=tuple(
            PartOf(part.number, part.size, part.checksum.value if part.checksum is not None else "") for part in used
        ),
        upload_id=found.upload_id,
        storage_class=found.storage_class,
    )
    finish(transaction, found, frozenset(part.number for part in used), allowed.now)
    return _answer(allowed, home, add(transaction, home, draft, allowed.now))


def _answer(allowed: Allowed, home: Bucket, made: ObjectVersion) -> dict[str, object]:
    return {
        "location": address_of(allowed.request, home.name, made.key),
        "bucket": home.name,
        "key": made.key,
        "e_tag": f'"{made.etag}"',
        "version_id": made.version_id if home.versioning == ENABLED else None,
        **shown(made.checksum),
    }


def _again(
    allowed: Allowed,
    parameters: CompleteMultipartUpload,
    home: Bucket,
    there: ObjectVersion | None,
    named: Sequence[Completed],
) -> dict[str, object]:
    """Answer a repeated completion, whose first answer was lost on its way."""
    if there is None or there.delete_marker or there.upload_id != parameters.upload_id:
        raise no_such_upload(parameters.upload_id)
    if [part.part_number for part in named] != [part.number for part in there.parts]:
        raise no_such_upload(parameters.upload_id)
    return _answer(allowed, home, there)


def _in_order(named: tuple[Completed, ...]) -> tuple[Completed, ...]:
    if not 1 <= len(named) <= MOST_PARTS or any(part.part_number is None or part.e_tag is None for part in named):
        raise malformed_xml()
    numbers = [part.part_number or 0 for part in named]
    if any(second <= first for first, second in pairwise(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise ServiceError("InvalidPartOrder", message)
    return named


def _matching(found: Upload, named: Sequence[Completed], kept: Sequence[Part]) -> list[Part]:
    """Return the kept parts that are named, if each is what the request says it is."""
    by_number = {part.number: part for part in kept}
    rule = held(found)
    used: list[Part] = []
    for one in named:
        part = by_number.get(one.part_number or 0)
        if part is None or (one.e_tag or "").strip().strip('"') != part.etag:
            raise _invalid_part(found, one)
        checksum = sent_checksum(one, rule.algorithm)
        if checksum is not None and (part.checksum is None or checksum != part.checksum.value):
            raise _invalid_part(found, one)
        if checksum is None and rule.chosen and found.kind != FULL_OBJECT:
            raise invalid_request(
                f"The upload was created using a {rule.algorithm.name.lower()} checksum. The complete request must"
                f" include the checksum for each part. It was missing for part {part.number} in the request."
            )
        used.append(part)
    return used


def _invalid_part(found: Upload, one: Completed) -> ServiceError:
    message = (
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified"
        " entity tag may not match the part's entity tag."
    )
    fields = {"UploadId": found.upload_id, "PartNumber": str(one.part_number), "ETag": (one.e_tag or "").strip('"')}
    return ServiceError("InvalidPart", message, fields=fields)


def _check_sizes(used: Sequence[Part], declared: int | None) -> int:
    """Return the object's size. Raises ServiceError where a part is too small or the sum is not what was declared."""
    for part in used[:-1]:
        if part.size < SMALLEST_PART:
            message = "Your proposed upload is smaller than the minimum allowed size"
            fields = {
                "ProposedSize": str(part.size),
                "MinSizeAllowed": str(SMALLEST_PART),
                "PartNumber": str(part.number),
                "ETag": part.etag,
            }
            raise ServiceError("EntityTooSmall", message, fields=fields)
    size = sum(part.size for part in used)
    if size > LARGEST_OBJECT:
        fields = {"ProposedSize": str(size), "MaxSizeAllowed": str(LARGEST_OBJECT)}
        message = "Your proposed upload exceeds the maximum allowed object size."
        raise ServiceError("EntityTooLarge", message, fields=fields)
    if declared is not None and declared != size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {declared} does not match what was computed: {size}"
        )
    return size


def _checksum(parameters: CompleteMultipartUpload, found: Upload, used: Sequence[Part]) -> Checksum:
    """Return the checksum of the whole, if it is the one that the request claims."""
    rule = held(found)
    kind = found.kind or FULL_OBJECT
    if parameters.checksum_type not in {None, kind}:
        raise invalid_request(
            f"The upload was created using the {kind} checksum mode. The complete request must use the same checksum"
            " mode."
        )
    whole = combined(rule.algorithm, kind, [(part.checksum.value if part.checksum else "", part.size) for part in used])
    for algorithm in ALGORITHMS.values():
        checksum = sent_checksum(parameters, algorithm)
        if checksum is None:
            continue
        if algorithm is not rule.algorithm or checksum.partition("-")[0] != whole.value.partition("-")[0]:
            raise bad_checksum(algorithm)
    return whole


def _etag(used: Sequence[Part]) -> str:
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in used), usedforsecurity=False).hexdigest()
    return f"{digest}-{len(used)}"
