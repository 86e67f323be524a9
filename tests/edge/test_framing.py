"""Where a request ends is read in one way only: everything that two servers could cut differently is refused.

CVE-2025-43859 (h11), CVE-2024-1135 and CVE-2024-6827 (gunicorn): bodies that smuggle a second request.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.edge.served import GET, HOST, POST, Served, echo, served

from rolecall.edge.exchange import Exchange
from rolecall.edge.origin import Origin, Proxies
from rolecall.edge.receiver import Receiver
from rolecall.message import Request, Response, ServiceError

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(echo) as running:
        yield running


CODINGS = {
    "identity": b"identity",
    "in capitals with a tail": b"CHUNKED, identity",
    "behind another": b"gzip, chunked",
    "twice in a line": b"chunked, chunked",
    "with a vertical tab": b"\x0bchunked",
    "in quotes": b'"chunked"',
    "with a letter more": b"xchunked",
    "with a parameter": b"chunked;q=1",
    "empty": b"",
    "with a zero byte": b"chunked\x00",
    "not ASCII": b"chunked\xc2\xa0",
}
LENGTHS = {
    "signed": b"+3",
    "negative": b"-3",
    "hexadecimal": b"0x3",
    "a list": b"3, 3",
    "two numbers": b"3 3",
    "empty": b"",
    "too large for 64 bits": b"18446744073709551619",
    "a fraction": b"3.0",
    "with an underscore": b"1_0",
    "in other digits": "\u0663".encode(),
}
LINES = {
    f"Transfer-Encoding {name}": POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + CHUNKS
    for name, value in CODINGS.items()
} | {f"Content-Length {name}": POST + b"Content-Length: " + value + b"\r\n\r\nabc" for name, value in LENGTHS.items()}
FRAMING = {
    "both, length first": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "both, coding first": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + CHUNKS,
    "both, a length of nothing": POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "both, in capitals": POST + b"TRANSFER-ENCODING: CHUNKED\r\nCONTENT-LENGTH: 3\r\n\r\n" + CHUNKS,
    "the coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "two codings": POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "the length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS,
    "a line feed as line end": POST + b"Transfer-Encoding: chunked\nX: y\r\n\r\n" + CHUNKS,
    "line feeds alone": POST.replace(b"\r\n", b"\n") + b"Content-Length: 3\n\nabc",
    "a carriage return inside a value": POST + b"X: y\rTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "a zero byte in a name": POST + b"Content-Length\x00: 3\r\n\r\nabc",
    "a blank before the first header": b"POST / HTTP/1.1\r\n " + HOST + b"\r\n",
    "a line without colon": POST + b"Content-Length\r\n\r\nabc",
}
CHUNKINGS = {
    "a size with a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a size with a blank": b"3 \r\nabc\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a line feed after the size": b"3\nabc\r\n0\r\n\r\n",
    "a line feed in an extension": b"3;a\nabc\r\n0\r\n\r\n",
    "more than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "no line end after the data": b"3\r\nabc0\r\n\r\n",
    "a line feed after the data": b"3\r\nabc\n0\r\n\r\n",
    "a carriage return alone in an extension": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
}
TARGETS = {
    "with another host": b"http://elsewhere/",
    "with this host": b"http://localhost/",
    "of a proxy": b"localhost:80",
    "a star": b"*",
    "with a fragment": b"/a#b",
    "with a fragment in the query": b"/a?b#c",
    "with a zero byte": b"/a\x00b",
    "with a blank": b"/a b",
    "not ASCII": b"/\xc3\xa4",
    "with a delete": b"/a\x7f",
    "empty": b"",
    "without slash": b"a",
}
OTHERS = {
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "zeros": bytes(100),
    "noise": bytes(range(255, 0, -1)),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "lower case": b"get / http/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"EVIL / HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT localhost:22 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two equal hosts": b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
}
REFUSED = (
    LINES
    | FRAMING
    | {f"target {name}": b"GET " + value + b" HTTP/1.1\r\n" + HOST + b"\r\n" for name, value in TARGETS.items()}
    | OTHERS
)


@pytest.mark.parametrize("claim", REFUSED)
def test_it_is_refused_once_and_nothing_behind_it_is_read(server: Served, claim: str) -> None:
    answer = server.ask(REFUSED[claim] + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"<Code>BadRequest</Code>" in answer
    assert b"smuggled" not in answer


@pytest.mark.parametrize("claim", CHUNKINGS)
def test_a_broken_chunk_ends_the_body_with_an_error_and_the_connection(claim: str) -> None:
    """The application read the body and was told that it broke; whatever it answers, nothing is read after it."""
    seen: list[str] = []

    async def read(request: Request) -> Response:
        try:
            return await echo(request)
        except ServiceError as error:
            seen.append(error.code)
            return Response(error.status)

    with served(read) as running:
        answer = running.ask(CHUNKED + CHUNKINGS[claim] + SMUGGLED)
    assert seen == ["BadRequest"]
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"smuggled" not in answer
    assert b"HTTP/1.1 200" not in answer


@pytest.mark.parametrize("claim", REFUSED)
def test_it_is_refused_all_the_same_when_it_comes_byte_by_byte(claim: str) -> None:
    class Nobody:
        def wanted(self) -> None: ...
        def held(self, full: bool) -> None: ...

    found: list[Exchange] = []
    receiver = Receiver(Nobody(), Origin("127.0.0.1", None, Proxies(())), found.append)
    for byte in REFUSED[claim] + SMUGGLED:
        receiver.feed(bytes([byte]))
        if receiver.deaf:
            break
    assert len(found) == 1
    assert found[0].request is None


ACCEPTED = {
    "a chunk extension": (CHUNKED + b"3;a=b;c\r\nabc\r\n0\r\n\r\n", b"POST /? abc"),
    "trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nX-Amz-Meta-A: b\r\nHost: other\r\n\r\n", b"POST /? abc"),
    "a coding in capitals": (POST + b"Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNKS, b"POST /? abc"),
    "a coding between blanks": (POST + b"Transfer-Encoding:\tchunked \r\n\r\n" + CHUNKS, b"POST /? abc"),
    "leading zeros": (CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n", b"POST /? abc"),
    "a header that only looks like one": (POST + b"Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", b"POST /? abc"),
    "empty lines before the request": (b"\r\n\r\n" + GET + b"\r\n", b"GET /? "),
    "a body in a GET": (GET + b"Content-Length: 3\r\n\r\nabc", b"GET /? abc"),
    "an offer of HTTP/2": (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n", b"GET /? "),
    "an offer of HTTP/2 with a body": (POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc", b"POST /? abc"),
    "an offer with chunks": (POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS, b"POST /? abc"),
    "encoded oddities": (b"GET /a%00%ff%2e%2e//../b?x=%23&y HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /a%00%ff%2e%2e//../b?x=%23&y "),
}  # fmt: skip


@pytest.mark.parametrize("claim", ACCEPTED)
def test_it_is_read_and_so_is_the_request_behind_it(server: Served, claim: str) -> None:
    sent, said = ACCEPTED[claim]
    answer = server.ask(sent + b"GET /second HTTP/1.1\r\n" + HOST + b"\r\n")
    first, _, second = answer.partition(b"HTTP/1.1 200 OK\r\n")[2].partition(b"HTTP/1.1 200 OK\r\n")
    assert first.endswith(b"\r\n\r\n" + said), answer
    assert second.endswith(b"\r\n\r\nGET /second? ")


@pytest.mark.parametrize("claim", ACCEPTED)
def test_it_is_read_the_same_wherever_it_is_cut(server: Served, claim: str) -> None:
    sent, said = ACCEPTED[claim]
    for size in (1, 2, 7):
        with server.connect() as connection:
            for start in range(0, len(sent), size):
                connection.send(sent[start : start + size])
            connection.shutdown(1)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        assert answer.endswith(said), (size, answer)
