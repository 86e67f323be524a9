"""One frozen Settings, read once at start and handed down. Unsafe combinations are refused here."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import msgspec

from rolecall.identifiers import ACCOUNT_ID


class UnsafeSettings(ValueError):
    """Settings that a server must not start with; the text says why and what to do instead."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is told. Sizes are in bytes, times in seconds."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 4500
    workers: int = 2
    account: str | None = None
    """The account id of a new data folder; drawn when absent. Must agree with an existing folder."""
    tutorial: bool = False
    """Lay out the tutorial's world in a new data folder."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allow_plain_http: bool = False
    """Listen beyond loopback without TLS, knowing that credentials and content travel in clear."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose X-Forwarded-For and X-Forwarded-Proto count."""
    base_domains: tuple[str, ...] = ("localhost",)
    """Domains under which `bucket.domain` addresses a bucket (virtual-host style)."""
    region: str | None = None
    """Where given, a credential scope must name this region; where not, any region is taken as signed."""
    body_timeout: float = 30.0
    """The longest wait for one piece of a request body."""
    max_form: int = 1024 * 1024
    """The largest form or JSON body (query protocol, JSON protocol)."""
    stop_timeout: float = 20.0
    """How long a stopping worker may finish what is under way."""
    sync: bool = True
    """Acknowledge a write only when it would survive a loss of power. Off is for benchmarks and throw-away tests."""

    def checked(self) -> Settings:
        """Return these settings, or raise UnsafeSettings with a sentence for the operator."""
        if self.account is not None and not ACCOUNT_ID.fullmatch(self.account):
            raise UnsafeSettings(f"--account takes 12 digits, not `{self.account}`.")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise UnsafeSettings("--tls-certificate and --tls-key go together: give both or neither.")
        if not 1 <= self.workers <= 64:
            raise UnsafeSettings(f"--workers takes a number from 1 to 64, not {self.workers}.")
        if not 0 <= self.port <= 65535:
            raise UnsafeSettings(f"--port takes a number from 0 to 65535, not {self.port}.")
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise UnsafeSettings(f"--trusted-proxy takes an address or a network, not `{network}`.") from None
        if (
            not self._is_loopback()
            and self.tls_certificate is None
            and not self.trusted_proxies
            and not self.allow_plain_http
        ):
            raise UnsafeSettings(
                f"`{self.host}` is reachable from other machines and this server has no TLS: credentials and content"
                " would travel in clear. Give --tls-certificate and --tls-key, name the TLS proxy in front"
                " with --trusted-proxy, or say --allow-plain-http if you accept that."
            )
        return self

    def _is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
