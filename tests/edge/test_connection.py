"""What one connection may hold up, hold, and hear: waits that end, buffers with bounds, answers in order."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.edge.served import GET, HOST, POST, Served, echo, everything, served

from rolecall.edge import connection as connections
from rolecall.edge import listening
from rolecall.message import FileBody, Request, Response, ServiceError

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(echo) as running:
        yield running


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait for long."""
    for name in ("HEAD_SECONDS", "IDLE_SECONDS", "READ_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(connections, name, 0.3)
    monkeypatch.setattr(listening, "WATCH_SECONDS", 0.05)


def _drip(connection: socket.socket, drop: bytes, times: int) -> None:
    for _ in range(times):
        connection.sendall(drop)
        time.sleep(0.05)


# Waits


def test_a_head_that_drips_is_cut_off_though_it_never_rests(hurried: None) -> None:
    with served(echo) as server, server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            _drip(connection, b"a: b\r\n", 150)


def test_a_second_head_that_drips_has_no_more_time_than_the_first(
    hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 60.0)
    with served(echo) as server, server.connect() as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.5)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            _drip(connection, b"a: b\r\n", 90)


@pytest.mark.parametrize("first", [b"", GET + b"\r\n", b"GET / HT"])
def test_a_connection_that_says_nothing_is_closed(hurried: None, first: bytes) -> None:
    with served(echo) as server, server.connect() as connection:
        connection.sendall(first)
        assert everything(connection).count(b"HTTP/1.1 ") == first.count(b"\r\n\r\n")


def test_a_body_that_stalls_is_refused_with_request_timeout() -> None:
    async def read(request: Request) -> Response:
        try:
            return await echo(request)
        except ServiceError as error:
            return Response(error.status, error.headers, error.code.encode())

    with served(read, body_timeout=0.3) as server, server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 100\r\n\r\nabc")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"RequestTimeout")


def test_a_body_that_drips_is_refused_too_for_four_kib_must_come_in_the_time() -> None:
    codes = []

    async def read(request: Request) -> Response:
        try:
            return await echo(request)
        except ServiceError as error:
            codes.append(error.code)
            return Response(error.status, error.headers)

    with served(read, body_timeout=0.5) as server, server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n")
        with pytest.raises(ConnectionError):
            _drip(connection, b"x", 200)
    assert codes == ["RequestTimeout"]


def test_a_body_that_ends_early_is_told_from_one_that_ends() -> None:
    codes = []

    async def read(request: Request) -> Response:
        try:
            return await echo(request)
        except ServiceError as error:
            codes.append(error.code)
            return Response(error.status)

    with served(read) as server:
        assert server.ask(POST + b"Content-Length: 100\r\n\r\nabc").startswith(b"HTTP/1.1 400 ")
        server.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        with server.connect() as connection:
            connection.sendall(POST + b"Content-Length: 100\r\n\r\nabc")
        deadline = time.monotonic() + 5
        while len(codes) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert codes == ["IncompleteBody"] * 3


def test_a_client_that_reads_nothing_is_hung_up_on_and_costs_little(hurried: None) -> None:
    made = []
    closed = threading.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for _ in range(1024):
                made.append(MIB)
                yield bytes(MIB)
        finally:
            closed.set()

    async def much(request: Request) -> Response:
        del request
        return Response(200, (("content-length", str(1024 * MIB)),), pieces())

    with served(much) as server, server.connect(receive_buffer=4096) as connection:
        connection.sendall(GET + b"\r\n")
        assert closed.wait(10)
    assert sum(made) <= 16 * MIB


def test_a_file_for_a_client_that_reads_nothing_is_let_go_of(hurried: None, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 * MIB)

    async def send(request: Request) -> Response:
        del request
        return Response(200, (), FileBody(str(large), 64 * MIB))

    with served(send) as server, server.connect(receive_buffer=4096) as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(1) == b"H"
        server.wait_until_idle()
        assert len(everything(connection)) < 64 * MIB


# Bounds


def test_ten_thousand_headers_are_refused(server: Served) -> None:
    head = GET + b"".join(b"a%d: b\r\n" % number for number in range(10_000)) + b"\r\n"
    answer = server.ask(head)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"<Code>RequestHeaderSectionTooLarge</Code>" in answer


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"a" * MIB,
        GET + b"a: " + b"b" * MIB,
        GET + b"a" * MIB,
        POST + b"Transfer-Encoding: chunked\r\n\r\n3;" + b"a" * MIB,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\na: " + b"b" * MIB,
    ],
    ids=["target", "header value", "header name", "chunk extension", "trailer"],
)
def test_what_has_no_end_is_not_taken_in(server: Served, endless: bytes) -> None:
    """CVE-2023-39326 (Go) for chunk extensions: bytes that are read, kept or counted for ever."""
    answer = server.ask(endless, half_close=False)
    assert b"HTTP/1.1 200" not in answer


