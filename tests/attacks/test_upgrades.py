"""Offers of another protocol, more than anybody could mean."""

from __future__ import annotations

import re

from tests.edge.served import HOST, echo, served


def test_thousands_of_offers_in_one_packet_are_thousands_of_requests() -> None:
    """Each was taken up inside the one before, until Python could go no deeper and the connection was cut."""
    offer = b"/%d HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    sent = b"".join(b"GET " + offer % number for number in range(3000))
    with served(echo) as server:
        answer = server.ask(sent)
    assert [int(number) for number in re.findall(rb"GET /(\d+)\?", answer)] == list(range(3000))
