"""The bucket's settings of S3 Block Public Access. What they block is decided where policies and ACLs are taken.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import PublicAccessBlock, change_bucket
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.refusals import invalid_request, malformed_xml, no_such_setting
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The four settings as they are sent: what is left out is off, but one must be there."""

    block_public_acls: bool | None = None
    ignore_public_acls: bool | None = None
    block_public_policy: bool | None = None
    restrict_public_buckets: bool | None = None


class NewConfiguration(OfBucket, frozen=True, kw_only=True):
    """Of PutPublicAccessBlock."""

    public_access_block_configuration: Configuration | None = None


@operations.write("PutPublicAccessBlock", NewConfiguration, on_bucket("PutBucketPublicAccessBlock"))
def put_public_access_block(allowed: Allowed, parameters: NewConfiguration, transaction: Transaction) -> Result:
    """Set all four settings."""
    del allowed
    sent = parameters.public_access_block_configuration
    if sent is None:
        raise malformed_xml()
    if sent == Configuration():
        raise invalid_request("Must specify at least one configuration.")
    block = PublicAccessBlock(
        block_public_acls=bool(sent.block_public_acls),
        ignore_public_acls=bool(sent.ignore_public_acls),
        block_public_policy=bool(sent.block_public_policy),
        restrict_public_buckets=bool(sent.restrict_public_buckets),
    )
    found = the_bucket(transaction, parameters.bucket)
    change_bucket(transaction, msgspec.structs.replace(found, public_access_block=block))
    return {}


@operations.read("GetPublicAccessBlock", OfBucket, on_bucket("GetBucketPublicAccessBlock"))
def get_public_access_block(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the four settings."""
    del allowed
    block = the_bucket(view, parameters.bucket).public_access_block
    if block is None:
        message = "The public access block configuration was not found"
        raise no_such_setting("NoSuchPublicAccessBlockConfiguration", message, parameters.bucket)
    return {"public_access_block_configuration": msgspec.to_builtins(block)}


@operations.write("DeletePublicAccessBlock", OfBucket, on_bucket("PutBucketPublicAccessBlock"))
def delete_public_access_block(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove the settings: nothing is blocked any more."""
    del allowed
    found = the_bucket(transaction, parameters.bucket)
    change_bucket(transaction, msgspec.structs.replace(found, public_access_block=None))
    return {}
