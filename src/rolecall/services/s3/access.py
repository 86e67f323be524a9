"""What S3's operations need to be allowed: the checks on buckets and objects that every declaration is made of.

The list by operation is AWS's "Required permissions for Amazon S3 API operations",
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rolecall.access.check import Access, Ask, Check, Denial, Guard
from rolecall.buckets.bucket import Bucket, bucket
from rolecall.policy.request import PrincipalKind
from rolecall.services.operation import Parameters
from rolecall.services.s3.context import Keys, bucket_keys, request_keys
from rolecall.services.s3.errors import access_denied, no_such_bucket


class OfBucket(Parameters, frozen=True, kw_only=True):
    """Of operations on a bucket."""

    bucket: str


class OfObject(OfBucket, frozen=True, kw_only=True):
    """Of operations on an object."""

    key: str


class OfVersion(OfObject, frozen=True, kw_only=True):
    """Of operations on an object or on one of its versions."""

    version_id: str | None = None


B = TypeVar("B", bound=OfBucket)
O = TypeVar("O", bound=OfObject)  # noqa: E741 - the object's, beside the bucket's B


def access(checks: Callable[[Ask[B]], Sequence[Check]]) -> Access[B]:
    """Return the declaration of an S3 operation: strangers and the unsigned may ask, refusals in S3's words."""
    return Access(checks, denial=Denial.QUOTED, unsigned=True)


def on_bucket(*actions: str, keys: Callable[[Ask[B]], Keys] | None = None, root_may: bool = False) -> Access[B]:
    """Return the declaration of an operation that needs `actions` (without `s3:`) on its bucket.

    `keys` gives condition keys of the operation's own. With `root_may` the root user of the bucket's account is not
    held by the bucket's policy: no policy can lock the owner out of repairing it.
    """

    def checks(ask: Ask[B]) -> Sequence[Check]:
        context = keys(ask) if keys else {}
        found = _bucket_of(ask)
        unguarded = root_may and found is not None and _is_root_of(ask, found)
        return [bucket_check(ask, f"s3:{action}", context, guarded=not unguarded) for action in actions]

    return access(checks)


def bucket_check(ask: Ask[B], action: str, keys: Keys | None = None, *, guarded: bool = True) -> Check:
    """Return the check of `action` on the bucket that the request is about."""
    return _check(ask, action, ask.parameters.bucket, "", keys or {}, guarded=guarded)


def object_check(ask: Ask[O], action: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` on the object that the request is about."""
    return _check(ask, action, ask.parameters.bucket, f"/{ask.parameters.key}", keys or {})


def other_object_check(ask: Ask[B], action: str, name: str, key: str, keys: Keys | None = None) -> Check:
    """Return the check of `action` on an object that the request names besides its own (a copy's source)."""
    return _check(ask, action, name, f"/{key}", keys or {}, header="x-amz-source-expected-bucket-owner")


def further_check(bucket: Bucket, action: str, key: str | None, keys: Keys) -> Check:
    """Return a check that a handler asks for later; `keys` are all of its condition keys but the bucket's."""
    return Check(
        action=action,
        resource=bucket.arn if key is None else f"{bucket.arn}/{key}",
        account=bucket.account,
        context=keys | bucket_keys(bucket),
        guard=Guard.BUCKET,
        guarded_by=bucket.name,
    )


def _bucket_of(ask: Ask[B]) -> Bucket | None:
    return bucket(ask.view, ask.parameters.bucket)


def _is_root_of(ask: Ask[B], found: Bucket) -> bool:
    return ask.caller.principal.kind is PrincipalKind.ROOT and ask.caller.account == found.account


def _check(
    ask: Ask[B],
    action: str,
    name: str,
    rest: str,
    keys: Keys,
    *,
    guarded: bool = True,
    header: str = "x-amz-expected-bucket-owner",
) -> Check:
    """Make a check on the bucket called `name`, or on what `rest` names in it.

    Where no such bucket exists the caller's own policies decide whether they may know that. The anonymous caller has
    none, and that a name is free is no secret on AWS either.
    """
    context = request_keys(ask.request, ask.now) | keys
    found = bucket(ask.view, name)
    if found is None:
        if ask.caller.is_anonymous:
            raise no_such_bucket(name)
        return Check(action, f"arn:aws:s3:::{name}{rest}", context=context)
    expected = ask.request.header(header)
    if expected is not None and expected != found.account:
        raise access_denied()
    return Check(
        action,
        f"{found.arn}{rest}",
        account=found.account,
        context=context | bucket_keys(found),
        guard=Guard.BUCKET if guarded else None,
        guarded_by=name if guarded else "",
    )
