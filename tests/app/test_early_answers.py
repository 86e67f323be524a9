"""Answers that do not wait for the body: the client hears the refusal, whether it waits to be asked for its body or not."""

from __future__ import annotations

import socket
import time

import pytest
from tests.serving import Server

MIB = 1024 * 1024
SIZE = 12 * MIB


def _refused_upload(server: Server, *headers: str) -> socket.socket:
    host, port = server.endpoint.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    lines = ["PUT /a.demo.bucket/anonymous HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {SIZE}", *headers]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _everything(connection: socket.socket) -> bytes:
    found = bytearray()
    while piece := connection.recv(MIB):
        found += piece
    return bytes(found)


@pytest.mark.parametrize("headers", [(), ("Expect: 100-continue",)])
@pytest.mark.parametrize("pause", [0, 0.01])
def test_who_sends_its_body_unasked_still_hears_the_refusal(
    server: Server, headers: tuple[str, ...], pause: float
) -> None:
    """Go's SDK says Expect and may send all the same; a server that hangs up leaves it with a broken pipe."""
    with _refused_upload(server, *headers) as connection:
        for _ in range(SIZE // (MIB // 4)):
            connection.sendall(b"x" * (MIB // 4))
            time.sleep(pause)
        said = connection.recv(MIB)
    assert said.startswith(b"HTTP/1.1 403 "), said
    assert b"<Code>AccessDenied</Code>" in said


def test_who_waits_to_be_asked_is_never_asked_and_is_told_that_the_connection_ends(server: Server) -> None:
    """Were it kept open, the next request's head would be taken for the body that never came."""
    with _refused_upload(server, "Expect: 100-continue") as connection:
        said = connection.recv(MIB)
        connection.shutdown(socket.SHUT_WR)
        said += _everything(connection)
    assert said.startswith(b"HTTP/1.1 403 "), said
    assert b"100 Continue" not in said
    assert b"\r\nconnection: close\r\n" in said.lower()


def test_a_second_request_after_a_refused_body_is_answered(server: Server) -> None:
    with _refused_upload(server) as connection:
        connection.sendall(b"x" * SIZE)
        assert connection.recv(MIB).startswith(b"HTTP/1.1 403 ")
        connection.sendall(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(MIB).startswith(b"HTTP/1.1 200 ")
