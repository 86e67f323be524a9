"""The server's own unsigned paths and S3's keys do not get in each other's way."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from tests.serving import Server
from tests.sigv4.signer import Signer

BUCKET = "own-paths"


def _exchange(server: Server, method: str, path: str, body: bytes = b"", *, signed: bool = True) -> tuple[int, bytes]:
    address = urlsplit(server.endpoint)
    host = f"{BUCKET}.localhost:{address.port}"
    root = server.root
    signer = Signer(root.access_key_id, root.secret_access_key, datetime.now(UTC), host=host)
    headers = dict(signer.send(method, path, body=body).headers) if signed else {"host": host}
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("key", ["-/health", "-/ready", "-/anything"])
def test_a_key_that_looks_like_a_path_of_ours_is_a_key_where_the_host_names_the_bucket(
    server: Server, key: str
) -> None:
    """Two readers of one path: authorization and storage must see the key that the client means (CVE-2026-54917)."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    assert _exchange(server, "PUT", f"/{key}", b"data")[0] == 200
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"data"
    assert _exchange(server, "GET", f"/{key}") == (200, b"data")
    assert _exchange(server, "GET", f"/{key}", signed=False)[0] == 403
