"""Over TLS: policies see its version, and large answers and refusals are whole though the kernel cannot send files."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.certificates import make_certificate
from tests.serving import Credentials, Server, serving


def _ask(server: Server, certificate: Path, version: ssl.TLSVersion, url: str, *lines: str, body: bytes = b"") -> bytes:
    context = ssl.create_default_context(cafile=str(certificate))
    context.minimum_version = context.maximum_version = version
    address = urlsplit(url)
    target = url.partition(address.netloc)[2]
    with (
        socket.create_connection((address.hostname, address.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        head = f"{'PUT' if body else 'GET'} {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
        secure.sendall("".join([head, *(f"{line}\r\n" for line in lines), "\r\n"]).encode() + body)
        found = bytearray()
        while piece := secure.recv(1 << 20):
            found += piece
    return bytes(found)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate(folder)
    with serving(folder / "data", certificate=certificate, key=key, workers=1) as server:
        server.client("s3").create_bucket(Bucket="over-tls")
        yield server, certificate


def _url(server: Server, key: str, who: Credentials | None = None, operation: str = "get_object") -> str:
    s3 = server.client("s3", who, signature_version="s3v4")
    url: str = s3.generate_presigned_url(operation, Params={"Bucket": "over-tls", "Key": key})
    return url


def test_policies_see_the_version_of_tls(secured: tuple[Server, Path]) -> None:
    server, certificate = secured
    condition = {"NumericGreaterThanEquals": {"s3:TlsVersion": "1.3"}}
    document = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
    user = server.user("modern", json.dumps({"Version": "2012-10-17", "Statement": document}))
    server.client("s3").put_object(Bucket="over-tls", Key="small", Body=b"seen")
    url = _url(server, "small", user)
    assert _ask(server, certificate, ssl.TLSVersion.TLSv1_3, url).endswith(b"\r\n\r\nseen")
    refused = _ask(server, certificate, ssl.TLSVersion.TLSv1_2, url)
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert b"<Code>AccessDenied</Code>" in refused


def test_a_large_object_comes_whole_and_in_part(secured: tuple[Server, Path]) -> None:
    server, certificate = secured
    content = os.urandom(5 << 20)
    server.client("s3").put_object(Bucket="over-tls", Key="large", Body=content)
    url = _url(server, "large")
    assert _ask(server, certificate, ssl.TLSVersion.TLSv1_3, url).partition(b"\r\n\r\n")[2] == content
    part = _ask(server, certificate, ssl.TLSVersion.TLSv1_3, url, "Range: bytes=1000001-4000000")
    assert part.startswith(b"HTTP/1.1 206 ")
    assert part.partition(b"\r\n\r\n")[2] == content[1_000_001:4_000_001]


def test_a_refused_upload_hears_why(secured: tuple[Server, Path]) -> None:
    server, certificate = secured
    url = _url(server, "refused", operation="put_object").replace("X-Amz-Signature=", "X-Amz-Signature=0")
    body = bytes(3 << 20)
    said = _ask(server, certificate, ssl.TLSVersion.TLSv1_3, url, f"Content-Length: {len(body)}", body=body)
    assert said.startswith(b"HTTP/1.1 403 ")
    assert b"<Code>SignatureDoesNotMatch</Code>" in said
