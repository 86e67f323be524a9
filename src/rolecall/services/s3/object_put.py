"""PutObject: bytes in, verified, and only then visible.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.versions import ObjectVersion, current
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import access, comparing_checks
from rolecall.services.s3.arrival import answer, arriving, keep
from rolecall.services.s3.checksums import wanted, with_checksums
from rolecall.services.s3.conditions import check_write, check_write_headers
from rolecall.services.s3.finding import same_bucket, the_bucket
from rolecall.services.s3.making import Granting, asked_tags, made, making_checks
from rolecall.services.s3.refusals import not_implemented
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction
from rolecall.wire.checksums import content_md5


@with_checksums
class PutObject(Granting, frozen=True, kw_only=True):
    """Of PutObject."""

    content_md5: str | None = None
    checksum_algorithm: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    write_offset_bytes: int | None = None


def _checks(ask: Ask[PutObject]) -> Sequence[Check]:
    parameters = ask.parameters
    return [*making_checks(ask, asked_tags(parameters)), *comparing_checks(ask, parameters.if_match)]


@operations.stream("PutObject", PutObject, access(_checks))
async def put_object(allowed: Allowed, parameters: PutObject, streams: Streams) -> Result:
    """Keep an object. All that can be refused without its bytes is refused before they are read."""
    if parameters.write_offset_bytes is not None:
        raise not_implemented("x-amz-write-offset-bytes")
    check_write_headers(parameters.if_match, parameters.if_none_match)
    asked = wanted(parameters, parameters.checksum_algorithm, allowed.request)
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

        added = await streams.store.write(work, brief=True)
    return answer(home, added)


def _present(view: Snapshot, parameters: PutObject) -> ObjectVersion | None:
    if parameters.if_match is None and parameters.if_none_match is None:
        return None
    return current(view, parameters.bucket, parameters.key)
