"""PutObject: bytes in, verified, and only then visible.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import ENABLED, Bucket
from rolecall.buckets.versions import Checksum, ObjectVersion, add, current
from rolecall.message import ServiceError
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import access, object_check
from rolecall.services.s3.checksums import Wanted, shown, verified, wanted
from rolecall.services.s3.conditions import check_write, check_write_headers
from rolecall.services.s3.context import (
    ACL_MEMBERS,
    LEGAL_HOLD_MEMBERS,
    RETENTION_MEMBERS,
    Keys,
    request_tag_keys,
    write_keys,
)
from rolecall.services.s3.finding import same_bucket, the_bucket
from rolecall.services.s3.intake import MOST, Intake, entity_too_large
from rolecall.services.s3.making import Granting, Made, Making, made
from rolecall.services.s3.refusals import not_implemented
from rolecall.services.s3.table import operations
from rolecall.services.s3.tags import tags_of_header
from rolecall.store.interface import Snapshot, Transaction
from rolecall.wire.checksums import Algorithm, bad_md5, content_md5


class PutObject(Granting, frozen=True, kw_only=True):
    """Of PutObject."""

    content_md5: str | None = None
    checksum_algorithm: str | None = None
    checksum_crc32: str | None = None
    checksum_crc32_c: str | None = None
    checksum_crc64_nvme: str | None = None
    checksum_sha1: str | None = None
    checksum_sha256: str | None = None
    checksum_sha512: str | None = None
    checksum_md5: str | None = None
    checksum_xxhash64: str | None = None
    checksum_xxhash3: str | None = None
    checksum_xxhash128: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    write_offset_bytes: int | None = None


def making_checks(ask: Ask[Making], tags: Mapping[str, str], further: Keys | None = None) -> list[Check]:
    """Return the checks of making an object with these tags; `further` are condition keys of the operation's own."""
    parameters = ask.parameters
    keys: Keys = {"s3:objectcreationoperation": "true"}
    keys |= write_keys(parameters) | (request_tag_keys(tags) if tags else {}) | (further or {})
    checks = [object_check(ask, "PutObject", keys)]
    if parameters.tagging is not None:
        checks.append(object_check(ask, "PutObjectTagging", request_tag_keys(tags)))
    if parameters.acl is not None or (isinstance(parameters, Granting) and parameters.grants):
        checks.append(object_check(ask, "PutObjectAcl", write_keys(parameters, ACL_MEMBERS)))
    if retention := write_keys(parameters, RETENTION_MEMBERS):
        checks.append(object_check(ask, "PutObjectRetention", retention))
    if hold := write_keys(parameters, LEGAL_HOLD_MEMBERS):
        checks.append(object_check(ask, "PutObjectLegalHold", hold))
    return checks


def asked_tags(parameters: Making) -> Mapping[str, str]:
    """Return the tags of `x-amz-tagging`; none where S3 does not take them, which the handler then says."""
    try:
        return tags_of_header(parameters.tagging)
    except ServiceError:
        return {}


def _checks(ask: Ask[PutObject]) -> Sequence[Check]:
    return making_checks(ask, asked_tags(ask.parameters))


@operations.stream("PutObject", PutObject, access(_checks))
async def put_object(allowed: Allowed, parameters: PutObject, streams: Streams) -> Result:
    """Keep an object. All that can be refused without its bytes is refused before they are read."""
    if parameters.write_offset_bytes is not None:
        raise not_implemented("x-amz-write-offset-bytes")
    check_write_headers(parameters.if_match, parameters.if_none_match)
    asked = wanted(parameters, allowed.request)
    md5 = content_md5(parameters.content_md5)
    with streams.store.view() as view:
        home = the_bucket(view, parameters.bucket)
        what = made(allowed, parameters, home)
        check_write(_present(view, parameters), parameters.key, parameters.if_match, parameters.if_none_match)
    async with arriving(streams, asked, md5) as arrived:

        def work(transaction: Transaction) -> ObjectVersion:
            check_write(
                _present(transaction, parameters), parameters.key, parameters.if_match, parameters.if_none_match
            )
            return keep(transaction, allowed, same_bucket(transaction, home), parameters.key, what, arrived)

        added = await streams.store.write(work)
    return answer(home, added)


def _present(view: Snapshot, parameters: PutObject) -> ObjectVersion | None:
    if parameters.if_match is None and parameters.if_none_match is None:
        return None
    return current(view, parameters.bucket, parameters.key)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A body that came whole and is what its digests say."""

    intake: Intake
    checksum: Checksum

    @property
    def etag(self) -> str:
        """The ETag of these bytes."""
        return self.intake.md5.hex()


@asynccontextmanager
async def arriving(streams: Streams, asked: Wanted, md5: bytes | None, *further: Algorithm) -> AsyncIterator[Arrived]:
    """Take in the request's body, hold it against its digests, make it durable, and let go of it if the block fails.

    A block that is cancelled may have been committed all the same, so then its bytes stay for the sweeper to judge.
    """
    _check_length(streams.payload.length)
    intake = Intake(streams.objects, asked.algorithm, *further)
    try:
        await intake.take(streams.payload.chunks())
        if md5 is not None and md5 != intake.md5:
            raise bad_md5(md5, intake.md5)
        checksum = verified(asked, intake.digests[asked.algorithm.name], streams.payload.trailers())
        await intake.commit()
    except BaseException:
        await intake.drop()
        raise
    try:
        yield Arrived(intake, checksum)
    except Exception:
        await intake.drop()
        raise


def _check_length(length: int | None) -> None:
    if length is not None and length > MOST:
        raise entity_too_large(length, MOST)


def keep(
    transaction: Transaction, allowed: Allowed, home: Bucket, key: str, what: Made, arrived: Arrived
) -> ObjectVersion:
    """Make an object of what arrived."""
    draft = ObjectVersion(
        key,
        allowed.now.replace(microsecond=0),
        size=arrived.intake.size,
        etag=arrived.etag,
        segments=arrived.intake.keep(transaction, allowed.now),
        headers=what.headers,
        metadata=what.metadata,
        tags=what.tags,
        checksum=arrived.checksum,
        storage_class=what.storage_class,
    )
    return add(transaction, home, draft, allowed.now)


def answer(home: Bucket, added: ObjectVersion) -> dict[str, object]:
    """Return the answer about an object that was just made."""
    return {
        "e_tag": f'"{added.etag}"',
        "version_id": added.version_id if home.versioning == ENABLED else None,
        **shown(added.checksum),
    }
