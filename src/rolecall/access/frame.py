"""What the events of one caller's calls of one operation have in common, written down once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from rolecall.access.caller import Caller
from rolecall.access.identity import identity, username
from rolecall.access.shown import readable

EVENT_VERSION = "1.11"

_READING = (
    "Get",
    "List",
    "Head",
    "Describe",
    "Lookup",
    "Select",
    "Simulate",
    "AssumeRole",
    "Decode",
    "Generate",
    "Validate",
    "Check",
)

_EVENT_NAMES = {
    "ListObjectsV2": "ListObjects",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
}
"""Operations of S3 that CloudTrail has under another name than the API.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

_UNKNOWN: dict[str, object] = {"type": "Unknown"}


class Frame(msgspec.Struct, frozen=True):
    """Members of an event, and the parts of its record (JSON) around what each request is told by for itself."""

    account: str
    source: str
    name: str
    read_only: bool
    username: str
    head: str
    """The record up to the time of the event."""
    middle: str
    """From there up to what this request was."""
    tail: str
    """What follows on that."""
    size: int
    """Of all this, in bytes."""


@lru_cache(maxsize=1024)
def frame(
    caller: Caller | None,
    service: str,
    operation: str,
    region: str,
    client: str,
    agent: str,
    account: str,
    tls: tuple[str, str] | None,
    about_objects: bool,
) -> Frame:
    """Return the frame of an event. A caller is one object for as long as nothing of it has changed.

    `agent` and `tls` (the version, and the host that was asked for) are cut to a length already: they are remembered.
    """
    name = _EVENT_NAMES.get(operation, operation)
    source = f"{service or 'unknown'}.amazonaws.com"
    opening = members_as_json(
        {"eventVersion": EVENT_VERSION, "userIdentity": identity(caller) if caller is not None else _UNKNOWN}
    )
    between = members_as_json(
        {
            "eventSource": source,
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": client,
            "userAgent": agent,
        }
    )
    closing = members_as_json(_closing(account, tls, about_objects))
    return Frame(
        account,
        source,
        name,
        is_reading(operation),
        username(caller) if caller is not None else "",
        f'{{{opening.decode()},"eventTime":"',
        f'",{between.decode()},',
        f",{closing.decode()}}}",
        len(opening) + len(between) + len(closing),
    )


def _closing(account: str, tls: tuple[str, str] | None, about_objects: bool) -> dict[str, object]:
    """Return the members that follow on what a request was."""
    members: dict[str, object] = {
        "eventType": "AwsApiCall",
        "managementEvent": not about_objects,
        "recipientAccountId": account,
        "eventCategory": "Data" if about_objects else "Management",
    }
    if tls is not None:
        members["tlsDetails"] = {"tlsVersion": tls[0], "clientProvidedHostHeader": tls[1]}
    return members


@lru_cache(maxsize=1024)
def is_reading(operation: str) -> bool:
    """Tell whether CloudTrail would call an operation read-only."""
    return operation.startswith(_READING)


def members_as_json(members: Mapping[str, object]) -> bytes:
    """Encode members as JSON without the braces around them, whatever text is in them.

    An event that could not be written would hide its request.
    """
    try:
        return msgspec.json.encode(members)[1:-1]
    except UnicodeEncodeError:
        return msgspec.json.encode(readable(members))[1:-1]
