"""What a new object is made of besides its bytes, and the rights that takes: headers, metadata, tags, ACL.

What is not built is refused here, before anything is read: no parameter is taken and then ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import OWNER_ENFORCED, Bucket
from rolecall.message import ServiceError
from rolecall.services.s3.access import OfObject, object_check
from rolecall.services.s3.context import (
    ACL_MEMBERS,
    LEGAL_HOLD_MEMBERS,
    RETENTION_MEMBERS,
    Keys,
    request_tag_keys,
    write_keys,
)
from rolecall.services.s3.refusals import (
    acl_not_supported,
    invalid_argument,
    invalid_request,
    not_implemented,
)
from rolecall.services.s3.tags import tags_of_header

LONGEST_KEY = 1024
MOST_METADATA = 2048
DEFAULT_TYPE = "binary/octet-stream"

STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
    }
)
"""The classes whose objects can be read at any time; the others would need a restore first."""

KEPT = (
    "cache_control",
    "content_disposition",
    "content_encoding",
    "content_language",
    "content_type",
    "expires",
    "website_redirect_location",
)
"""The members that come back as they were sent."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")

_ENCRYPTION = {
    "server_side_encryption": "x-amz-server-side-encryption",
    "ssekms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
    "ssekms_encryption_context": "x-amz-server-side-encryption-context",
    "bucket_key_enabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "sse_customer_algorithm": "x-amz-server-side-encryption-customer-algorithm",
    "sse_customer_key": "x-amz-server-side-encryption-customer-key",
    "sse_customer_key_md5": "x-amz-server-side-encryption-customer-key-MD5",
}
_LOCKS = (
    "object_lock_mode",
    "object_lock_retain_until_date",
    "object_lock_legal_hold_status",
)


class Making(OfObject, frozen=True, kw_only=True):
    """The parameters that every operation shares that makes an object."""

    acl: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_type: str | None = None
    expires: str | None = None
    website_redirect_location: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str | None = None
    tagging: str | None = None
    server_side_encryption: str | None = None
    ssekms_key_id: str | None = None
    ssekms_encryption_context: str | None = None
    bucket_key_enabled: bool | None = None
    sse_customer_algorithm: str | None = None
    sse_customer_key: str | None = None
    sse_customer_key_md5: str | None = None
    object_lock_mode: str | None = None
    object_lock_retain_until_date: datetime | None = None
    object_lock_legal_hold_status: str | None = None


class Granting(Making, frozen=True, kw_only=True):
    """Of those that may carry grants too."""

    grant_full_control: str | None = None
    grant_read: str | None = None
    grant_read_acp: str | None = None
    grant_write_acp: str | None = None

    @property
    def grants(self) -> bool:
        """Whether a grant header was sent."""
        values = (self.grant_full_control, self.grant_read, self.grant_read_acp, self.grant_write_acp)
        return any(value is not None for value in values)


def making_checks(ask: Ask[Making], tags: Mapping[str, str], further: Keys | None = None) -> list[Check]:
    """Return the checks of making an object with these tags; `further` are condition keys of the operation's own."""
    parameters = ask.parameters
    keys: Keys = {"s3:objectcreationoperation": "true"}
    keys |= write_keys(parameters) | (request_tag_keys(tags) if tags else {}) | (further or {})
    checks = [object_check(ask, "PutObject", keys)]
    if parameters.tagging is not None:
        checks.append(object_check(ask, "PutObjectTagging", request_tag_keys(tags)))
    if parameters.acl is not None or (isinstance(parameters, Granting) and parameters.grants):
        checks.append(object_check(ask, "PutObjectAcl", write_keys(parameters, ACL_MEMBERS)))
    if retention := write_keys(parameters, RETENTION_MEMBERS):
        checks.append(object_check(ask, "PutObjectRetention", retention))
    if hold := write_keys(parameters, LEGAL_HOLD_MEMBERS):
        checks.append(object_check(ask, "PutObjectLegalHold", hold))
    return checks


