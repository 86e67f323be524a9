"""Our own unsigned paths: `/-/health`, `/-/ready`, `/-/metrics`."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from typing import Protocol

from rolecall.message import Request, Response

_TEXT = (("content-type", "text/plain; charset=utf-8"),)
_METRICS = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)
_FORWARDED = ("x-forwarded-for", "forwarded", "via", "x-real-ip")


class Watch(Protocol):
    """What tells the state of a worker."""

    async def trouble(self) -> str:
        """Return what keeps the worker from its work, in a word; an empty text where nothing does."""
        ...

    def text(self) -> str:
        """Return the server's numbers in Prometheus' text format."""
        ...


class OwnPaths:
    """Answers them."""

    def __init__(self, watch: Watch, token: str | None, trusted_proxies: Sequence[str]) -> None:
        """Metrics are for who knows `token`; without one, for this machine, unless proxies speak from it."""
        self._watch = watch
        self._token = token
        self._is_local_open = token is None and not trusted_proxies

    async def answer(self, request: Request) -> Response:
        """Answer a request for one of our own paths."""
        if request.method not in {"GET", "HEAD"}:
            return Response(405, (("allow", "GET, HEAD"),))
        if request.raw_path == b"/-/health":
            return Response(200, _TEXT, b"alive\n")
        if request.raw_path == b"/-/ready":
            trouble = await self._watch.trouble()
            return (
                Response(503, _TEXT, f"not ready: {trouble}\n".encode())
                if trouble
                else Response(200, _TEXT, b"ready\n")
            )
        if request.raw_path == b"/-/metrics":
            return self._metrics(request)
        return Response(404)

    def _metrics(self, request: Request) -> Response:
        if self._token is not None:
            if not _is_bearer(request, self._token):
                return Response(401, (("www-authenticate", "Bearer"),))
        elif not (self._is_local_open and _is_local(request)):
            return Response(
                403, _TEXT, b"metrics are for this machine, or for who knows the token of --metrics-token-file\n"
            )
        return Response(200, _METRICS, self._watch.text().encode())


def _is_bearer(request: Request, token: str) -> bool:
    scheme, _, sent = (request.header("authorization") or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode())


def _is_local(request: Request) -> bool:
    """Tell whether a request was made on this machine, by a program that means this machine, and by no proxy."""
    host = (request.header("host") or "").rpartition(":")[0] or (request.header("host") or "")
    try:
        is_local = ipaddress.ip_address(request.client).is_loopback
        is_meant = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
    return is_local and is_meant and not any(name in request.by_name for name in _FORWARDED)
