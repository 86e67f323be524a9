"""LookupEvents: the trail's events for those with the right, by time, attribute and page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.access.world import ACCOUNT, START, Credentials, World, allow

from rolecall.message import ServiceError
from rolecall.services.cloudtrail import operations
from rolecall.services.operation import Operations
from rolecall.trail import Trail


@pytest.fixture
def trail(world: World) -> Trail:
    return Trail(world.store, clock=world.clock)


@pytest.fixture
def table(trail: Trail) -> Operations:
    return operations(trail)


@pytest.fixture
def auditor(world: World) -> Credentials:
    return world.user("auditor", allow("cloudtrail:LookupEvents"))


def note(world: World, trail: Trail, who: Credentials, count: int, **facts: Any) -> None:
    for number in range(count):
        trail.record(world.happened(who, number, **facts))
        world.wait(seconds=1)
    trail.flush()


def lookup(world: World, table: Operations, who: Credentials, key: str = "", value: str = "", **more: Any) -> Any:
    if key:
        more["lookup_attributes"] = [{"attribute_key": key, "attribute_value": value}]
    return world.call(table, who, "LookupEvents", **more)


def refused(world: World, table: Operations, who: Credentials, **more: Any) -> str:
    with pytest.raises(ServiceError) as error:
        lookup(world, table, who, **more)
    return error.value.code


def test_only_those_with_the_right_see_events(world: World, table: Operations, auditor: Credentials) -> None:
    assert lookup(world, table, auditor) == {"events": []}
    with pytest.raises(ServiceError) as error:
        lookup(world, table, world.user("alice", allow("iam:*")))
    assert (error.value.code, error.value.status) == ("AccessDeniedException", 400)
    assert error.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: cloudtrail:LookupEvents on resource: *"
        " because no identity-based policy allows the cloudtrail:LookupEvents action"
    )


def test_an_event_is_shown_as_cloudtrail_shows_it(
    world: World, trail: Trail, table: Operations, auditor: Credentials
) -> None:
    alice = world.user("alice")
    note(world, trail, alice, 1, operation="CreateUser")
    (event,) = lookup(world, table, auditor, "EventName", "CreateUser")["events"]
    record = json.loads(event["cloud_trail_event"])
    assert event["event_id"] == record["eventID"]
    assert {name: event[name] for name in ("event_name", "read_only", "event_source", "username", "access_key_id")} == {
        "event_name": "CreateUser",
        "read_only": "false",
        "event_source": "iam.amazonaws.com",
        "username": "alice",
        "access_key_id": alice.access_key_id,
    }
    assert event["event_time"] == START


@pytest.mark.parametrize("given", ["event", "request"])
def test_an_event_is_found_by_its_id_and_by_its_requests_id(
    world: World, trail: Trail, table: Operations, auditor: Credentials, given: str
) -> None:
    note(world, trail, auditor, 3)
    every = lookup(world, table, auditor)["events"]
    record = json.loads(every[1]["cloud_trail_event"])
    value = record["eventID"] if given == "event" else record["requestID"]
    assert lookup(world, table, auditor, "EventId", value)["events"] == [every[1]]


def test_pages_follow_each_other_by_token(world: World, trail: Trail, table: Operations, auditor: Credentials) -> None:
    note(world, trail, auditor, 120)
    found, more = [], {}
    for size in (50, 50, 20):
        page = lookup(world, table, auditor, **more)
        assert len(page["events"]) == size
        found += page["events"]
        more = {"next_token": page.get("next_token")}
    assert more == {"next_token": None}
    times = [event["event_time"] for event in found]
    assert times == sorted(times, reverse=True)
    assert len({event["event_id"] for event in found}) == 120


def test_a_token_belongs_to_its_question(world: World, trail: Trail, table: Operations, auditor: Credentials) -> None:
    note(world, trail, auditor, 3)
    token = lookup(world, table, auditor, max_results=1)["next_token"]
    assert len(lookup(world, table, auditor, next_token=token)["events"]) == 2
    assert refused(world, table, auditor, key="EventName", value="x", next_token=token) == "InvalidNextTokenException"
    for broken in ("", "nonsense", token[:-6], "é"):
        assert refused(world, table, auditor, next_token=broken) == "InvalidNextTokenException"


def test_a_span_of_time_includes_its_ends(world: World, trail: Trail, table: Operations, auditor: Credentials) -> None:
    note(world, trail, auditor, 5)
    span = {"start_time": START + timedelta(seconds=1), "end_time": START + timedelta(seconds=3)}
    assert len(lookup(world, table, auditor, **span)["events"]) == 3
    backwards = {"start_time": span["end_time"], "end_time": span["start_time"]}
    assert refused(world, table, auditor, **backwards) == "InvalidTimeRangeException"


def test_what_cannot_be_asked_is_refused(world: World, table: Operations, auditor: Credentials) -> None:
    one = {"attribute_key": "EventName", "attribute_value": "x"}
    assert refused(world, table, auditor, lookup_attributes=[one, one]) == "InvalidLookupAttributesException"
    assert refused(world, table, auditor, key="Unheard", value="x") == "InvalidLookupAttributesException"
    assert refused(world, table, auditor, key="EventName", value="") == "InvalidLookupAttributesException"
    assert refused(world, table, auditor, max_results=51) == "InvalidMaxResultsException"
    assert refused(world, table, auditor, max_results=0) == "InvalidMaxResultsException"
    assert refused(world, table, auditor, event_category="other") == "InvalidEventCategoryException"
    assert lookup(world, table, auditor, event_category="insight") == {"events": []}


def test_every_operation_of_the_model_is_declared(table: Operations) -> None:
    assert table.missing() == []
