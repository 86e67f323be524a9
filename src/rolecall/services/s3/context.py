"""S3's condition keys that depend on the operation: from its parameters, its bucket and its object.

What depends on the request alone (how it was signed, over what connection) the authorizer adds. Keys come from the
parameters that are acted on and from nowhere else, so that policy and handler never see two things. Names and presence:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rolecall.access.context import iso
from rolecall.buckets.bucket import Bucket
from rolecall.policy.request import ContextValue
from rolecall.services.operation import Parameters

Keys = dict[str, ContextValue]

_OF_WRITES = {
    "acl": "s3:x-amz-acl",
    "grant_read": "s3:x-amz-grant-read",
    "grant_write": "s3:x-amz-grant-write",
    "grant_read_acp": "s3:x-amz-grant-read-acp",
    "grant_write_acp": "s3:x-amz-grant-write-acp",
    "grant_full_control": "s3:x-amz-grant-full-control",
    "metadata_directive": "s3:x-amz-metadata-directive",
    "server_side_encryption": "s3:x-amz-server-side-encryption",
    "ssekms_key_id": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "sse_customer_algorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "storage_class": "s3:x-amz-storage-class",
    "website_redirect_location": "s3:x-amz-website-redirect-location",
    "object_lock_mode": "s3:object-lock-mode",
    "object_lock_retain_until_date": "s3:object-lock-retain-until-date",
    "object_lock_legal_hold_status": "s3:object-lock-legal-hold",
    "object_ownership": "s3:x-amz-object-ownership",
    "bucket_namespace": "s3:x-amz-bucket-namespace",
    "if_match": "s3:if-match",
    "if_none_match": "s3:if-none-match",
}


def bucket_keys(bucket: Bucket) -> Keys:
    """Return the keys that the bucket gives to every request about it; its tags only while ABAC is on."""
    keys: Keys = {"s3:resourceaccount": bucket.account}
    if bucket.abac:
        for key, value in bucket.tags.items():
            keys[f"s3:buckettag/{key.lower()}"] = value
            keys[f"aws:resourcetag/{key.lower()}"] = value
    return keys


ACL_MEMBERS = ("acl", "grant_read", "grant_write", "grant_read_acp", "grant_write_acp", "grant_full_control")
RETENTION_MEMBERS = ("object_lock_mode", "object_lock_retain_until_date")
LEGAL_HOLD_MEMBERS = ("object_lock_legal_hold_status",)


def write_keys(parameters: Parameters, members: Iterable[str] = _OF_WRITES) -> Keys:
    """Return the keys that the parameters of a writing operation give, those of `members` that it has and was sent."""
    keys: Keys = {}
    for member in members:
        value = getattr(parameters, member, None)
        if value is not None:
            spelled = iso(value) if isinstance(value, datetime) else str(value)
            keys[_OF_WRITES[member]] = spelled
    return keys


def existing_tag_keys(tags: Mapping[str, str]) -> Keys:
    """Return the keys that the tags of the object in question give."""
    return {f"s3:existingobjecttag/{key.lower()}": value for key, value in tags.items()}


def request_tag_keys(tags: Mapping[str, str]) -> Keys:
    """Return the keys that the tags being set on an object give."""
    keys: Keys = {f"s3:requestobjecttag/{key.lower()}": value for key, value in tags.items()}
    keys["s3:requestobjecttagkeys"] = tuple(tags)
    return keys