def test_a_body_that_nobody_reads_yet_is_not_taken_in() -> None:
    go_on = threading.Event()

    async def wait(request: Request) -> Response:
        await asyncio.to_thread(go_on.wait)
        return await echo(request)

    with served(wait) as server, server.connect(timeout=0.5) as connection:
        connection.sendall(POST + b"Content-Length: 100000000\r\n\r\n")
        sent = 0
        try:
            while sent < 100_000_000:
                sent += connection.send(bytes(MIB))
        except TimeoutError:
            pass
        go_on.set()
    assert sent < 20 * MIB


def test_when_there_are_too_many_connections_the_one_that_rested_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_CONNECTIONS", 20)
    with served(echo) as server:
        resting = [server.connect() for _ in range(40)]
        with server.connect() as connection:
            connection.sendall(GET + b"Connection: close\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 200 ")
        assert server.listening.connections <= 21
        assert resting[0].recv(1) == b""
        for one in resting:
            one.close()


# Order


def test_pipelined_requests_are_answered_in_order_however_many() -> None:
    async def sometimes_slow(request: Request) -> Response:
        number = int(request.raw_path[1:])
        if number % 7 == 0:
            await asyncio.sleep(0.001)
        return await echo(request)

    sent = b"".join(b"POST /%d HTTP/1.1\r\n" % number + HOST + b"Content-Length: 1\r\n\r\nx" for number in range(3000))
    with served(sometimes_slow) as server:
        answer = server.ask(sent)
    assert [int(number) for number in re.findall(rb"POST /(\d+)\? x", answer)] == list(range(3000))


def test_a_refusal_waits_for_the_answers_before_it(server: Served) -> None:
    answer = server.ask(GET + b"\r\n" + b"GET / HTTP/1.1\r\n\r\n" + GET + b"\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"]


@pytest.mark.parametrize(
    ("lines", "stays"),
    [(b"HTTP/1.1\r\n", True), (b"HTTP/1.1\r\nConnection: close\r\n", False), (b"HTTP/1.0\r\n", False),
     (b"HTTP/1.0\r\nConnection: keep-alive\r\n", True)],
)  # fmt: skip
def test_a_connection_stays_as_its_version_and_the_client_say(server: Served, lines: bytes, stays: bool) -> None:
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(b"GET / " + lines + HOST + b"\r\n")
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert (b"connection: close" in answer) is not stays
            if not stays:
                assert everything(connection) == b""
                break


