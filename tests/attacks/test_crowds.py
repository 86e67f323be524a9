"""Crowds of connections that want nothing, or never finish: everybody else is answered all the same."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.certificates import make_certificate
from tests.edge.test_handshakes import hello
from tests.serving import Server, serving


def _port(server: Server) -> int:
    return int(server.endpoint.rpartition(":")[2])


def _connected(server: Server, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", _port(server)), timeout=30))


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))


def test_two_thousand_idle_sockets_and_two_hundred_stalled_uploads_keep_nobody_waiting(server: Server) -> None:
    _allow_many_sockets()
    s3 = server.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="crowded")
    with ExitStack() as stack:
        silent = [_connected(server, stack) for _ in range(1500)]
        half_said = [_connected(server, stack) for _ in range(500)]
        for connection in half_said:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: lo")
        for number in range(200):
            url = s3.generate_presigned_url("put_object", Params={"Bucket": "crowded", "Key": f"stalled-{number}"})
            upload = _connected(server, stack)
            head = f"PUT {url.removeprefix(server.endpoint)} HTTP/1.1\r\nHost: {server.endpoint[7:]}\r\n"
            upload.sendall(head.encode() + b"Content-Length: 10000000\r\n\r\n" + bytes(100_000))
        for _ in range(20):
            names = {bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]}
            assert "crowded" in names
        s3.put_object(Bucket="crowded", Key="whole", Body=b"x")
        listed = {found["Key"] for found in s3.list_objects_v2(Bucket="crowded")["Contents"]}
        assert len(silent) + len(half_said) == 2000
    assert listed == {"whole"}


def test_two_thousand_handshakes_that_never_end_keep_nobody_waiting(tmp_path: Path) -> None:
    """Before its handshake has ended, a connection is no request's, and was neither counted nor limited."""
    _allow_many_sockets()
    certificate, key = make_certificate(tmp_path)
    begun = hello()[:100]
    with serving(tmp_path / "data", certificate=certificate, key=key) as server, ExitStack() as stack:
        for number in range(2500):
            connection = _connected(server, stack)
            if number % 2:
                connection.sendall(begun)
        for _ in range(5):
            server.client("s3").list_buckets()
