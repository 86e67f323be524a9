"""What the modules of a bucket's settings share: finding the bucket, and whom it belongs to."""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import Bucket, bucket
from rolecall.message import ServiceError
from rolecall.services.s3.errors import method_not_allowed, no_such_bucket
from rolecall.store.interface import Snapshot


def present(view: Snapshot, name: str) -> Bucket:
    """Return the bucket of this name. Raises ServiceError NoSuchBucket (404)."""
    found = bucket(view, name)
    if found is None:
        raise no_such_bucket(name)
    return found


def not_found(code: str, message: str, name: str) -> ServiceError:
    """Return the refusal for a setting that the bucket has not."""
    return ServiceError(code, message, 404, fields={"BucketName": name})


def refuse_strangers(allowed: Allowed, found: Bucket, resource_type: str) -> None:
    """Raise ServiceError MethodNotAllowed (405) where the caller is of another account than the bucket.

    Some settings are their owner's alone: to be allowed does not suffice.
    """
    if allowed.caller.account != found.account:
        raise method_not_allowed(allowed.request.method, resource_type)
