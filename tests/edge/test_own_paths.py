"""Our own unsigned paths: who may see the numbers, and what a worker says that cannot do its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rolecall.edge.own_paths import OwnPaths
from rolecall.message import Request, Response

TOKEN = "a-token-of-the-operator"


class NoBody:
    """No body."""

    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


class Watch:
    """A watch that says what it is told."""

    def __init__(self, trouble: str = "") -> None:
        self._trouble = trouble

    async def trouble(self) -> str:
        return self._trouble

    def text(self) -> str:
        return "rolecall_connections 1\n"


def ask(
    path: str,
    *headers: tuple[str, str],
    client: str = "127.0.0.1",
    method: str = "GET",
    token: str | None = None,
    proxies: tuple[str, ...] = (),
    trouble: str = "",
) -> Response:
    host = () if any(name == "host" for name, _ in headers) else (("host", "127.0.0.1:4500"),)
    request = Request(method, path.encode(), b"", (*host, *headers), NoBody(), client=client)
    return asyncio.run(OwnPaths(Watch(trouble), token, proxies).answer(request))


def test_health_and_readiness_need_nothing() -> None:
    assert ask("/-/health", client="203.0.113.5").status == 200
    assert ask("/-/ready", client="203.0.113.5").status == 200
    unready = ask("/-/ready", trouble="store")
    assert (unready.status, unready.body) == (503, b"not ready: store\n")


STRANGERS = {
    "another machine": ask("/-/metrics", client="203.0.113.5"),
    "a proxy on this machine": ask("/-/metrics", ("x-forwarded-for", "203.0.113.5")),
    "a proxy that says so otherwise": ask("/-/metrics", ("forwarded", "for=203.0.113.5")),
    "a page in a browser on this machine": ask("/-/metrics", ("host", "evil.example")),
    "anybody where proxies speak from this machine": ask("/-/metrics", proxies=("127.0.0.1",)),
    "nobody's address": ask("/-/metrics", client=""),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_metrics_are_not_for(who: str) -> None:
    assert STRANGERS[who].status == 403
    assert b"rolecall_" not in bytes(STRANGERS[who].body)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1:4500", "localhost:4500", "[::1]:4500", "127.0.0.1"])
def test_metrics_are_for_this_machine_where_no_token_is_set(host: str) -> None:
    answer = ask("/-/metrics", ("host", host))
    assert (answer.status, answer.body) == (200, b"rolecall_connections 1\n")
    assert dict(answer.headers)["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xe4"]
)
def test_with_a_token_metrics_are_for_nobody_else(sent: str) -> None:
    headers = (("authorization", sent),) if sent else ()
    assert ask("/-/metrics", *headers, token=TOKEN).status == 401


def test_with_the_token_metrics_are_for_everybody() -> None:
    answer = ask("/-/metrics", ("authorization", f"Bearer {TOKEN}"), client="203.0.113.5", token=TOKEN)
    assert answer.status == 200


def test_nothing_else_is_there_and_nothing_is_changed() -> None:
    assert ask("/-/other").status == 404
    assert ask("/-/health", method="POST").status == 405
