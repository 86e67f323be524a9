"""The other half of the wire: botocore's serializers and parsers, on botocore's own models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cache
from urllib.parse import urlsplit

from botocore import parsers, serialize
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from rolecall.message import Request, Response

PROTOCOLS = {
    "iam": "query",
    "sts": "query",
    "s3": "rest-xml",
    "cloudtrail": "json",
    "access-analyzer": "rest-json",
    "organizations": "json",
}


class Unread:
    """A body that nobody may read."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Refuse."""
        raise AssertionError("the wire reads no body by itself")


@cache
def model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service.replace("access-", "access"), "service-2"), service)


def request_of(method: str, url: str, headers: Mapping[str, object], body: object) -> tuple[Request, bytes]:
    """Return the request that goes over the wire, and its body."""
    parts = urlsplit(url)
    text = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in headers.items()}
    text.setdefault("host", parts.netloc)
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes | bytearray) else b""
    request = Request(method, parts.path.encode("ascii"), parts.query.encode("ascii"), tuple(text.items()), Unread())
    return request, bytes(raw)


def serialized(
    operation: OperationModel, parameters: Mapping[str, object], endpoint: str = "http://localhost:4500"
) -> tuple[Request, bytes]:
    """Return the request, and its body, that botocore makes of an operation's parameters."""
    protocol = operation.service_model.metadata["protocol"]
    serializer = serialize.create_serializer(protocol, include_validation=False)
    made = serializer.serialize_to_request(dict(parameters), operation)
    prepare_request_dict(made, endpoint_url=endpoint)
    prepared = create_request_object(made).prepare()
    return request_of(prepared.method, prepared.url, prepared.headers, prepared.body)


def parsed(operation: OperationModel, response: Response) -> dict[str, object]:
    """Return what botocore reads in an answer."""
    parser = parsers.create_parser(operation.service_model.metadata["protocol"])
    headers = dict(response.headers)
    assert isinstance(response.body, bytes)
    received = {"status_code": response.status, "headers": _Headers(headers), "body": response.body}
    found: dict[str, object] = parser.parse(received, operation.output_shape)
    return found


class _Headers(dict[str, str]):
    """Headers by name in any case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return super().get(name.lower(), default)
