"""Which events a configured trail wants.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from rolecall.trail.configured import AdvancedSelector, ConfiguredTrail, EventSelector, FieldSelector

DEFAULT = (EventSelector(),)
_GLOBAL = frozenset({"iam.amazonaws.com", "sts.amazonaws.com"})
_GLOBAL_REGION = "us-east-1"


class _Identity(msgspec.Struct, frozen=True):
    arn: str = ""


class _About(msgspec.Struct, frozen=True):
    type: str = ""
    arn: str = msgspec.field(default="", name="ARN")


class Facts(msgspec.Struct, frozen=True, rename="camel"):
    """What selectors look at in a record."""

    aws_region: str
    event_source: str
    event_name: str
    read_only: bool
    event_category: str
    user_identity: _Identity = _Identity()
    resources: tuple[_About, ...] = ()


facts_of = msgspec.json.Decoder(Facts).decode


def wants(trail: ConfiguredTrail, event: Facts) -> bool:
    """Tell whether an event goes to the bucket of a trail."""
    if not trail.multi_region:
        everywhere = event.event_source in _GLOBAL and trail.global_events
        if event.aws_region != trail.region and not everywhere:
            return False
        if event.event_source in _GLOBAL and not trail.global_events and event.aws_region == _GLOBAL_REGION:
            return False
    if trail.advanced:
        return any(_advanced(selector, event) for selector in trail.advanced)
    return any(_basic(selector, event) for selector in (trail.selectors or DEFAULT))


def _basic(selector: EventSelector, event: Facts) -> bool:
    if selector.read_write_type != "All" and event.read_only is not (selector.read_write_type == "ReadOnly"):
        return False
    if event.event_category == "Management":
        excluded = event.event_source in selector.exclude_management_event_sources
        return selector.include_management_events and not excluded
    return any(
        about.type == wanted.type and about.arn.startswith(tuple(wanted.values))
        for wanted in selector.data_resources
        for about in event.resources
    )


def _advanced(selector: AdvancedSelector, event: Facts) -> bool:
    return all(_field(field, event) for field in selector.field_selectors)


def _field(selector: FieldSelector, event: Facts) -> bool:
    read = FIELDS.get(selector.field)
    values = read(event) if read is not None else ()
    return (
        (not selector.equals or any(value in selector.equals for value in values))
        and (not selector.starts_with or any(value.startswith(selector.starts_with) for value in values))
        and (not selector.ends_with or any(value.endswith(selector.ends_with) for value in values))
        and not any(value in selector.not_equals for value in values)
        and not any(value.startswith(selector.not_starts_with) for value in values)
        and not any(value.endswith(selector.not_ends_with) for value in values)
    )


FIELDS: dict[str, Callable[[Facts], Sequence[str]]] = {
    "eventCategory": lambda event: (event.event_category,),
    "readOnly": lambda event: ("true" if event.read_only else "false",),
    "eventSource": lambda event: (event.event_source,),
    "eventName": lambda event: (event.event_name,),
    "eventType": lambda _: ("AwsApiCall",),
    "resources.type": lambda event: [about.type for about in event.resources],
    "resources.ARN": lambda event: [about.arn for about in event.resources],
    "userIdentity.arn": lambda event: (event.user_identity.arn,),
}
"""The fields that an advanced selector may look at."""
