"""The bucket, object or version that a request names, or S3's refusal."""

from __future__ import annotations

from email.utils import format_datetime

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import Bucket, bucket
from rolecall.buckets.versions import NULL, ObjectVersion, current, sequence_of, version
from rolecall.message import Headers
from rolecall.services.s3.access import further_check
from rolecall.services.s3.refusals import (
    access_denied,
    invalid_argument,
    method_not_allowed,
    no_such_bucket,
    no_such_key,
    no_such_version,
)
from rolecall.store.interface import Snapshot


def the_bucket(view: Snapshot, name: str) -> Bucket:
    """Return the bucket of this name. Raises ServiceError NoSuchBucket (404)."""
    found = bucket(view, name)
    if found is None:
        raise no_such_bucket(name)
    return found


def same_bucket(view: Snapshot, home: Bucket) -> Bucket:
    """Return the bucket as it is now. Raises ServiceError where it went, or went and came again as another one."""
    now = the_bucket(view, home.name)
    if (now.account, now.created) != (home.account, home.created):
        raise no_such_bucket(home.name)
    return now


def the_object(allowed: Allowed, view: Snapshot, home: Bucket, key: str, version_id: str | None) -> ObjectVersion:
    """Return the object that a reader asks for, or the version.

    Raises ServiceError: that there is none is told only to who may list the bucket; others are refused.
    """
    if version_id is not None:
        return _the_version(allowed, view, home, key, version_id)
    found = current(view, home.name, key)
    if found is None or found.delete_marker:
        if not _may_list(allowed, view, home, key, "ListBucket"):
            raise access_denied()
        raise no_such_key(key, _marker_headers(found) if found is not None else ())
    return found


def _the_version(allowed: Allowed, view: Snapshot, home: Bucket, key: str, version_id: str) -> ObjectVersion:
    check_version_id(version_id)
    found = version(view, home.name, key, version_id)
    if found is None:
        if not any(_may_list(allowed, view, home, key, action) for action in ("ListBucketVersions", "ListBucket")):
            raise access_denied()
        raise no_such_version(key, version_id)
    if found.delete_marker:
        headers = (*_marker_headers(found), ("Last-Modified", format_datetime(found.modified, usegmt=True)))
        raise method_not_allowed(allowed.request.method, "DeleteMarker", (*headers, ("Allow", "DELETE")))
    return found


def _may_list(allowed: Allowed, view: Snapshot, home: Bucket, key: str, action: str) -> bool:
    """Tell whether the caller could have found out by a listing of just this key."""
    return allowed.permits(view, further_check(home, action, keys={"s3:prefix": key}))


def check_version_id(version_id: str) -> None:
    """Raise ServiceError for what cannot be the id of a version."""
    if version_id != NULL and sequence_of(version_id) is None:
        raise invalid_argument("Invalid version id specified", "versionId", version_id)


def shown_version(home: Bucket, found: ObjectVersion) -> str | None:
    """Return the version id that answers show: none where the bucket never kept versions."""
    return found.version_id if home.versioning else None


def _marker_headers(marker: ObjectVersion) -> Headers:
    return (("x-amz-delete-marker", "true"), ("x-amz-version-id", marker.version_id))
