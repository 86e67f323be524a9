"""What requests needed, read from their CloudTrail records: IAM actions on resources.

A record of this server holds the decisions themselves. One of AWS's own holds the operation's name, which is not always
the action's: those that differ are in a table.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rolecall.client.events import Record
from rolecall.client.facts import needs_no_permission
from rolecall.client.record import is_refused, objects, text

_LISTING = "arn:aws:s3:::*"
_ON_NOTHING = frozenset({"s3:ListAllMyBuckets"})
"""Actions of which it is known that they are on no resource in particular."""
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "s3:AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:PutObject", "s3:GetObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:DeleteBucketCors": ("s3:PutBucketCORS",),
    "s3:DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteBucketPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:DeleteBucketTagging": ("s3:PutBucketTagging",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:GetBucketCors": ("s3:GetBucketCORS",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycle": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    "s3:PutBucketCors": ("s3:PutBucketCORS",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:UploadPartCopy": ("s3:PutObject", "s3:GetObject"),
}
"""Operations whose actions have other names."""
_ON_BUCKETS = ("s3:ListBucket", "s3:GetBucket", "s3:PutBucket", "s3:CreateBucket", "s3:DeleteBucket")


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """An action that was asked for on a resource: an ARN, or `*` where the action is on none in particular."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was refused: what it needed, and how it was told."""

    need: Need
    code: str
    request_id: str


def is_by(record: Record, principal: str) -> bool:
    """Tell whether a request was made by a principal, or by a session of it."""
    identity = (
        text(record, "userIdentity", "arn"),
        text(record, "userIdentity", "sessionContext", "sessionIssuer", "arn"),
    )
    return principal in identity


def needs_of(record: Record) -> list[Need]:
    """Return what a request needed and was allowed; nothing for one that failed before it was decided."""
    decisions = objects(record, "additionalEventData", "decision")
    if decisions:
        return [_need(one) for one in decisions if text(one, "outcome") == "allow"]
    if is_refused(record) or not text(record, "eventName"):
        return []
    return list(_by_name(record))


def unlisted_of(record: Record) -> list[str]:
    """Return the actions of an allowed request whose resource is not known: of AWS, which tells no decisions.

    A policy can allow them on everything only, which is more than was used unless they are on nothing in particular.
    """
    if is_refused(record) or objects(record, "additionalEventData", "decision") or not text(record, "eventName"):
        return []
    return [need.action for need in _by_name(record) if need.resource == "*" and need.action not in _ON_NOTHING]


def refusals_of(record: Record) -> list[Refusal]:
    """Return what a request was refused for the want of rights."""
    if not is_refused(record):
        return []
    code, request_id = text(record, "errorCode"), text(record, "requestID")
    decisions = objects(record, "additionalEventData", "decision")
    needs = [_need(one) for one in decisions if text(one, "outcome") != "allow"] or (
        [] if decisions else _by_name(record)
    )
    return [Refusal(need, code, request_id) for need in needs]


def _need(decision: Record) -> Need:
    resource = text(decision, "resource")
    return Need(text(decision, "action"), "*" if resource == _LISTING else resource)


def _by_name(record: Record) -> Iterator[Need]:
    """Yield what an operation needs by its name and the resources that the record lists."""
    service = text(record, "eventSource").partition(".")[0]
    operation = f"{service}:{text(record, 'eventName')}"
    if needs_no_permission(operation):
        return
    found = [text(one, "ARN") for one in objects(record, "resources") if text(one, "ARN").startswith("arn:")]
    for action in _ACTIONS.get(operation, (operation,)):
        yield from (Need(action, resource) for resource in _fitting(action, found) or ["*"])


def _fitting(action: str, resources: Sequence[str]) -> list[str]:
    """Return the resources that an action can be on: S3's records list the bucket beside the object."""
    if not action.startswith("s3:"):
        return list(resources)
    if action == "s3:ListAllMyBuckets":
        return []
    on_bucket = action.startswith(_ON_BUCKETS)
    return [one for one in resources if ("/" not in one.partition(":::")[2]) is on_bucket] or list(resources)
