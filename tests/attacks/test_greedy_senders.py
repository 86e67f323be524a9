"""Senders who take what they can get: others come to their turn all the same."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.edge.test_flood import _ask, _url
from tests.serving import ACCOUNT, serving

from rolecall.access.limits import THROTTLED_SECONDS
from rolecall.edge import writer as room
from rolecall.edge.writer import WINDOW, Writer

_READ = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}}'


class Transport:
    """A plain connection with nothing left to write."""

    def __init__(self, other: socket.socket) -> None:
        self._other = other

    def get_extra_info(self, name: str) -> Any:
        return self._other if name == "socket" else None

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        del high


def test_who_reads_as_fast_as_the_server_writes_keeps_nobody_from_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole object went out in one step of the event loop as long as the kernel took it."""
    monkeypatch.setattr(room.os, "sendfile", lambda descriptor, file, start, size: size)
    monkeypatch.setattr(room, "_is_at_hand", lambda file, place: True)
    (tmp_path / "object").write_bytes(b"")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scene() -> None:
        beside = asyncio.create_task(others())
        one, two = socket.socketpair()
        file = os.open(tmp_path / "object", os.O_RDONLY)
        with one, two:
            await Writer(Transport(one), lambda waits: None).send_file(file, 0, 50 * WINDOW)  # type: ignore[arg-type]
        os.close(file)
        beside.cancel()

    asyncio.run(scene())
    assert turns >= 50


def test_who_is_told_to_slow_down_hears_it_slowly(tmp_path: Path) -> None:
    """Sixteen connections that asked again at once kept two workers busy with refusals."""
    with serving(tmp_path / "data", "--account", ACCOUNT, "--rate-limit", "5") as server:
        target = _url(server, server.user("eager", _READ))
        connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=20)
        began = time.monotonic()
        statuses = [_ask(connection, target) for _ in range(25)]
        throttled = statuses.count(503)
        assert set(statuses) == {200, 503}
        assert time.monotonic() - began >= throttled * THROTTLED_SECONDS
