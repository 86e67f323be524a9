"""Senders who have, or pretend to have, many addresses, and links that shut out who signed them."""

from __future__ import annotations

import pytest
from tests.access.test_limits import ALICE, NOBODY, Clock, _limits, _passed, _request
from tests.edge.served import GET, echo, everything, served

from rolecall.access.limits import Rates
from rolecall.edge import listening
from rolecall.identifiers import address_block
from rolecall.message import ServiceError
from rolecall.sigv4.signature import Scheme


def test_one_host_does_not_count_anew_with_each_address_of_its_ipv6_network() -> None:
    """It has 18 quintillion of them; each had a full bucket."""
    limits = _limits(Clock(), Rates(anonymous=5, unproved=5))
    addresses = [f"2001:db8:0:7::{number:x}" for number in range(1, 51)]
    assert sum(_passed(limits, NOBODY, 1, _request(address)) for address in addresses) == 10
    wrong = ServiceError("SignatureDoesNotMatch", "no", 403)
    codes = [limits.unproved("sts", _request(address), wrong).code for address in addresses]
    assert codes == ["SignatureDoesNotMatch"] * 10 + ["Throttling"] * 40
    assert len({limits.sender_of(_request(address)) for address in addresses}) == 1
    assert _passed(limits, NOBODY, 50, _request("2001:db8:0:8::1")) == 10, "the neighbour"


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:7:ffff::1", "2001:db8:0:7::/64"),
        ("2001:DB8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_what_stands_for_one_sender(address: str, block: str) -> None:
    assert address_block(address) == block


def test_who_holds_a_link_does_not_shut_out_who_signed_it() -> None:
    limits = _limits(Clock(), Rates(principal=10))
    key = "AKIAALICE"
    query = b"X-Amz-Credential=" + key.encode() + b"%2F20261125"
    limits.admit("s3", ALICE, _request("192.0.2.1"))
    codes = []
    for scheme in (Scheme.QUERY, Scheme.FORM) * 50:
        try:
            limits.admit("s3", ALICE, _request("192.0.2.99", query=query), scheme)
        except ServiceError as error:
            codes.append(error.code)
    assert codes == ["SlowDown"] * 80, "links have a bucket"
    assert _passed(limits, ALICE, 19) == 19, "and the signer another one"


def test_an_address_that_takes_all_connections_gives_way_and_not_those_who_have_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Heads that never end do not rest, so the newcomer or whoever rested was hung up on in their place."""
    monkeypatch.setattr(listening, "MAX_CONNECTIONS", 20)
    with served(echo) as server, server.connect(source="127.0.0.2") as polite:
        polite.sendall(GET + b"\r\n")
        assert polite.recv(65536).startswith(b"HTTP/1.1 200 ")
        flood = [server.connect() for _ in range(40)]
        for one in flood:
            one.sendall(b"GET / HTTP/1.1\r\n")
        with server.connect(source="127.0.0.3") as newcomer:
            newcomer.sendall(GET + b"Connection: close\r\n\r\n")
            assert everything(newcomer).startswith(b"HTTP/1.1 200 ")
        polite.sendall(GET + b"\r\n")
        assert polite.recv(65536).startswith(b"HTTP/1.1 200 ")
        for one in flood:
            one.close()
