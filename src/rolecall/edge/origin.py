"""Where a request comes from: the peer's address, or what a trusted proxy says of its own client."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from rolecall.message import Headers

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks whose X-Forwarded-For and X-Forwarded-Proto count."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Read the networks. Raises ValueError."""
        self._networks: list[Network] = [ipaddress.ip_network(network, strict=False) for network in networks]

    def trusts(self, address: str) -> bool:
        """Tell whether `address` is a trusted proxy's."""
        if not self._networks:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


class Origin:
    """The other end of one connection."""

    __slots__ = ("_proxies", "_secure", "peer", "tls_version")

    def __init__(self, peer: str, tls_version: str | None, proxies: Proxies) -> None:
        """`tls_version` is `1.2` or `1.3`, or None on a plain connection."""
        self.peer = plain(peer)
        self.tls_version = tls_version
        self._secure = tls_version is not None
        self._proxies = proxies if proxies.trusts(self.peer) else None

    @property
    def is_proxy(self) -> bool:
        """Whether the peer is a trusted proxy."""
        return self._proxies is not None

    def of(self, headers: Headers) -> tuple[str, bool]:
        """Return a request's client and whether it is secure: the last address that no trusted proxy has."""
        if self._proxies is None:
            return self.peer, self._secure
        forwarded = ",".join([value for name, value in headers if name == "x-forwarded-for"])
        client = self.peer
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            address = _address(hop)
            if address is None:
                break
            client = address
            if not self._proxies.trusts(client):
                break
        protocols = [value for name, value in headers if name == "x-forwarded-proto"]
        return client, self._secure or (len(protocols) == 1 and protocols[0].strip().lower() == "https")


def plain(address: str) -> str:
    """Return an IPv4 address as itself that a socket for both kinds shows as `::ffff:192.0.2.7`.

    As IPv6 it would be in none of the IPv4 networks that policies deny and proxies are named by.
    """
    if not address.lower().startswith("::ffff:"):
        return address
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return address if mapped is None else str(mapped)


def _address(hop: str) -> str | None:
    """Return the bare address of one entry of X-Forwarded-For, which may carry a port, or None if it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return plain(str(ipaddress.ip_address(hop)))
    except ValueError:
        return None
