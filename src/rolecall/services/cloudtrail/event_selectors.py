"""Event selectors: which events a trail wants.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.message import ServiceError
from rolecall.services.cloudtrail.naming import arn_for, found_trail, own_trail, signed_region
from rolecall.services.operation import Operations, Parameters, Result
from rolecall.store.interface import Snapshot, Transaction
from rolecall.trail.configured import AdvancedSelector, EventSelector, put_trail
from rolecall.trail.selectors import DEFAULT, FIELDS

_MOST_SELECTORS, _MOST_RESOURCES, _MOST_CONDITIONS = 5, 250, 500
_DATA_TYPES = frozenset({"AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"})
_EXCLUDABLE = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})


class OfSelectors(Parameters, frozen=True, kw_only=True):
    """Of GetEventSelectors."""

    trail_name: str


class NewSelectors(OfSelectors, frozen=True, kw_only=True):
    """Of PutEventSelectors."""

    event_selectors: tuple[EventSelector, ...] | None = None
    advanced_event_selectors: tuple[AdvancedSelector, ...] | None = None


def _on_trail(name: str) -> Access[OfSelectors]:
    return Access(
        lambda ask: [
            Check(
                f"cloudtrail:{name}",
                arn_for(ask.parameters.trail_name, signed_region(ask.request), ask.caller.account),
            )
        ],
        denial=Denial.JSON,
    )


def declare(table: Operations) -> None:
    """Declare the operations on selectors."""
    table.write("PutEventSelectors", NewSelectors, _on_trail("PutEventSelectors"))(put_event_selectors)
    table.read("GetEventSelectors", OfSelectors, _on_trail("GetEventSelectors"))(get_event_selectors)


def put_event_selectors(allowed: Allowed, parameters: NewSelectors, transaction: Transaction) -> Result:
    """Set a trail's selectors, basic or advanced ones, in place of those it had."""
    trail = own_trail(transaction, allowed, parameters.trail_name)
    basic, advanced = parameters.event_selectors, parameters.advanced_event_selectors
    if bool(basic) is bool(advanced):
        raise _invalid("Specify either EventSelectors or AdvancedEventSelectors.")
    if basic:
        _check_basic(basic)
    if advanced:
        _check_advanced(advanced)
    changed = msgspec.structs.replace(trail, selectors=basic or None, advanced=advanced or None)
    put_trail(transaction, changed)
    return _answer(changed.arn, basic, advanced)


def get_event_selectors(allowed: Allowed, parameters: OfSelectors, view: Snapshot) -> Result:
    """Show a trail's selectors; where none were set, the one that every trail begins with."""
    trail = found_trail(view, allowed, parameters.trail_name)
    if trail.advanced:
        return _answer(trail.arn, None, trail.advanced)
    return _answer(trail.arn, trail.selectors or DEFAULT, None)


def _answer(arn: str, basic: tuple[EventSelector, ...] | None, advanced: tuple[AdvancedSelector, ...] | None) -> Result:
    answer: dict[str, object] = {"trail_arn": arn}
    if basic:
        answer["event_selectors"] = [msgspec.to_builtins(one) for one in basic]
    if advanced:
        answer["advanced_event_selectors"] = [_told(one) for one in advanced]
    return answer


def _told(selector: AdvancedSelector) -> dict[str, object]:
    fields = [
        {
            name: list(value) if name != "field" else value
            for name, value in msgspec.structs.asdict(one).items()
            if value
        }
        for one in selector.field_selectors
    ]
    return {"name": selector.name, "field_selectors": fields}


def _check_basic(selectors: tuple[EventSelector, ...]) -> None:
    if len(selectors) > _MOST_SELECTORS:
        raise _invalid(f"A trail can have at most {_MOST_SELECTORS} event selectors.")
    resources = [one for selector in selectors for one in selector.data_resources]
    if sum(len(one.values) for one in resources) > _MOST_RESOURCES:
        raise _invalid(f"A trail can have at most {_MOST_RESOURCES} data resources.")
    for resource in resources:
        if resource.type not in _DATA_TYPES:
            raise _invalid(f"Unknown data resource type: {resource.type}")
        if not resource.values or not all(value.startswith("arn:aws") for value in resource.values):
            raise _invalid(f"Value of {resource.type} must be an ARN or the beginning of one.")
    excluded = {source for selector in selectors for source in selector.exclude_management_event_sources}
    if excluded - _EXCLUDABLE:
        raise _invalid(f"Event sources that can be excluded: {', '.join(sorted(_EXCLUDABLE))}.")
    if not any(selector.include_management_events or selector.data_resources for selector in selectors):
        raise _invalid("The event selectors would log nothing.")


def _check_advanced(selectors: tuple[AdvancedSelector, ...]) -> None:
    conditions = 0
    for selector in selectors:
        fields = [one.field for one in selector.field_selectors]
        if len(set(fields)) != len(fields):
            raise _invalid("A field can be used once in an advanced event selector.")
        for one in selector.field_selectors:
            values = msgspec.structs.astuple(one)[1:]
            conditions += sum(len(value) for value in values)
            if one.field not in FIELDS:
                raise _invalid(f"The field {one.field} is not valid.")
            if not any(values):
                raise _invalid(f"The field {one.field} has no operator.")
        category = next((one.equals for one in selector.field_selectors if one.field == "eventCategory"), ())
        if category not in {("Management",), ("Data",)}:
            raise _invalid("eventCategory must be given once, and equal Management or Data.")
        if category == ("Data",) and "resources.type" not in fields:
            raise _invalid("Selectors of data events must name resources.type.")
    if conditions > _MOST_CONDITIONS:
        raise _invalid(f"A trail can have at most {_MOST_CONDITIONS} conditions.")


def _invalid(sentence: str) -> ServiceError:
    return ServiceError("InvalidEventSelectorsException", sentence)
