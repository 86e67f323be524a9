"""A bucket's versioning: never enabled, enabled, suspended. The way back to never does not exist.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import ENABLED, SUSPENDED, change_bucket
from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.refusals import malformed_xml, not_built
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What PutBucketVersioning is sent."""

    status: str | None = None
    mfa_delete: str | None = None


class NewConfiguration(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketVersioning."""

    versioning_configuration: Configuration | None = None


@operations.write("PutBucketVersioning", NewConfiguration, on_bucket("PutBucketVersioning"))
def put_bucket_versioning(allowed: Allowed, parameters: NewConfiguration, transaction: Transaction) -> Result:
    """Enable or suspend versioning. MFA delete is not offered and is refused."""
    del allowed
    sent = parameters.versioning_configuration
    if sent is None or sent.status is None:
        message = "The Versioning element must be specified"
        raise ServiceError("IllegalVersioningConfigurationException", message)
    if sent.status not in {ENABLED, SUSPENDED} or sent.mfa_delete not in {None, "Enabled", "Disabled"}:
        raise malformed_xml()
    if sent.mfa_delete == "Enabled":
        raise not_built("MFA delete is not implemented.")
    found = the_bucket(transaction, parameters.bucket)
    if found.versioning != sent.status:
        change_bucket(transaction, msgspec.structs.replace(found, versioning=sent.status))
    return {}


@operations.read("GetBucketVersioning", OfBucket, on_bucket("GetBucketVersioning"))
def get_bucket_versioning(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return `Enabled` or `Suspended`, or nothing where versioning was never enabled."""
    del allowed
    return {"status": the_bucket(view, parameters.bucket).versioning or None}
