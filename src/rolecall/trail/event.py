"""An event, and the question that finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Protocol

import msgspec


class Resource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A resource that an event is about: its type in CloudTrail's words (`AWS::IAM::Role`), its ARN or its name."""

    type: str
    name: str


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event: what it can be found by, and the record in CloudTrail's shape. New fields go to the end."""

    time: datetime
    """When the request was completed."""
    event_id: str
    request_id: str
    account: str
    """The account whose trail it is in."""
    source: str
    """`iam.amazonaws.com`"""
    name: str
    read_only: bool
    username: str
    access_key_id: str
    resources: tuple[Resource, ...]
    record: str
    """The whole record as JSON."""


class Noted(Protocol):
    """What happened, of which an event can be made."""

    def event(self, completed: datetime) -> Event:
        """Return the event."""
        ...


ATTRIBUTES: Mapping[str, Callable[[Event], Sequence[str]]] = {
    "EventId": lambda event: (event.event_id, event.request_id),
    "EventName": lambda event: (event.name,),
    "EventSource": lambda event: (event.source,),
    "ReadOnly": lambda event: ("true" if event.read_only else "false",),
    "Username": lambda event: (event.username,),
    "AccessKeyId": lambda event: (event.access_key_id,),
    "ResourceType": lambda event: [resource.type for resource in event.resources],
    "ResourceName": lambda event: [resource.name for resource in event.resources],
}
"""What events can be asked for by: the attributes of LookupEvents. An event answers to its request's id too."""


_FACTS = attrgetter("event_id", "request_id", "name", "source", "username", "access_key_id", "read_only")
_RESOURCES, _TYPE, _NAME = attrgetter("resources"), attrgetter("type"), attrgetter("name")


def values_of(events: Sequence[Event]) -> dict[str, set[str]]:
    """Return the values of each attribute that some events have, all at once: no line of Python runs for each event."""
    ids, requests, names, sources, usernames, keys, reading = map(set, zip(*map(_FACTS, events), strict=True))
    resources = list(chain.from_iterable(map(_RESOURCES, events)))
    return {
        "EventId": ids | requests,
        "EventName": names,
        "EventSource": sources,
        "ReadOnly": {"true" if one else "false" for one in reading},
        "Username": usernames,
        "AccessKeyId": keys,
        "ResourceType": set(map(_TYPE, resources)),
        "ResourceName": set(map(_NAME, resources)),
    }


@dataclass(frozen=True, slots=True)
class Question:
    """Which events are asked for: of an account, in a span of time (ends included), by at most one attribute."""

    account: str
    since: datetime | None = None
    until: datetime | None = None
    attribute: str | None = None
    value: str = ""
    before: tuple[datetime, str] | None = None
    """Only events behind the one of this time and id, in the order of answers: where a page ended."""

    def fits(self, event: Event) -> bool:
        """Tell whether an event is one that is asked for."""
        return (
            event.account == self.account
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time <= self.until)
            and (self.before is None or (event.time, event.event_id) < self.before)
            and (self.attribute is None or self.value in ATTRIBUTES[self.attribute](event))
        )

    def begins_at(self) -> datetime | None:
        """Return the time that no event asked for is newer than; None: there is no such limit."""
        ends = [end for end in (self.until, self.before[0] if self.before else None) if end is not None]
        return min(ends) if ends else None
