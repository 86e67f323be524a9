"""The caller's address is one text, however the socket or a proxy spells it: policies compare it with networks."""

from __future__ import annotations

import pytest

from rolecall.edge.origin import Origin, Proxies


def client_of(peer: str, forwarded: str | None = None, proxies: tuple[str, ...] = ()) -> str:
    """Return the address that a request is handled under."""
    headers = (("host", "localhost"), *(() if forwarded is None else (("x-forwarded-for", forwarded),)))
    return Origin(peer, None, Proxies(proxies)).of(headers)[0]


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:nonsense", "::ffff:nonsense"),
    ],
)
def test_an_ipv4_address_in_the_clothes_of_ipv6_is_held_against_ipv4_networks(peer: str, client: str) -> None:
    """On a socket for both kinds `::ffff:10.0.0.1` was in no network that a policy denied (GHSA-fc6g-2gcp-2qrq)."""
    assert client_of(peer) == client


def test_a_named_proxy_is_known_and_its_word_read_in_either_spelling() -> None:
    assert client_of("::ffff:10.0.0.1", "::ffff:192.0.2.7", proxies=("10.0.0.0/8",)) == "192.0.2.7"
    assert client_of("10.0.0.1", "192.0.2.7, [::ffff:10.0.0.2]:443", proxies=("10.0.0.0/8",)) == "192.0.2.7"
