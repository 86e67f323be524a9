"""The bucket that a trail's events go to: it must be there, and its policy must let CloudTrail in.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

from __future__ import annotations

import re

from rolecall.buckets.bucket import Bucket, bucket
from rolecall.message import ServiceError
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Policies, decide
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.request import Context, PolicyRequest, Principal, PrincipalKind
from rolecall.store.interface import Snapshot
from rolecall.trail.configured import ConfiguredTrail

_SERVICE = "cloudtrail.amazonaws.com"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LONGEST_PREFIX = 200


def folder(trail: ConfiguredTrail) -> str:
    """Return the part of its objects' keys that a trail owns, with a slash at the end."""
    prefix = f"{trail.prefix}/" if trail.prefix else ""
    return f"{prefix}AWSLogs/{trail.account}/"


def check_destination(view: Snapshot, trail: ConfiguredTrail) -> None:
    """Raise ServiceError where a trail's bucket cannot take its events."""
    if not _BUCKET.fullmatch(trail.bucket):
        raise ServiceError("InvalidS3BucketNameException", f"Bucket name '{trail.bucket}' is not valid.")
    if len(trail.prefix) > _LONGEST_PREFIX:
        raise ServiceError("InvalidS3PrefixException", f"S3 prefix is longer than {_LONGEST_PREFIX} characters.")
    found = bucket(view, trail.bucket)
    if found is None:
        raise ServiceError("S3BucketDoesNotExistException", f"S3 bucket {trail.bucket} does not exist!")
    if not lets_in(found, trail):
        sentence = f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket}"
        raise ServiceError("InsufficientS3BucketPolicyException", sentence)


def lets_in(found: Bucket, trail: ConfiguredTrail) -> bool:
    """Tell whether a bucket's policy lets CloudTrail look at the bucket and write a trail's objects into it."""
    if found.policy is None:
        return False
    try:
        policy = Attached(compile_policy(parse(found.policy)), f"bucket {found.name}")
    except PolicyUnreadable:
        return False
    context: dict[str, str | tuple[str, ...]] = {
        "aws:sourcearn": trail.arn,
        "aws:sourceaccount": trail.account,
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": _SERVICE,
        "aws:viaawsservice": "false",
    }
    objects = f"{found.arn}/{folder(trail)}CloudTrail/{trail.region}/log.json.gz"
    writing = {**context, "s3:x-amz-acl": "bucket-owner-full-control"}
    return _allows(policy, found, "s3:GetBucketAcl", found.arn, context) and _allows(
        policy, found, "s3:PutObject", objects, writing
    )


def _allows(policy: Attached, found: Bucket, action: str, resource: str, context: Context) -> bool:
    caller = Principal(PrincipalKind.SERVICE, _SERVICE)
    request = PolicyRequest(caller, action, resource, found.account, context)
    return decide(request, Policies(resource=policy)).allowed
