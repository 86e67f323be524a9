"""Connections that begin a TLS handshake and never end it: bounded in number and time, and nobody waits for them."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.certificates import make_certificate
from tests.edge.served import GET, Served, echo, everything, served

from rolecall.edge import listening

MOST = 20


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("handshakes"))


@pytest.fixture
def server(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(listening, "MAX_ARRIVING", MOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with served(echo, tls=context) as opened:
        yield opened


def hello() -> bytes:
    """Return the first message of a client."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def ask(server: Served, certificate: Path, source: str = "127.0.0.1") -> bytes:
    """Speak TLS to the end, and return the answer to a request."""
    context = ssl.create_default_context(cafile=str(certificate))
    with context.wrap_socket(server.connect(source=source), server_hostname="localhost") as secure:
        secure.sendall(GET + b"Connection: close\r\n\r\n")
        return everything(secure)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ended(connections: list[socket.socket], count: int) -> list[int]:
    """Return which ones the server has hung up on, once there are `count` of them."""
    until = time.monotonic() + 10
    gone: list[int] = []
    while len(gone) < count and time.monotonic() < until:
        for number, one in enumerate(connections):
            one.settimeout(0.001)
            try:
                if number not in gone and one.recv(4096) == b"":
                    gone.append(number)
            except TimeoutError:
                continue
            except ConnectionError:
                gone.append(number)
    return sorted(gone)


@pytest.mark.parametrize("begun", ["nothing", "half of it", "all of it"])
def test_the_oldest_handshakes_give_way_and_leave_nothing(
    server: Served, certificate: tuple[Path, Path], begun: str
) -> None:
    said = {"nothing": b"", "half of it": hello()[:100], "all of it": hello()}[begun]
    before = descriptors()
    with ExitStack() as stack:
        silent = [stack.enter_context(server.connect()) for _ in range(MOST * 3)]
        for one in silent:
            one.sendall(said)
        gone = ended(silent, MOST * 2)
        assert gone == list(range(MOST * 2))
        assert server.listening.connections == MOST
        assert descriptors() <= before + MOST * 4 + 5
        assert ask(server, certificate[0]).startswith(b"HTTP/1.1 200 ")


def test_one_address_takes_no_others_handshake(server: Served, certificate: tuple[Path, Path]) -> None:
    with ExitStack() as stack:
        slow = stack.enter_context(server.connect(source="127.0.0.2"))
        crowd = [stack.enter_context(server.connect()) for _ in range(MOST * 2)]
        assert len(ended(crowd, MOST + 1)) == MOST + 1
        slow.sendall(hello())
        assert slow.recv(1) == b"\x16"  # the server's part of the handshake (RFC 8446, 5.1)


def test_a_handshake_that_takes_too_long_is_ended(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HANDSHAKE_SECONDS", 0.2)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with served(echo, tls=context) as impatient, impatient.connect() as silent:
        assert silent.recv(1) == b""
        impatient.wait_until_idle()


def test_a_server_that_stops_waits_for_no_handshake(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with ExitStack() as stack:
        with served(echo, tls=context) as stopping:
            silent = [stack.enter_context(stopping.connect()) for _ in range(3)]
            while stopping.listening.connections < len(silent):
                time.sleep(0.001)
        assert [one.recv(1) for one in silent] == [b""] * len(silent)
