"""botocore writes and we read; we write and botocore reads: every operation of every pinned model."""

from __future__ import annotations

from random import Random

import pytest
from tests.wire.botocore_half import model, parsed, serialized
from tests.wire.generated import START, Draw, without_metadata

from rolecall.wire.model import OperationModel, service, services, snake
from rolecall.wire.route import needs_form, route, service_of
from rolecall.wire.routed import Routed
from rolecall.wire.scalars import http_date
from rolecall.wire.speech import speech_of

OPERATIONS = [
    (name, operation)
    for name in services()
    for operation in service(name).operations
    if operation != "PostObject"  # a browser's form is its client
]
# Botocore reads a bare root element, and a stream of events, outside its parser.
READ_BY_BOTOCORE = [one for one in OPERATIONS if one[1] not in {"GetBucketLocation", "SelectObjectContent"}]
ROUNDS = 3


def drawn(name: str, operation: str, turn: int) -> Draw:
    return Draw(Random(f"{name}:{operation}:{turn}"))


def adapt_to_wire(operation: OperationModel, given: dict[str, object], expected: dict[str, object]) -> None:
    """Bring drawn parameters into what botocore takes, and what we should read of them."""
    if operation.service != "s3":
        return
    if "Bucket" in given:
        given["Bucket"] = expected["bucket"] = "some.bucket-1"
    if "Key" in given and "key" in expected:
        given["Key"] = expected["key"] = "a//b/../c/./é漢 +?#%&=~'()*%2F/"
    for name in ("Expires", "ResponseExpires"):  # text to us, a date to botocore
        if name in given:
            given[name] = START
            expected[snake(name)] = http_date(START)
    if operation.streaming_input and operation.input is not None and operation.input.payload is not None:
        expected.pop(operation.input.payload.snake, None)
    if operation.name == "ListDirectoryBuckets":
        given["MaxDirectoryBuckets"] = expected["max_directory_buckets"] = 7
    for name in [name for name in given if name == "ContentMD5" and not operation.streaming_input]:
        del given[name], expected[snake(name)]  # no drawn digest fits the document
    if "RequestRoute" in given:
        given["RequestRoute"] = expected["request_route"] = "route-1"
    if operation.streaming_input and "content_length" in (operation.input.members if operation.input else ()):
        given["ContentLength"] = expected["content_length"] = 5


def adapt_from_wire(operation: OperationModel, expected: dict[str, object], result: dict[str, object]) -> None:
    """Bring a drawn result into what a service gives, and what botocore should read of it."""
    if operation.service != "s3":
        return
    if "Expires" in expected:
        expected["Expires"], result["expires"] = START, http_date(START)
    if operation.output is not None and "metadata" in operation.output.members:
        expected.setdefault("Metadata", {})
    payload = operation.output.payload if operation.output else None
    if payload is not None and payload.shape.type == "blob" and payload.name in expected:
        expected[payload.name], result[payload.snake] = "bytes", b"bytes"
    if payload is not None and payload.shape.type == "blob":
        expected.pop("ContentLength", None)  # of bytes, whoever sends them says it


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=lambda part: part)
def test_what_botocore_writes_is_what_we_read(name: str, operation: str) -> None:
    ours = service(name).operations[operation]
    theirs = model(name).operation_model(operation)
    for turn in range(ROUNDS):
        given, expected = (
            drawn(name, operation, turn).structure(ours.input, everything=turn == 0) if ours.input else ({}, {})
        )
        adapt_to_wire(ours, given, expected)
        request, raw = serialized(theirs, given)
        assert service_of(request, name, ["localhost"]) == name
        body = raw if needs_form(name, request) or not ours.streaming_input else None
        routed = route(request, name, body, ["localhost"])
        assert routed.operation.name == operation
        assert speech_of(name).parse(routed, request, body) == expected


@pytest.mark.parametrize(("name", "operation"), READ_BY_BOTOCORE, ids=lambda part: part)
def test_what_we_write_is_what_botocore_reads(name: str, operation: str) -> None:
    ours = service(name).operations[operation]
    theirs = model(name).operation_model(operation)
    if ours.output is None:
        assert theirs.output_shape is None or not theirs.output_shape.members
        return
    for turn in range(ROUNDS):
        expected, result = drawn(name, operation, turn).structure(ours.output, everything=turn == 0)
        adapt_from_wire(ours, expected, result)
        routed = Routed(name, ours)
        response = speech_of(name).answer(routed, result, request_id="id", host_id="host")
        found = without_metadata(parsed(theirs, response))
        assert found == expected
