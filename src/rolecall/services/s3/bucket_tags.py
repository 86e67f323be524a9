"""A bucket's tags, and whether they count as condition keys (ABAC).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import Bucket, change_bucket
from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.refusals import malformed_xml, no_such_setting
from rolecall.services.s3.table import operations
from rolecall.services.s3.tags import BUCKET_TAGS, TagSet, shown, tags_of
from rolecall.store.interface import Snapshot, Transaction


class NewTags(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketTagging."""

    tagging: TagSet | None = None


class AbacStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The document of PutBucketAbac."""

    status: str | None = None


class NewAbacStatus(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketAbac."""

    abac_status: AbacStatus | None = None


@operations.write("PutBucketTagging", NewTags, on_bucket("PutBucketTagging"))
def put_bucket_tagging(allowed: Allowed, parameters: NewTags, transaction: Transaction) -> Result:
    """Replace all of the bucket's tags."""
    del allowed
    if parameters.tagging is None:
        raise malformed_xml()
    tags = tags_of(parameters.tagging.tag_set, BUCKET_TAGS)
    _set_tags(transaction, the_bucket(transaction, parameters.bucket), tags)
    return {}


@operations.read("GetBucketTagging", OfBucket, on_bucket("GetBucketTagging"))
def get_bucket_tagging(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the bucket's tags."""
    del allowed
    tags = the_bucket(view, parameters.bucket).tags
    if not tags:
        raise no_such_setting("NoSuchTagSet", "The TagSet does not exist", parameters.bucket)
    return {"tag_set": shown(tags)}


@operations.write("DeleteBucketTagging", OfBucket, on_bucket("PutBucketTagging"))
def delete_bucket_tagging(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove all of the bucket's tags; that there are none is no error."""
    del allowed
    _set_tags(transaction, the_bucket(transaction, parameters.bucket), {})
    return {}


@operations.write("PutBucketAbac", NewAbacStatus, on_bucket("PutBucketAbac"))
def put_bucket_abac(allowed: Allowed, parameters: NewAbacStatus, transaction: Transaction) -> Result:
    """Let the bucket's tags count as condition keys, or let them not."""
    del allowed
    status = parameters.abac_status.status if parameters.abac_status is not None else None
    if status not in {"Enabled", "Disabled"}:
        raise malformed_xml()
    found = the_bucket(transaction, parameters.bucket)
    change_bucket(transaction, msgspec.structs.replace(found, abac=status == "Enabled"))
    return {}


@operations.read("GetBucketAbac", OfBucket, on_bucket("GetBucketAbac"))
def get_bucket_abac(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return whether the bucket's tags count as condition keys."""
    del allowed
    return {"abac_status": {"status": "Enabled" if the_bucket(view, parameters.bucket).abac else "Disabled"}}


def _set_tags(transaction: Transaction, found: Bucket, tags: dict[str, str]) -> None:
    """Keep the tags. While ABAC is on they decide over access, and these operations no longer change them."""
    if found.abac:
        message = "Tags of a bucket with ABAC enabled are changed with TagResource and UntagResource only."
        raise ServiceError("InvalidRequest", message)
    if found.tags != tags:
        change_bucket(transaction, msgspec.structs.replace(found, tags=tags))
