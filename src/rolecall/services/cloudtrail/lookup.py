"""LookupEvents: the newest events first, by time and at most one attribute.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html

Beyond AWS: an event is also found by its request's id, given as EventId; S3's requests are in the trail too; there is
no limit of two lookups a second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.access.disclosure import Disclosure
from rolecall.message import ServiceError
from rolecall.services.operation import Parameters, Result
from rolecall.store.interface import Snapshot
from rolecall.trail import ATTRIBUTES, Event, Question, Trail

MOST = 50


class LookupAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute and the value that events must have of it."""

    attribute_key: str
    attribute_value: str


class LookupEvents(Parameters, frozen=True, kw_only=True):
    """Of LookupEvents."""

    lookup_attributes: tuple[LookupAttribute, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    event_category: str | None = None
    max_results: int = MOST
    next_token: str | None = None


LOOKUP: Access[LookupEvents] = Access(lambda _: [Check("cloudtrail:LookupEvents")], denial=Denial.JSON)


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended, and which question it was a page of."""

    question: bytes
    time: datetime
    event_id: str


class Lookup:
    """The handler, over a trail."""

    def __init__(self, trail: Trail) -> None:
        """Answer from `trail`."""
        self._trail = trail

    def __call__(self, allowed: Allowed, parameters: LookupEvents, view: Snapshot) -> Result:
        """Return a page of the events of the caller's account."""
        disclosure = Disclosure(allowed, view)
        question = _question(parameters, allowed.caller.account)
        if parameters.event_category == "insight":
            return {"events": []}
        found = self._trail.find(question, parameters.max_results + 1)
        page = found[: parameters.max_results]
        answer: dict[str, object] = {"events": [_shown(event, disclosure.of(event.record)) for event in page]}
        if len(found) > len(page):
            answer["next_token"] = _token(parameters, page[-1])
        return answer


def _question(parameters: LookupEvents, account: str) -> Question:
    """Return what is asked for. Raises ServiceError where it cannot be asked."""
    if not 1 <= parameters.max_results <= MOST:
        raise ServiceError(
            "InvalidMaxResultsException",
            f"A max results value of {parameters.max_results} is invalid. Specify max results between 1 and {MOST}.",
        )
    if parameters.event_category not in {None, "insight"}:
        raise ServiceError("InvalidEventCategoryException", f"Event category {parameters.event_category} is not valid.")
    if parameters.start_time and parameters.end_time and parameters.start_time > parameters.end_time:
        raise ServiceError("InvalidTimeRangeException", "The start time must not be after the end time.")
    attribute, value = _attribute(parameters.lookup_attributes)
    before = None if parameters.next_token is None else _place(parameters, parameters.next_token)
    return Question(account, parameters.start_time, parameters.end_time, attribute, value, before)


def _attribute(attributes: Sequence[LookupAttribute]) -> tuple[str | None, str]:
    if not attributes:
        return None, ""
    if len(attributes) > 1:
        raise ServiceError("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
    key, value = attributes[0].attribute_key, attributes[0].attribute_value
    if key not in ATTRIBUTES or not value or len(value) > 2000:
        raise ServiceError("InvalidLookupAttributesException", f"The lookup attribute {key} or its value is not valid.")
    return key, value.lower() if key == "ReadOnly" else value


def _shown(event: Event, record: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "event_id": event.event_id,
        "event_name": event.name,
        "read_only": "true" if event.read_only else "false",
        "event_time": event.time,
        "event_source": event.source,
        "resources": [{"resource_type": one.type, "resource_name": one.name} for one in event.resources],
        "cloud_trail_event": record,
    }
    if event.username:
        shown["username"] = event.username
    if event.access_key_id:
        shown["access_key_id"] = event.access_key_id
    return shown


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Place).decode


def _token(parameters: LookupEvents, last: Event) -> str:
    return base64.urlsafe_b64encode(_encode(_Place(_digest(parameters), last.time, last.event_id))).decode()


def _place(parameters: LookupEvents, token: str) -> tuple[datetime, str]:
    """Return the place that a token stands for. Raises ServiceError for one of another question, or of nobody's."""
    try:
        place = _decode(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise ServiceError("InvalidNextTokenException", "The next token is not valid.") from None
    if place.question != _digest(parameters) or place.time.tzinfo is None:
        raise ServiceError("InvalidNextTokenException", "The next token was given for other parameters.")
    return place.time, place.event_id


def _digest(parameters: LookupEvents) -> bytes:
    """Return a mark of what must stay the same from page to page."""
    same = [parameters.lookup_attributes, parameters.start_time, parameters.end_time, parameters.event_category]
    return hashlib.blake2b(_encode(same), digest_size=8).digest()
