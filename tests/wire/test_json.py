"""The JSON protocol of CloudTrail."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.wire.requests import refusal_of, request, text

from rolecall.message import ServiceError
from rolecall.wire import json_rpc
from rolecall.wire.model import service
from rolecall.wire.routed import Addressee, Routed

LOOKUP = Routed("cloudtrail", service("cloudtrail").operations["LookupEvents"])


def read(body: bytes) -> dict[str, object]:
    return json_rpc.parse(LOOKUP, request("POST", "/"), body)


def refused(body: bytes) -> tuple[str, int, str]:
    with pytest.raises(ServiceError) as caught:
        read(body)
    return refusal_of(caught.value)


def test_members_are_read_into_their_types() -> None:
    body = (
        b'{"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}], "StartTime": 1.5,'
        b' "EndTime": "2026-01-02T03:04:05Z", "MaxResults": 7, "NextToken": null, "Unknown": [1, {"a": 2}]}'
    )
    assert read(body) == {
        "lookup_attributes": [{"attribute_key": "EventName", "attribute_value": "AssumeRole"}],
        "start_time": datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
        "end_time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "max_results": 7,
    }


@pytest.mark.parametrize("body", [b"", b"  ", b"{}"])
def test_no_parameters_may_be_said_by_nothing(body: bytes) -> None:
    assert read(body) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b"null",
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b'{"MaxResults": 1, "MaxResults": 2}',
        b'{"MaxResults": NaN}',
        b'{"MaxResults": 01}',
        b'{"MaxResults": "7"}',
        b'{"MaxResults": true}',
        b'{"MaxResults": 7.5}',
        b'{"MaxResults": 1e400}',
        b'{"MaxResults": ' + b"9" * 5_000 + b"}",
        b'{"LookupAttributes": {}}',
        b'{"LookupAttributes": ["x"]}',
        b'{"NextToken": 1}',
        b'{"NextToken": "\\ud800"}',
        b'{"NextToken": "\xff"}',
        b'{"StartTime": "soon"}',
        b'{"StartTime": 1e300}',
        b'{"StartTime": true}',
        b'{"Unknown": ' + b"[" * 500_000,
        b'{"Unknown": ' + b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_or_of_another_type_is_a_serialization_exception(body: bytes) -> None:
    code, status, _ = refused(body)
    assert (code, status) == ("SerializationException", 400)


def test_broken_constraints_are_said_together() -> None:
    body = b'{"LookupAttributes": [{"AttributeKey": "Nothing"}], "MaxResults": 51}'
    assert refused(body) == (
        "ValidationException",
        400,
        (
            "3 validation errors detected: Value 'Nothing' at 'lookupAttributes.1.member.attributeKey' failed to satisfy "
            "constraint: Member must satisfy enum value set: [EventId, EventName, ReadOnly, Username, ResourceType, "
            "ResourceName, EventSource, AccessKeyId]; Value at 'lookupAttributes.1.member.attributeValue' failed to satisfy "
            "constraint: Member must not be null; Value '51' at 'maxResults' failed to satisfy constraint: Member must have "
            "value less than or equal to 50"
        ),
    )


def test_an_answer_has_moments_as_numbers() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    result = {"events": [{"event_id": "1", "event_time": moment, "username": None}], "next_token": "é\ud800"}
    response = json_rpc.answer(LOOKUP, result, request_id="R", host_id="H")
    assert response.headers == (("x-amzn-requestid", "R"), ("content-type", "application/x-amz-json-1.1"))
    assert json.loads(text(response)) == {
        "Events": [{"EventId": "1", "EventTime": 1767323045}],
        "NextToken": "é\ud800",
    }


def test_thousandths_of_a_second_are_kept() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
    response = json_rpc.answer(LOOKUP, {"events": [{"event_time": moment}]}, request_id="R", host_id="H")
    assert text(response) == '{"Events":[{"EventTime":1767323045.678}]}'


def test_a_refusal_names_its_type() -> None:
    response = json_rpc.refuse(ServiceError("AccessDeniedException", "no"), Addressee("cloudtrail", "R", "H"))
    assert json.loads(text(response)) == {"__type": "AccessDeniedException", "message": "no"}
