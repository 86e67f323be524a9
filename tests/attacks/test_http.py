"""What is no request, or two, at the socket: docs/reference/http.md, line by line.

CVE-2025-43859, CVE-2024-1135, CVE-2024-6827: bodies that two servers would cut differently.
"""

from __future__ import annotations

import socket

import pytest
from tests.serving import Server

HOST = b"Host: x\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
PUT = b"PUT /a.demo.bucket/k HTTP/1.1\r\n" + HOST
SMUGGLED = b"GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n"

REFUSED = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a host that is markup": (b'GET / HTTP/1.1\r\nHost: a"><script>\r\n\r\n', 400),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a host with a user": (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    "a host with a blank": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "a host beyond ASCII": (b"GET / HTTP/1.1\r\nHost: a\xe9\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "101 header lines": (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"a%d: b\r\n" % i for i in range(101)) + b"\r\n", 431),
    "a target of 70,000 bytes": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "a zero byte in the target": (b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a blank in the target": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bytes that are not UTF-8 in the target": (b"GET /a\xffb HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a target that is no path": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n c\r\n\r\n", 400),
    "a blank before the colon": (b"GET / HTTP/1.1\r\n" + HOST + b"a : b\r\n\r\n", 400),
    "a coding besides chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "a coding that is not chunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc" + SMUGGLED, 400),
    "both framings": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "a signed length": (POST + b"Content-Length: +3\r\n\r\nabc" + SMUGGLED, 400),
}


def _connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.endpoint.rpartition(":")[2])), timeout=30)


def _ask(server: Server, sent: bytes) -> bytes:
    """Return everything that comes back until the connection ends, which it must."""
    with _connected(server) as connection:
        received = b""
        try:
            connection.sendall(sent)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:  # closed with bytes of ours unread
            pass
        return received


@pytest.mark.parametrize("claim", REFUSED)
def test_it_is_refused_once_and_the_connection_ends(server: Server, claim: str) -> None:
    sent, status = REFUSED[claim]
    answer = _ask(server, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"alive" not in answer


def test_a_hundred_megabytes_of_headers_are_not_taken_in(server: Server) -> None:
    with _connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST)
        with pytest.raises(ConnectionError):
            _pour(connection, b"x-much: " + b"y" * 8000 + b"\r\n", 12_500)


def _pour(connection: socket.socket, line: bytes, times: int) -> None:
    for _ in range(times):
        connection.sendall(line)


def test_a_refused_upload_that_waits_is_never_asked_for(server: Server) -> None:
    with _connected(server) as connection:
        connection.sendall(PUT + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        answer = b""
        while b"</Error>" not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 403 ")


def test_ten_thousand_query_parameters_are_read_and_more_refused(server: Server) -> None:
    for count, code in ((9_000, b"AccessDenied"), (10_001, b"InvalidURI")):
        query = b"&".join(b"%x" % number for number in range(count))
        head = b"GET /a.demo.bucket?" + query + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        assert b"<Code>" + code + b"</Code>" in _ask(server, head), count


def test_a_body_that_ends_early_leaves_no_object(server: Server) -> None:
    s3 = server.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "a.demo.bucket", "Key": "cut"})
    head = f"PUT {url.removeprefix(server.endpoint)} HTTP/1.1\r\nHost: {server.endpoint[7:]}\r\nContent-Length: 100\r\n\r\n"
    with _connected(server) as connection:
        connection.sendall(head.encode() + b"x" * 50)
    assert "cut" not in {found["Key"] for found in s3.list_objects_v2(Bucket="a.demo.bucket").get("Contents", [])}
