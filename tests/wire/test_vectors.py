"""botocore's own protocol vectors, from its source distribution: requests to read, results to write."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import msgspec
import pytest
from botocore.model import OperationModel as TheirOperation
from botocore.model import ServiceModel as TheirService
from tests.upstream import botocore_source
from tests.wire.botocore_half import Unread, parsed
from tests.wire.generated import without_metadata

from rolecall.message import Request
from rolecall.wire import json_rpc, query, rest_xml
from rolecall.wire.model import ServiceModel, Shape
from rolecall.wire.pinned import ModelRecord
from rolecall.wire.routed import Routed
from rolecall.wire.scalars import moment_of
from rolecall.wire.urlencoded import decode

COMPRESSED = "the body is compressed by the client, which no operation here asks for; the vector has no bytes to read"
TOKEN = "the client draws a token by itself; we read the token"
NO_QUERY_LISTS = (
    "a repeated query parameter is refused, on purpose; no operation of S3 has a list or a map in its query"
)
BOTOCORE = "botocore does not read this vector of its own either: it is in its protocol-tests-ignore-list.json"

READ_EXCEPTIONS = {
    "SDKAppliedContentEncoding_awsQuery": COMPRESSED,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery": COMPRESSED,
    "SDKAppliedContentEncoding_restXml": COMPRESSED,
    "SDKAppendedGzipAfterProvidedEncoding_restXml": COMPRESSED,
    "SDKAppliedContentEncoding_awsJson1_1": COMPRESSED,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1": COMPRESSED,
    "QueryProtocolIdempotencyTokenAutoFill": TOKEN,
    "QueryIdempotencyTokenAutoFill": TOKEN,
    "QueryEmptyQueryMaps": "an empty map is sent as nothing, so nothing is read",
    "HttpPrefixHeadersAreNotPresent": "an empty map is sent as nothing, so nothing is read",
    "AllQueryStringTypes": NO_QUERY_LISTS,
    "RestXmlQueryStringMap": NO_QUERY_LISTS,
    "RestXmlQueryParamsStringListMap": NO_QUERY_LISTS,
    "RestXmlQueryPrecedence": NO_QUERY_LISTS,
}
WRITE_EXCEPTIONS = {
    "QueryXmlLists": BOTOCORE,
    "XmlLists": BOTOCORE,
    "BodyWithXmlName": BOTOCORE,
    "HttpPayloadTraitsWithNoBlobBody": BOTOCORE,
    "RestXmlHttpPayloadWithUnsetUnion": BOTOCORE,
    "InputAndOutputWithTimestampHeaders": BOTOCORE,
    "XmlAttributes": "an attribute of the root element; S3's one attribute, xsi:type, is of an element inside",
    "PutAndGetInlineDocumentsInput": "a value without a model; no operation here has one",
}


def vectors(direction: str, protocol: str) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Yield each suite with each of its cases."""
    path = botocore_source() / "tests" / "unit" / "protocols" / direction / f"{protocol}.json"
    for suite in json.loads(path.read_text()):
        for case in suite["cases"]:
            yield suite, case


def models(suite: dict[str, object], case: dict[str, object]) -> tuple[ServiceModel, TheirOperation]:
    """Return our model and botocore's model of a case's operation."""
    given = case["given"]
    for shape in suite["shapes"].values():
        members = shape.get("members", {})
        for name in [name for name, member in members.items() if is_query_map(member, suite["shapes"])]:
            del members[name]
    document = {
        "metadata": {"endpointPrefix": "example", "serviceId": "Example", **suite["metadata"]},
        "operations": {given["name"]: given},
        "shapes": suite["shapes"],
    }
    ours = ServiceModel("example", msgspec.convert(namespaced(document), ModelRecord))
    return ours, TheirService(document, "example").operation_model(given["name"])


def is_query_map(member: dict[str, object], shapes: dict[str, dict[str, object]]) -> bool:
    """Tell whether a member collects the query's parameters, as none of S3's does."""
    return member.get("location") == "querystring" and shapes[member["shape"]]["type"] == "map"