def asked_tags(parameters: Making) -> Mapping[str, str]:
    """Return the tags of `x-amz-tagging`; none where S3 does not take them, which the handler then says."""
    try:
        return tags_of_header(parameters.tagging)
    except ServiceError:
        return {}


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What the parameters make of an object, checked."""

    headers: dict[str, str]
    metadata: dict[str, str]
    tags: dict[str, str]
    storage_class: str


def made(allowed: Allowed, parameters: Making, bucket: Bucket) -> Made:
    """Check the parameters of a new object in `bucket` and return what they make. Raises ServiceError."""
    check_key(parameters.key)
    refuse_unbuilt(parameters)
    grants = isinstance(parameters, Granting) and parameters.grants
    check_acl(bucket, parameters.acl, grants=grants, own=allowed.caller.account == bucket.account)
    return Made(
        headers=kept_headers(parameters),
        metadata=user_metadata(parameters.metadata),
        tags=tags_of_header(parameters.tagging),
        storage_class=_storage_class(parameters.storage_class),
    )


def check_key(key: str) -> None:
    """Raise ServiceError for a key that is no text or too long. Every other key is opaque."""
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.") from None
    if size > LONGEST_KEY:
        fields = {"Size": str(size), "MaxSizeAllowed": str(LONGEST_KEY)}
        raise ServiceError("KeyTooLongError", "Your key is too long", fields=fields)


def refuse_unbuilt(parameters: msgspec.Struct) -> None:
    """Raise ServiceError where a parameter asks for encryption under a key or for object lock."""
    for member, header in _ENCRYPTION.items():
        if getattr(parameters, member, None) is not None:
            raise not_implemented(header)
    if any(getattr(parameters, member, None) is not None for member in _LOCKS):
        raise invalid_request("Bucket is missing Object Lock Configuration")


def check_acl(bucket: Bucket, acl: str | None, *, grants: bool, own: bool) -> None:
    """Raise ServiceError for an ACL that the bucket does not take: all but the owner's full control.

    From a caller of the owner's account (`own`), `private` says just that; many clients always send it.
    """
    if acl is None and not grants:
        return
    if acl is not None and grants:
        raise invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
    if acl == "bucket-owner-full-control" or (acl == "private" and own):
        return
    if bucket.ownership == OWNER_ENFORCED:
        raise acl_not_supported()
    if acl != "private":
        raise not_implemented("x-amz-acl")


def kept_headers(parameters: Making) -> dict[str, str]:
    """Return the headers that come back with the object. Raises ServiceError for what no header can carry."""
    headers: dict[str, str] = {}
    for member in KEPT:
        value = getattr(parameters, member)
        if value is not None:
            headers[member] = header_text(value, member.replace("_", "-"))
    if (encoding := headers.get("content_encoding")) is not None:
        left = [coding for coding in encoding.split(",") if coding.strip().lower() != "aws-chunked"]
        headers["content_encoding"] = ",".join(left).strip()
        if not headers["content_encoding"]:
            del headers["content_encoding"]
    if not headers.get("content_type"):
        headers["content_type"] = DEFAULT_TYPE
    redirect = headers.get("website_redirect_location")
    if redirect is not None and not redirect.startswith(("/", "http://", "https://")):
        message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
        raise ServiceError("InvalidRedirectLocation", message)
    return headers


def user_metadata(sent: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an object, names in lower case. Raises ServiceError MetadataTooLarge, InvalidArgument.

    A form's fields and a query's parameters may have any name; those of no header could never be answered.
    """
    for name in sent:
        if not _HEADER_NAME.fullmatch(name):
            message = "A metadata name may hold only what the name of a header may."
            raise invalid_argument(message, f"x-amz-meta-{name}", sent[name])
    metadata = {name.lower(): header_text(value, f"x-amz-meta-{name}") for name, value in sent.items()}
    size = sum(len(name.encode("utf-8")) + len(value.encode("latin-1")) for name, value in metadata.items())
    if size > MOST_METADATA:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        fields = {"Size": str(size), "MaxSizeAllowed": str(MOST_METADATA)}
        raise ServiceError("MetadataTooLarge", message, fields=fields)
    return metadata


def header_text(value: str, name: str) -> str:
    """Return a value as a header can carry it: bytes as latin-1 text, no line ends.

    A form's fields and a query's values are decoded text and may hold anything.
    """
    if _CONTROL.search(value):
        raise invalid_argument("Header values may not contain control characters.", name, _CONTROL.sub("?", value))
    if value.isascii():
        return value
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _storage_class(name: str | None) -> str:
    if name is None:
        return "STANDARD"
    if name not in STORAGE_CLASSES:
        fields = {"StorageClassRequested": name}
        raise ServiceError("InvalidStorageClass", "The storage class you specified is not valid", fields=fields)
    return name
