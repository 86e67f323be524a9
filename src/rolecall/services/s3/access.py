"""What S3's operations need to be allowed: the checks on buckets and objects that every declaration is made of.

The list by operation is AWS's "Required permissions for Amazon S3 API operations",
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rolecall.access.check import Access, Ask, Check, Denial, Guard
from rolecall.buckets.bucket import Bucket, bucket
from rolecall.buckets.versions import ObjectVersion, current, version
from rolecall.services.operation import Parameters
from rolecall.services.s3.context import Keys, bucket_keys, existing_tag_keys
from rolecall.services.s3.refusals import access_denied, no_such_bucket
from rolecall.store.interface import Snapshot


class OfBucket(Parameters, frozen=True, kw_only=True):
    """Of operations on a bucket."""

    bucket: str


class OfObject(OfBucket, frozen=True, kw_only=True):
    """Of operations on an object."""

    key: str


class OfVersion(OfObject, frozen=True, kw_only=True):
    """Of operations on an object or on one of its versions."""

    version_id: str | None = None


P = TypeVar("P", bound=Parameters)
B = TypeVar("B", bound=OfBucket)
K = TypeVar("K", bound=OfObject)
V = TypeVar("V", bound=OfVersion)


def access(checks: Callable[[Ask[P]], Sequence[Check]]) -> Access[P]:
    """Return the declaration of an S3 operation: strangers and the unsigned may ask, refusals in S3's words."""
    return Access(checks, denial=Denial.QUOTED, unsigned=True)


def on_bucket(*actions: str, keys: Callable[[Ask[B]], Keys] | None = None) -> Access[B]:
    """Return the declaration of an operation that needs `actions` (without `s3:`) on its bucket.

    `keys` gives condition keys of the operation's own.
    """

    def checks(ask: Ask[B]) -> Sequence[Check]:
        context = keys(ask) if keys else {}
        return [bucket_check(ask, action, context) for action in actions]

    return access(checks)


def on_object(*actions: str, keys: Callable[[Ask[K]], Keys] | None = None) -> Access[K]:
    """Return the declaration of an operation that needs `actions` (without `s3:`) on its object."""

    def checks(ask: Ask[K]) -> Sequence[Check]:
        context = keys(ask) if keys else {}
        return [object_check(ask, action, context) for action in actions]

    return access(checks)


def on_version(*actions: tuple[str, str], keys: Callable[[Ask[V]], Keys] | None = None) -> Access[V]:
    """Return the declaration of an operation that needs `actions` on its object as it exists, with its tags as keys.

    Each action comes in two forms: on the object, and instead of it on the version that the request names.
    """

    def checks(ask: Ask[V]) -> Sequence[Check]:
        context = existing_keys(ask.view, ask.parameters.bucket, ask.parameters.key, ask.parameters.version_id)
        if keys:
            context |= keys(ask)
        named = ask.parameters.version_id is not None
        return [object_check(ask, of_version if named else of_object, context) for of_object, of_version in actions]

    return access(checks)


def existing_keys(view: Snapshot, name: str, key: str, version_id: str | None) -> Keys:
    """Return the keys that come from the object, or version, that a request is about."""
    keys: Keys = {} if version_id is None else {"s3:versionid": version_id}
    found = existing_object(view, name, key, version_id)
    if found is not None and found.tags:
        keys |= existing_tag_keys(found.tags)
    return keys


def comparing_checks(ask: Ask[K], etag: str | None) -> list[Check]:
    """Return what a write needs beside its own action where it depends on an ETag, which the answer tells of.

    `If-Match: *` and `If-None-Match` only tell whether there is an object, which who writes may learn:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    if etag is None or etag == "*":
        return []
    return [object_check(ask, "GetObject", existing_keys(ask.view, ask.parameters.bucket, ask.parameters.key, None))]


def existing_object(view: Snapshot, name: str, key: str, version_id: str | None) -> ObjectVersion | None:
    """Return the object, or the version of it that is named, a delete marker too; None where there is none."""
    return current(view, name, key) if version_id is None else version(view, name, key, version_id)


def bucket_check(ask: Ask[B], action: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` (without `s3:`) on the bucket that the request is about."""
    return _check(ask, action, ask.parameters.bucket, "", keys or {})


def object_check(ask: Ask[K], action: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` (without `s3:`) on the object that the request is about."""
    return key_check(ask, action, ask.parameters.key, keys)


def key_check(ask: Ask[B], action: str, key: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` (without `s3:`) on an object of the bucket that the request is about."""
    return _check(ask, action, ask.parameters.bucket, f"/{key}", keys or {})


def source_check(ask: Ask[B], action: str, name: str, key: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` (without `s3:`) on the object that a copy reads."""
    return _check(ask, action, name, f"/{key}", keys or {}, owner_header="x-amz-source-expected-bucket-owner")


def further_check(bucket: Bucket, action: str, key: str | None = None, keys: Keys | None = None) -> Check:
    """Return a check that a handler asks for later, on an object of `bucket` or on the bucket itself."""
    return Check(
        f"s3:{action}",
        bucket.arn if key is None else f"{bucket.arn}/{key}",
        account=bucket.account,
        context=bucket_keys(bucket) | (keys or {}),
        guard=Guard.BUCKET,
        guarded_by=bucket.name,
    )


def _check(
    ask: Ask[B],
    action: str,
    name: str,
    rest: str,
    keys: Keys,
    *,
    owner_header: str = "x-amz-expected-bucket-owner",
) -> Check:
    """Make a check on the bucket called `name`, or on what `rest` names in it.

    Where no such bucket exists the caller's own policies decide whether they may know that. The anonymous caller has
    none, and that a name is free is no secret on AWS either.
    """
    found = bucket(ask.view, name)
    if found is None:
        if ask.caller.is_anonymous:
            raise no_such_bucket(name)
        return Check(f"s3:{action}", f"arn:aws:s3:::{name}{rest}", context=keys)
    expected = ask.request.header(owner_header)
    if expected is not None and expected != found.account:
        raise access_denied()
    return Check(
        f"s3:{action}",
        f"{found.arn}{rest}",
        account=found.account,
        context=bucket_keys(found) | keys,
        guard=Guard.BUCKET,
        guarded_by=name,
    )
