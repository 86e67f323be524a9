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

import msgspec

from rolecall.access.authorize import Decided
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.context import DEFAULT_REGION, iso
from rolecall.access.explain import explained
from rolecall.access.frame import Frame, frame, is_reading, members_as_json
from rolecall.access.shown import brief, printable, shown
from rolecall.access.subjects import OBJECT, Subject, subjects
from rolecall.message import Request, ServiceError
from rolecall.policy.decide import Decision, Outcome
from rolecall.trail import Event

_LARGEST = 256 * 1024
"""Of a record, in bytes; beyond it parameters and results are left out, as CloudTrail does."""

_BULKY = ("requestParameters", "responseElements")


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
        about_objects = OBJECT in [subject["type"] for subject in about]
        common = _frame_of(self, about_objects)
        event_id = _event_id(self.request_id)
        return Event(
            time=completed,
            event_id=event_id,
            request_id=self.request_id,
            account=common.account,
            source=common.source,
            name=common.name,
            read_only=common.read_only,
            username=common.username,
            access_key_id=caller.access_key_id if caller is not None else "",
            resources=resources,
            record=_record(self, common, completed, event_id, about),
        )


def _frame_of(happened: Happened, about_objects: bool) -> Frame:
    request = happened.request
    return frame(
        happened.caller,
        happened.service,
        happened.operation,
        _region(happened),
        request.client,
        brief(request.by_name.get("user-agent", "")),
        _account(happened),
        _tls(request) if request.secure else None,
        about_objects,
    )


def _tls(request: Request) -> tuple[str, str]:
    return f"TLSv{request.tls_version}" if request.tls_version else "TLS", brief(request.header("host") or "")


def _record(happened: Happened, common: Frame, completed: datetime, event_id: str, about: Sequence[Subject]) -> str:
    """Return the record as JSON, in the order that CloudTrail has it. What does not apply is left out."""
    error = happened.error
    own: dict[str, object] = {}
    if error is not None:
        own["errorCode"] = error.code
        own["errorMessage"] = brief(error.message)
    own["requestParameters"] = _parameters(happened)
    own["responseElements"] = _elements(happened)
    own["additionalEventData"] = _additional(happened)
    own["requestID"] = happened.request_id
    own["eventID"] = event_id
    own["readOnly"] = common.read_only
    if about:
        own["resources"] = about
    encoded = members_as_json(own)
    if (size := len(encoded) + common.size) > _LARGEST:
        left_out = {"omitted": True, "originalSize": size, "reason": f"beyond {_LARGEST} bytes"}
        encoded = members_as_json({**own, **{name: left_out for name in _BULKY if own.get(name) is not None}})
    return f"{common.head}{iso(completed)}{common.middle}{encoded.decode()}{common.tail}"


def _parameters(happened: Happened) -> object:
    """Return the parameters as the record shows them: S3's name their bucket `bucketName`."""
    told = shown(happened.parameters) if happened.parameters else None
    if happened.service == "s3" and isinstance(told, dict) and "bucket" in told:
        return {"bucketName": told.pop("bucket"), **told}
    return told


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