def test_after_connection_close_nothing_more_is_read(server: Served) -> None:
    answer = server.ask(GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


# Bodies that are asked for


def test_100_continue_is_said_once_and_only_when_the_body_is_read() -> None:
    async def choose(request: Request) -> Response:
        return Response(403) if request.raw_path == b"/refused" else await echo(request)

    with served(choose) as server:
        with server.connect() as connection:
            connection.sendall(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"abc")
            answer = connection.recv(65536)
            assert b"100 Continue" not in answer
            assert answer.endswith(b"POST /? abc")
        with server.connect() as connection:
            connection.sendall(
                b"PUT /refused HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            )
            answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"connection: close" in answer


# Answers


def test_an_answer_of_unknown_length_comes_in_chunks_or_ends_the_connection() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b""
        yield b"two"

    async def answer(request: Request) -> Response:
        del request
        return Response(200, (), pieces())

    with served(answer) as server:
        chunked = server.ask(GET + b"\r\n")
        old = server.ask(b"GET / HTTP/1.0\r\n\r\n")
        head = server.ask(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert b"\r\ntransfer-encoding: chunked\r\n" in chunked
    assert chunked.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert b"transfer-encoding" not in old
    assert old.endswith(b"\r\n\r\nonetwo")
    assert head.endswith(b"\r\n\r\n")


def test_an_answer_that_breaks_off_does_not_look_whole() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise OSError("the disk is gone")

    async def answer(request: Request) -> Response:
        return Response(200, (("content-length", "6"),) if request.raw_query else (), pieces())

    with served(answer) as server:
        assert b"0\r\n\r\n" not in server.ask(GET + b"\r\n").partition(b"\r\n\r\n")[2]
        assert len(server.ask(b"GET /?x HTTP/1.1\r\n" + HOST + b"\r\n").partition(b"\r\n\r\n")[2]) < 6


@pytest.mark.parametrize(("start", "size"), [(0, 3 * MIB), (1, MIB), (MIB + 7, 2 * MIB - 7), (5, 0)])
def test_a_part_of_a_file_is_sent_as_it_is(tmp_path: Path, start: int, size: int) -> None:
    content = bytes(range(256)) * (3 * MIB // 256)
    (tmp_path / "file").write_bytes(content)

    async def send(request: Request) -> Response:
        del request
        return Response(206, (), FileBody(str(tmp_path / "file"), size, start))

    with served(send) as server:
        head, _, body = server.ask((GET + b"\r\n") * 2).partition(b"\r\n\r\n")
    assert b"content-length: %d" % size in head
    assert body[:size] == content[start : start + size]
    assert body[size:].startswith(b"HTTP/1.1 206 ")
    assert body.endswith(content[start : start + size])


def test_a_file_that_is_gone_is_answered_503_and_not_with_half_an_answer(tmp_path: Path) -> None:
    async def send(request: Request) -> Response:
        return Response(200, (), FileBody(str(tmp_path / "gone"), 5)) if request.raw_query else await echo(request)

    with served(send) as server:
        answer = server.ask(b"GET /?x HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"503", b"200"]
    assert b"<Code>ServiceUnavailable</Code>" in answer


def test_a_file_that_was_cut_does_not_look_whole(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(b"abc")

    async def send(request: Request) -> Response:
        del request
        return Response(200, (), FileBody(str(tmp_path / "cut"), 5))

    with served(send) as server:
        answer = server.ask((GET + b"\r\n") * 2)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.partition(b"\r\n\r\n")[2] in {b"", b"abc"}


def test_a_file_behind_a_large_answer_waits_for_a_client_that_does_not_read(hurried: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(MIB))

    async def send(request: Request) -> Response:
        if request.raw_query:
            return Response(200, (), FileBody(str(tmp_path / "file"), MIB))
        return Response(200, (), bytes(200 * 1024))

    with served(send) as server, server.connect(receive_buffer=4096) as connection:
        connection.sendall((GET + b"\r\n") * 30 + b"GET /?x HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.recv(1) == b"H"
        server.wait_until_idle()
        assert len(everything(connection)) < 30 * 200 * 1024


def test_no_value_of_a_header_begins_another_header() -> None:
    """CVE-2020-10753, CVE-2021-3524: line breaks in stored values that are echoed in headers."""

    async def answer(request: Request) -> Response:
        del request
        return Response(200, (("x-amz-meta-a", "b\r\nset-cookie: c\r\n\r\n<html>"), ("x-amz-meta-d", "\u20ac\x00")))

    with served(answer) as server:
        head, _, body = server.ask(GET + b"\r\n").partition(b"\r\n\r\n")
    assert body == b""
    assert b"\r\nset-cookie" not in head
    assert b"\0" not in head


def test_an_application_that_breaks_ends_one_connection_only() -> None:
    async def broken(request: Request) -> Response:
        if request.raw_query:
            raise RuntimeError("no")
        return await echo(request)

    with served(broken) as server:
        assert server.ask(b"GET /?x HTTP/1.1\r\n" + HOST + b"\r\n") == b""
        assert server.ask(GET + b"\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_stop_lets_what_is_under_way_finish_and_takes_no_more() -> None:
    begun = threading.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await asyncio.sleep(0.3)
        return await echo(request)

    with served(slow) as server:
        resting, busy = server.connect(), server.connect()
        busy.sendall(GET + b"\r\n")
        assert begun.wait(5)
    assert everything(busy).endswith(b"GET /? ")
    assert everything(resting) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


# Turns


def test_one_request_gets_its_turn_long_before_a_flood_is_over() -> None:
    begun: list[bytes] = []
    all_are_there = threading.Event()

    async def busy(request: Request) -> Response:
        begun.append(request.raw_path)
        if request.raw_path == b"/first":
            all_are_there.wait(20)  # blocks the loop
        return Response(200)

    def ask(connection: socket.socket, path: bytes) -> None:
        connection.sendall(b"GET /" + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")

    with served(busy, sender_of=lambda request: request.raw_path.decode()) as server:
        clients = [server.connect() for _ in range(202)]
        for client in clients:
            ask(client, b"known")
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        begun.clear()
        ask(clients[0], b"first")
        while not begun:
            time.sleep(0.001)
        for client in clients[1:201]:
            ask(client, b"flood")
        ask(clients[201], b"one")
        all_are_there.set()
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
            client.close()
    assert begun.count(b"/flood") == 200
    assert begun.index(b"/one") < 100
