"""The trail's event of a request: who, what, on what, decided how, with which outcome, in CloudTrail's shape.

Shape: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

The request path makes a `Happened`, and the trail an event of it before the answer leaves: what the requests of one
caller have in common is encoded once. Secrets never enter: of parameters and results, members that hold one are hidden
by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from rolecall.access.authorize import Decided
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.context import DEFAULT_REGION, iso
from rolecall.access.explain import explained
from rolecall.access.identity import identity, username
from rolecall.access.shown import brief, printable, readable, shown
from rolecall.access.subjects import OBJECT, Subject, subjects
from rolecall.message import Request, ServiceError
from rolecall.policy.decide import Decision, Outcome
from rolecall.trail import Event

EVENT_VERSION = "1.11"

_LARGEST = 256 * 1024
"""Of a record, in bytes; beyond it parameters and results are left out, as CloudTrail does."""

_BULKY = ("requestParameters", "responseElements")

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


class Happened(msgspec.Struct, frozen=True):
    """What one request came to, as gateway knows it at the end. Stages that were not reached left nothing."""

    request: Request
    request_id: str
    status: int
    account: str
    """The account of the trail, where neither caller nor resource tells another."""
    service: str = ""
    operation: str = ""
    caller: Caller | None = None
    signature: SignatureFacts | None = None
    parameters: Mapping[str, object] | None = None
    decisions: tuple[Decided, ...] = ()
    result: Mapping[str, object] | None = None
    error: ServiceError | None = None

    def event(self, completed: datetime) -> Event:
        """Return the event, completed at this moment."""
        caller = self.caller
        about, resources = subjects(self.decisions, self.result, caller.account if caller is not None else "")
        record = _record(self, completed, about)
        return Event(
            time=completed,
            event_id=str(record["eventID"]),
            request_id=self.request_id,
            account=str(record["recipientAccountId"]),
            source=str(record["eventSource"]),
            name=_event_name(self.operation),
            read_only=is_reading(self.operation),
            username=username(caller) if caller is not None else "",
            access_key_id=caller.access_key_id if caller is not None else "",
            resources=resources,
            record=_encoded(record),
        )


def _encoded(record: dict[str, object]) -> str:
    """Return a record as JSON, without its bulk where that is too much."""
    encoded = _json(record)
    if len(encoded) > _LARGEST:
        left_out = {"omitted": True, "originalSize": len(encoded), "reason": f"beyond {_LARGEST} bytes"}
        encoded = _json({**record, **{name: left_out for name in _BULKY if record.get(name) is not None}})
    return encoded.decode()


def _json(record: dict[str, object]) -> bytes:
    """Encode a record, whatever text is in it: an event that could not be written would hide its request."""
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(readable(record))


@lru_cache(maxsize=1024)
def is_reading(operation: str) -> bool:
    """Tell whether CloudTrail would call an operation read-only."""
    return operation.startswith(_READING)


def _record(happened: Happened, completed: datetime, about: Sequence[Subject]) -> dict[str, object]:
    """Return the record in the order that CloudTrail has it. What does not apply is left out."""
    request, error, caller = happened.request, happened.error, happened.caller
    record: dict[str, object] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _identity(caller) if caller is not None else _UNKNOWN,
        "eventTime": iso(completed),
        "eventSource": f"{happened.service or 'unknown'}.amazonaws.com",
        "eventName": _event_name(happened.operation),
        "awsRegion": _region(happened),
        "sourceIPAddress": request.client,
        "userAgent": brief(request.header("user-agent") or ""),
    }
    if error is not None:
        record["errorCode"] = error.code
        record["errorMessage"] = brief(error.message)
    record["requestParameters"] = _parameters(happened)
    record["responseElements"] = _elements(happened)
    record["additionalEventData"] = _additional(happened)
    record["requestID"] = happened.request_id
    record["eventID"] = _event_id(happened.request_id)
    record["readOnly"] = is_reading(happened.operation)
    if about:
        record["resources"] = about
    data = False
    for subject in about:
        data = data or subject["type"] == OBJECT
    record["eventType"] = "AwsApiCall"
    record["managementEvent"] = not data
    record["recipientAccountId"] = _account(happened)
    record["eventCategory"] = "Data" if data else "Management"
    if request.secure:
        record["tlsDetails"] = {
            "tlsVersion": f"TLSv{request.tls_version}" if request.tls_version else "TLS",
            "clientProvidedHostHeader": brief(request.header("host") or ""),
        }
    return record


def _event_name(operation: str) -> str:
    return _EVENT_NAMES.get(operation, operation)


def _parameters(happened: Happened) -> object:
    """Return the parameters as the record shows them: S3's name their bucket `bucketName`."""
    told = shown(happened.parameters) if happened.parameters else None
    if happened.service == "s3" and isinstance(told, dict) and "bucket" in told:
        return {"bucketName": told.pop("bucket"), **told}
    return told


_UNKNOWN: dict[str, object] = {"type": "Unknown"}


@lru_cache(maxsize=4096)
def _identity(caller: Caller) -> msgspec.Raw:
    """Return the `userIdentity` as JSON. A caller is one object for as long as nothing of it has changed."""
    return msgspec.Raw(_json(identity(caller)))


def _region(happened: Happened) -> str:
    if happened.signature is None or happened.service == "iam":
        return DEFAULT_REGION
    return happened.signature.region or DEFAULT_REGION


def _account(happened: Happened) -> str:
    """Return whose trail the event is in: the caller's, for strangers the resource owner's."""
    if happened.caller is not None and happened.caller.account:
        return happened.caller.account
    return next((decided.check.account for decided in happened.decisions if decided.check.account), happened.account)


def _event_id(request_id: str) -> str:
    """Return the one event id that belongs to a request id."""
    digits = hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _elements(happened: Happened) -> object:
    if happened.result is None or happened.error is not None:
        return None
    if is_reading(happened.operation) and "credentials" not in happened.result:
        return None
    return shown(happened.result)


def _additional(happened: Happened) -> dict[str, object]:
    scheme = happened.signature.scheme if happened.signature is not None else None
    additional: dict[str, object] = {"httpStatus": happened.status}
    if scheme is not None:
        additional["signatureVersion"] = "SigV4"
        additional["authenticationMethod"] = scheme
    if happened.decisions:
        additional["decision"] = [_decided(decided) for decided in happened.decisions]
    if happened.error is not None and happened.error.reason:
        additional["reason"] = printable(happened.error.reason)
    return additional


def _decided(decided: Decided) -> dict[str, object]:
    check, decision = decided.check, decided.decision
    entry: dict[str, object] = {
        "action": check.action,
        "resource": printable(check.resource),
        "outcome": decision.outcome,
    }
    if decision.layer is not None:
        entry["layer"] = decision.layer
    if decision.by_root:
        entry["byRoot"] = True
    entry["statements"] = _statements(decision)
    if decided.broken:
        entry["broken"] = decided.broken
    if decision.outcome is not Outcome.ALLOW:
        entry.update(explained(decided))
    return entry


def _statements(decision: Decision) -> list[dict[str, object]]:
    return [
        {
            "layer": matched.layer,
            "source": matched.source,
            "policyArn": matched.arn,
            "statement": matched.statement,
            "sid": matched.sid,
            "effect": matched.effect,
        }
        for matched in decision.matched
    ]
