"""DeleteObject and DeleteObjects.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check, Denial
from rolecall.buckets.bucket import Bucket
from rolecall.buckets.versions import ObjectVersion, Removed, current, remove, remove_version, version
from rolecall.message import ServiceError
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import (
    OfBucket,
    OfVersion,
    access,
    comparing_checks,
    existing_keys,
    further_check,
    object_check,
)
from rolecall.services.s3.conditions import names_etag
from rolecall.services.s3.context import Keys
from rolecall.services.s3.finding import check_version_id, same_bucket, the_bucket
from rolecall.services.s3.making import check_key
from rolecall.services.s3.refusals import (
    access_denied,
    invalid_request,
    malformed_xml,
    no_such_key,
    precondition_failed,
)
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction
from rolecall.wire.checksums import ALGORITHMS

MOST_KEYS = 1000


class DeleteObject(OfVersion, frozen=True, kw_only=True):
    """Of DeleteObject."""

    if_match: str | None = None
    if_match_last_modified_time: datetime | None = None
    if_match_size: int | None = None


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """An object that DeleteObjects names, and what it must be like to go."""

    key: str
    version_id: str | None = None
    e_tag: str | None = None
    last_modified_time: datetime | None = None
    size: int | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether the rule compares with anything."""
        return self.e_tag is not None or self.last_modified_time is not None or self.size is not None


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """The document of DeleteObjects."""

    objects: tuple[Doomed, ...] = ()
    quiet: bool = False


class DeleteObjects(OfBucket, frozen=True, kw_only=True):
    """Of DeleteObjects."""

    delete: Delete


def _action(version_id: str | None) -> str:
    return "DeleteObject" if version_id is None else "DeleteObjectVersion"


def _keys(version_id: str | None, etag: str | None) -> Keys:
    """Return the keys of `s3:DeleteObject`, or of `s3:DeleteObjectVersion`, which no ETag is a key of."""
    if version_id is not None:
        return {"s3:versionid": version_id}
    return {"s3:if-match": etag} if etag is not None else {}


def _checks(ask: Ask[DeleteObject]) -> Sequence[Check]:
    parameters = ask.parameters
    keys = _keys(parameters.version_id, parameters.if_match)
    comparing = comparing_checks(ask, parameters.if_match) if parameters.version_id is None else []
    return [object_check(ask, _action(parameters.version_id), keys), *comparing]


@operations.write("DeleteObject", DeleteObject, access(_checks), brief=True)
def delete_object(allowed: Allowed, parameters: DeleteObject, transaction: Transaction) -> Result:
    """Remove an object, put a delete marker on it, or remove one version for good."""
    doomed = Doomed(
        key=parameters.key,
        version_id=parameters.version_id,
        e_tag=parameters.if_match,
        last_modified_time=parameters.if_match_last_modified_time,
        size=parameters.if_match_size,
    )
    done = _delete(transaction, the_bucket(transaction, parameters.bucket), doomed, allowed.now)
    return {"version_id": done.version_id, "delete_marker": True if done.delete_marker else None}


def _no_checks(ask: Ask[DeleteObjects]) -> Sequence[Check]:
    """The handler asks for each key. That the bucket is the expected one can be said before."""
    expected = ask.request.header("x-amz-expected-bucket-owner")
    if expected is not None and the_bucket(ask.view, ask.parameters.bucket).account != expected:
        raise access_denied()
    return []


@operations.stream(
    "DeleteObjects",
    DeleteObjects,
    Access(_no_checks, denial=Denial.QUOTED, unsigned=True, every_caller=True),
)
async def delete_objects(allowed: Allowed, parameters: DeleteObjects, streams: Streams) -> Result:
    """Remove many objects; each is allowed or refused, removed or kept, for itself.

    What policies say is asked before the transaction, which nobody else has to wait for meanwhile.
    """
    doomed = parameters.delete.objects
    if not 1 <= len(doomed) <= MOST_KEYS:
        raise malformed_xml()
    _require_digest(allowed)
    with streams.store.view() as view:
        home = the_bucket(view, parameters.bucket)
        may = [_permitted(allowed, view, home, one) for one in doomed]

    def work(transaction: Transaction) -> list[Removed | ServiceError]:
        here = same_bucket(transaction, home)
        return [
            _attempt(transaction, here, one, allowed.now) if permitted else access_denied()
            for one, permitted in zip(doomed, may, strict=True)
        ]

    done = list(zip(doomed, await streams.store.write(work), strict=True))
    deleted = [_line(one, removed) for one, removed in done if isinstance(removed, Removed)]
    errors = [_refusal(one, error) for one, error in done if isinstance(error, ServiceError)]
    return {"deleted": [] if parameters.delete.quiet else deleted, "errors": errors}


def _permitted(allowed: Allowed, view: Snapshot, home: Bucket, one: Doomed) -> bool:
    """Tell whether a key may be deleted; where that depends on its ETag, also whether it may be read."""
    keys = _keys(one.version_id, one.e_tag)
    if not allowed.permits(view, further_check(home, _action(one.version_id), one.key, keys)):
        return False
    if one.version_id is not None or one.e_tag in {None, "*"}:
        return True
    return allowed.permits(
        view, further_check(home, "GetObject", one.key, existing_keys(view, home.name, one.key, None))
    )


def _attempt(transaction: Transaction, home: Bucket, one: Doomed, now: datetime) -> Removed | ServiceError:
    try:
        return _delete(transaction, home, one, now)
    except ServiceError as error:
        return error


def _refusal(one: Doomed, error: ServiceError) -> dict[str, object]:
    return {"key": one.key, "version_id": one.version_id, "code": error.code, "message": error.message}


def _line(one: Doomed, done: Removed) -> dict[str, object]:
    line: dict[str, object] = {"key": one.key, "version_id": one.version_id}
    if done.delete_marker:
        line |= {"delete_marker": True, "delete_marker_version_id": done.version_id}
    return line


def _require_digest(allowed: Allowed) -> None:
    """Raise ServiceError unless the list came with a digest, which the payload was held against as it was read."""
    names = ("content-md5", *(algorithm.header for algorithm in ALGORITHMS.values()))
    if all(allowed.request.header(name) is None for name in names) and allowed.request.header("x-amz-trailer") is None:
        raise invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")


def _delete(transaction: Transaction, home: Bucket, one: Doomed, now: datetime) -> Removed:
    """Remove what is named, if it is what it must be like. That it is not there is no error, as on AWS."""
    check_key(one.key)
    if one.version_id is None:
        if one.is_conditional:
            _check_conditions(current(transaction, home.name, one.key), one)
        return remove(transaction, home, one.key, now)
    check_version_id(one.version_id)
    found = version(transaction, home.name, one.key, one.version_id)
    if one.is_conditional:
        _check_conditions(found, one)
    if found is None:
        return Removed(one.version_id)
    return remove_version(transaction, home.name, found, now)


def _check_conditions(found: ObjectVersion | None, one: Doomed) -> None:
    if found is None or found.delete_marker:
        raise no_such_key(one.key)
    if one.e_tag is not None and not names_etag(one.e_tag, found.etag):
        raise precondition_failed("If-Match")
    if one.last_modified_time is not None and one.last_modified_time.replace(microsecond=0) != found.modified:
        raise precondition_failed("x-amz-if-match-last-modified-time")
    if one.size is not None and one.size != found.size:
        raise precondition_failed("x-amz-if-match-size")