def comparable(value: object) -> object:
    """Return a value in which NaN equals itself."""
    if isinstance(value, dict):
        return {name: comparable(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [comparable(entry) for entry in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def namespaced(value: object) -> object:
    """Return a document in which every namespace is an object; the vectors have some as text, the models none."""
    if isinstance(value, dict):
        return {
            key: {"uri": entry} if key == "xmlNamespace" and isinstance(entry, str) else namespaced(entry)
            for key, entry in value.items()
        }
    return [namespaced(entry) for entry in value] if isinstance(value, list) else value


def ours_of(shape: Shape, value: object) -> object:
    """Return a vector's value as the wire holds it."""
    if shape.type == "structure":
        return {
            member.snake: ours_of(member.shape, value[member.name])
            for member in shape.members.values()
            if value.get(member.name) is not None
        }
    if shape.type == "list":
        return [ours_of(shape.element.shape, entry) for entry in value]
    if shape.type == "map":
        return {key: ours_of(shape.value.shape, entry) for key, entry in value.items()}
    if shape.type == "timestamp":
        return moment_of(value)
    if shape.type == "blob":
        return value.encode()
    if shape.type in {"float", "double"}:
        return float(value)
    return value


def theirs_of(value: object, shape: Shape) -> object:
    """Return what botocore parses, with its moments and bytes as vectors spell them."""
    if isinstance(value, dict) and shape.type == "structure":
        named = {member.name: member.shape for member in shape.members.values()}
        return {name: theirs_of(entry, named[name]) for name, entry in value.items() if name in named}
    if isinstance(value, dict):
        return {key: theirs_of(entry, shape.value.shape) for key, entry in value.items()}
    if isinstance(value, list):
        return [theirs_of(entry, shape.element.shape) for entry in value]
    if isinstance(value, bytes):
        return value.decode()
    if shape.type == "timestamp":
        seconds = value.timestamp()
        return int(seconds) if seconds == int(seconds) else seconds
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("inf", "Infinity").replace("nan", "NaN")
    return value


def read(protocol: str, model: ServiceModel, name: str, written: Mapping[str, object]) -> dict[str, object]:
    """Return what we read of a serialized vector."""
    operation = model.operations[name]
    path, _, raw_query = str(written["uri"]).partition("?")
    headers = tuple((key.lower(), str(value)) for key, value in dict(written.get("headers") or {}).items())
    request = Request(operation.method, path.encode(), raw_query.encode(), headers, Unread())
    body = str(written.get("body") or "").encode()
    if protocol == "query":
        routed = Routed("example", operation, form={**decode(request.raw_query), **decode(body)})
        return query.parse(routed, request, body)
    if protocol == "json":
        return json_rpc.parse(Routed("example", operation), request, body)
    return rest_xml.read(operation, labels(operation.uri, path), decode(request.raw_query), request.by_name, body)


def labels(template: str, path: str) -> dict[str, str | None]:
    """Return the labels of a URI template that a path fills."""
    pattern = re.sub(
        r"\\{(\w+)(\\\+)?\\}",
        lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})",
        re.escape(template.partition("?")[0]),
    )
    found = re.fullmatch(pattern, path)
    assert found is not None, (template, path)
    return {name: unquote(value) for name, value in found.groupdict().items()}


@pytest.mark.parametrize(("protocol", "expected_count"), [("query", 38), ("rest-xml", 94), ("json", 54)])
def test_every_input_vector_is_read(protocol: str, expected_count: int) -> None:
    failed: dict[str, str] = {}
    count = 0
    for suite, case in vectors("input", protocol):
        model, _ = models(suite, case)
        name = case["given"]["name"]
        shape = model.operations[name].input
        try:
            expected = ours_of(shape, case["params"]) if shape else {}
            found = read(protocol, model, name, case["serialized"])
        except Exception as problem:
            found = repr(problem)
        if comparable(found) != comparable(expected):
            failed[case["id"]] = f"{found} is not {expected}"
        count += 1
    assert unexpected(failed, READ_EXCEPTIONS) == {}
    assert count >= expected_count


@pytest.mark.parametrize(("protocol", "expected_count"), [("query", 34), ("rest-xml", 74), ("json", 43)])
def test_every_output_vector_is_written(protocol: str, expected_count: int) -> None:
    speech = {"query": query, "rest-xml": rest_xml, "json": json_rpc}[protocol]
    failed: dict[str, str] = {}
    count = 0
    for suite, case in vectors("output", protocol):
        if "error" in case:
            continue
        model, theirs = models(suite, case)
        operation = model.operations[case["given"]["name"]]
        if operation.output is None:
            continue
        result = ours_of(operation.output, case["result"])
        try:
            response = speech.answer(Routed("example", operation), result, request_id="id", host_id="host")
            found = theirs_of(without_metadata(parsed(theirs, response)), operation.output)
        except Exception as problem:
            found = repr(problem)
        if found != case["result"]:
            failed[case["id"]] = f"{found} is not {case['result']}"
        count += 1
    assert unexpected(failed, WRITE_EXCEPTIONS) == {}
    assert count >= expected_count


def unexpected(failed: Mapping[str, str], exceptions: Mapping[str, str]) -> dict[str, str]:
    """Return the failures that have no reason of their own."""
    return {name: text for name, text in failed.items() if name not in exceptions}
