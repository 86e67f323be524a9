"""Bucket policies: put, get, delete, and whether one makes its bucket public.

Users and roles are kept by unique id, so that a statement stays with the entity it was written for, and are shown by
their present ARNs. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.public import is_public
from rolecall.buckets.bucket import Bucket, change_bucket
from rolecall.catalog import actions
from rolecall.directory.trust import resolve_principal, show_principal
from rolecall.message import ServiceError
from rolecall.policy.document import Document
from rolecall.policy.parse import parse
from rolecall.policy.validate import Malformed, PolicyKind, size_without_whitespace, validate, with_principals
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.refusals import method_not_allowed, no_such_setting
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction

LARGEST_POLICY = 20 * 1024


class NewPolicy(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketPolicy."""

    policy: str = ""


@operations.write("PutBucketPolicy", NewPolicy, on_bucket("PutBucketPolicy"))
def put_bucket_policy(allowed: Allowed, parameters: NewPolicy, transaction: Transaction) -> Result:
    """Set the bucket's policy, once it is well formed, about this bucket, and not public where that is blocked."""
    found = the_bucket(transaction, parameters.bucket)
    _refuse_strangers(allowed, found, "BUCKETPOLICY")
    document = _valid(parameters.policy, found)
    stored = _with_ids(transaction, found, parameters.policy)
    block = found.public_access_block
    if block is not None and block.block_public_policy and is_public(document):
        raise _public_policy(allowed, found)
    change_bucket(transaction, msgspec.structs.replace(found, policy=stored))
    return {}


@operations.read("GetBucketPolicy", OfBucket, on_bucket("GetBucketPolicy"))
def get_bucket_policy(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the bucket's policy, its users and roles by their present ARNs and those that are gone by their ids."""
    found = the_bucket(view, parameters.bucket)
    _refuse_strangers(allowed, found, "BUCKETPOLICY")
    return {"policy": with_principals(_policy_of(found), lambda _, value: show_principal(view, value))}


@operations.write("DeleteBucketPolicy", OfBucket, on_bucket("DeleteBucketPolicy"))
def delete_bucket_policy(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove the bucket's policy; that there is none is no error."""
    found = the_bucket(transaction, parameters.bucket)
    _refuse_strangers(allowed, found, "BUCKETPOLICY")
    if found.policy is not None:
        change_bucket(transaction, msgspec.structs.replace(found, policy=None))
    return {}


@operations.read("GetBucketPolicyStatus", OfBucket, on_bucket("GetBucketPolicyStatus"))
def get_bucket_policy_status(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return whether the bucket's policy makes it public by AWS's definition."""
    del allowed
    policy = _policy_of(the_bucket(view, parameters.bucket))
    return {"policy_status": {"is_public": is_public(parse(policy))}}


def _policy_of(found: Bucket) -> str:
    if found.policy is None:
        raise no_such_setting("NoSuchBucketPolicy", "The bucket policy does not exist", found.name)
    return found.policy


def _valid(text: str, found: Bucket) -> Document:
    """Return the policy, held against AWS's rules for bucket policies and what is known of S3's actions."""
    if size_without_whitespace(text) > LARGEST_POLICY:
        raise ServiceError("MalformedPolicy", "Policy exceeds the maximum allowed document size.")
    try:
        return validate(text, PolicyKind.BUCKET, bucket=found.name, facts=actions)
    except Malformed as error:
        raise ServiceError(error.code, error.message) from error


def _with_ids(view: Snapshot, found: Bucket, text: str) -> str:
    """Return the policy's text with unique ids in place of the ARNs of users and roles, who must exist."""

    def resolved(kind: str, value: str) -> str:
        known = resolve_principal(view, found.account, kind, value)
        if known is None:
            detail = f'"{kind}" : "{value}"'
            raise ServiceError("MalformedPolicy", "Invalid principal in policy", fields={"Detail": detail})
        return known

    return with_principals(text, resolved)


def _public_policy(allowed: Allowed, found: Bucket) -> ServiceError:
    message = (
        f"User: {allowed.caller.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource:"
        f' "{found.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public'
        " Access."
    )
    return ServiceError("AccessDenied", message, 403)


def _refuse_strangers(allowed: Allowed, found: Bucket, resource_type: str) -> None:
    """Raise ServiceError MethodNotAllowed (405) where the caller is of another account than the bucket.

    A bucket's policy is its owner's alone: to be allowed does not suffice.
    """
    if allowed.caller.account != found.account:
        raise method_not_allowed(allowed.request.method, resource_type)
