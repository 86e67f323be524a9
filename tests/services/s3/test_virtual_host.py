"""Buckets addressed by the name of the host, as SDKs do it of their own accord."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import Server

BUCKET = "by-host-name"


@pytest.fixture
def s3(server: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client whose names below `localhost` resolve, which they do not on every machine."""
    real: Callable[..., Any] = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    moved = Server(server.process, server.data, server.endpoint.replace("127.0.0.1", "localhost"), None)
    client = moved.client("s3", s3={"addressing_style": "virtual"})
    if BUCKET not in [found["Name"] for found in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    return client


def test_an_object_is_the_same_by_host_and_by_path(server: Server, s3: Any) -> None:
    hosts = []
    s3.meta.events.register("before-send.s3", lambda request, **_: hosts.append(request.url.split("/")[2]))
    key = f"{BUCKET}/a key/../+ü"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"here")
    assert hosts[-1].startswith(f"{BUCKET}.localhost:")
    assert server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"here"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [key]
    s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_bucket_that_is_not_there_is_said_to_be_missing(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="by-host-name-missing")


def test_a_presigned_url_by_host_opens_nothing_by_path(server: Server, s3: Any) -> None:
    """The host is signed: what opens one bucket's object is no key to another's of the same path."""
    other = server.client("s3")
    for bucket in (BUCKET, "another-by-host"):
        other.create_bucket(Bucket=bucket)
        other.put_object(Bucket=bucket, Key="k", Body=bucket.encode())
    s3.meta.events.register("before-send.s3", _send_to_another)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.get_object(Bucket=BUCKET, Key="k")


def _send_to_another(request: Any, **_: Any) -> None:
    request.headers["Host"] = request.url.split("/")[2].replace(BUCKET, "another-by-host")
