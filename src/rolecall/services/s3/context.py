"""S3's condition keys, from the request and from what it is about.

Names and presence: semantics of the Service Authorization Reference and of "Bucket policy examples using condition
keys", https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from rolecall.buckets.bucket import Bucket
from rolecall.message import Request
from rolecall.policy.request import ContextValue

Keys = dict[str, ContextValue]

_WRITE_HEADERS = (
    "x-amz-acl",
    "x-amz-grant-read",
    "x-amz-grant-write",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
_ACL_HEADERS = (*_WRITE_HEADERS[:6], "x-amz-storage-class")


def request_keys(request: Request, now: datetime) -> Keys:
    """Return the keys of every S3 request: how it was signed and over what connection."""
    keys: Keys = {}
    if request.header("authorization") is not None:
        keys["s3:authtype"] = "REST-HEADER"
        keys["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    elif b"X-Amz-Signature=" in request.raw_query:
        keys["s3:authtype"] = "REST-QUERY-STRING"
        keys["s3:signatureversion"] = "AWS4-HMAC-SHA256"
        if (signed := _query_date(request.raw_query)) is not None:
            keys["s3:signatureage"] = str((now - signed) // timedelta(milliseconds=1))
    if (digest := request.header("x-amz-content-sha256")) is not None:
        keys["s3:x-amz-content-sha256"] = digest
    if request.tls_version is not None:
        keys["s3:tlsversion"] = request.tls_version
    return keys


def _query_date(raw_query: bytes) -> datetime | None:
    for pair in raw_query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"X-Amz-Date":
            try:
                return datetime.strptime(value.decode("ascii"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


def form_keys(signed: datetime | None, now: datetime) -> Keys:
    """Return the keys of a signed POST form, in place of those of a signed request."""
    keys: Keys = {"s3:authtype": "POST", "s3:signatureversion": "AWS4-HMAC-SHA256"}
    if signed is not None:
        keys["s3:signatureage"] = str((now - signed) // timedelta(milliseconds=1))
    return keys


def bucket_keys(bucket: Bucket) -> Keys:
    """Return the keys that the bucket gives to every request about it; its tags only while ABAC is on."""
    keys: Keys = {"s3:resourceaccount": bucket.account}
    if bucket.abac:
        for key, value in bucket.tags.items():
            keys[f"s3:buckettag/{key.lower()}"] = value
            keys[f"aws:resourcetag/{key.lower()}"] = value
    return keys


def write_keys(request: Request) -> Keys:
    """Return the keys that headers of an object's (or bucket's) making give."""
    return header_keys(request, _WRITE_HEADERS)


def acl_keys(request: Request) -> Keys:
    """Return the keys that headers of a change of ACL give."""
    return header_keys(request, _ACL_HEADERS)


def header_keys(request: Request, names: Iterable[str]) -> Keys:
    """Return `s3:<header>` for each of these headers that was sent."""
    by_name = request.by_name
    return {f"s3:{name}": by_name[name] for name in names if name in by_name}


def existing_tag_keys(tags: Mapping[str, str]) -> Keys:
    """Return the keys that the tags of the object in question give."""
    return {f"s3:existingobjecttag/{key.lower()}": value for key, value in tags.items()}


def request_tag_keys(tags: Mapping[str, str]) -> Keys:
    """Return the keys that the tags being set on an object give."""
    keys: Keys = {f"s3:requestobjecttag/{key.lower()}": value for key, value in tags.items()}
    keys["s3:requestobjecttagkeys"] = tuple(tags)
    return keys
