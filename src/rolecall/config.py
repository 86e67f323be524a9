"""One frozen Settings, read once at start and handed down. Unsafe combinations are refused here."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

import msgspec

from rolecall.identifiers import ACCOUNT_ID

LogFormat = Literal["text", "json"]

_MIN_TOKEN = 16


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

    principal_rate: float | None = None
    """Requests a second that one principal may go on sending, to all workers together; None sets no limit."""
    anonymous_rate: float | None = None
    """The same for unsigned requests from one address."""
    unproved_rate: float | None = 1000.0
    """The same for requests from one address whose signature or key is wrong."""
    metrics_token_file: Path | None = None
    """The file with the bearer token for `/-/metrics`; without it they are for this machine."""
    log_format: LogFormat = "text"

    def to_line(self) -> bytes:
        """Return the settings as one line of JSON, for a worker. It holds no secret."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def from_line(cls, line: bytes) -> Settings:
        """Return the settings of `to_line`."""
        return msgspec.json.decode(line, type=cls, dec_hook=_path)

    def metrics_token(self) -> str | None:
        """Return the token for `/-/metrics`, None where none is asked for. Raises UnsafeSettings."""
        if self.metrics_token_file is None:
            return None
        try:
            token = self.metrics_token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise UnsafeSettings(f"cannot read --metrics-token-file `{self.metrics_token_file}`: {error}.") from None
        if len(token) < _MIN_TOKEN:
            raise UnsafeSettings(f"--metrics-token-file holds a token of fewer than {_MIN_TOKEN} characters.")
        return token

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
        for name, rate in (("", self.principal_rate), ("anonymous-", self.anonymous_rate)):
            if rate is not None and not 0 < rate <= 1e9:
                raise UnsafeSettings(f"--{name}rate-limit takes a number of requests a second above 0, not {rate:g}.")
        self.metrics_token()
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


def _path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError
