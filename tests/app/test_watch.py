"""Readiness tries what it promises, and seldom; the log names a request as its answer does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rolecall.access.uses import Uses
from rolecall.app import watch as watching
from rolecall.app.logs import JsonLines
from rolecall.app.services import registry
from rolecall.app.watch import Watch
from rolecall.clock import FixedClock
from rolecall.config import Settings
from rolecall.gateway import Gateway
from rolecall.measures import Measures
from rolecall.message import Request
from rolecall.objects.local import LocalObjects
from rolecall.store.interface import StoreUnavailable
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail


class Troubled:
    """A store that does what it is told: nothing fails, views fail, writes fail, or writes never end."""

    def __init__(self, store: SqliteStore, how: str) -> None:
        self._store = store
        self.how = how
        self.writes = 0

    @contextmanager
    def view(self) -> Iterator[Any]:
        if self.how == "no views":
            raise StoreUnavailable("the disk is gone")
        with self._store.view() as view:
            yield view

    async def write(self, work: Any) -> Any:
        self.writes += 1
        if self.how == "no writes":
            raise StoreUnavailable("the disk is full")
        if self.how == "endless writes":
            await asyncio.sleep(60)
        return await self._store.write(work)


class Stuck:
    """A trail that says whether it is stuck."""

    def __init__(self, is_stuck: bool) -> None:
        self.is_stuck = is_stuck


@pytest.mark.parametrize(
    ("how", "stuck", "said"),
    [("all is well", False, ""), ("no views", False, "keys"), ("no writes", False, "store"),
     ("endless writes", False, "store"), ("all is well", True, "trail")],
)  # fmt: skip
def test_a_worker_is_ready_where_keys_store_and_trail_are(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, how: str, stuck: bool, said: str
) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0.1)
    monkeypatch.setattr(watching, "session_keys", lambda view: view.get(b"any"))
    troubled = Troubled(store, how)
    watch = Watch(troubled, Stuck(stuck), None, Measures())  # type: ignore[arg-type]

    async def ask_often() -> set[str]:
        return set(await asyncio.gather(*(watch.trouble() for _ in range(100))))

    assert asyncio.run(ask_often()) == {said}
    assert troubled.writes <= 1


def test_trying_the_store_leaves_nothing_in_it(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "session_keys", lambda view: None)
    with store.view() as view:
        before = view.scan(b"")
    watch = Watch(store, Stuck(False), None, Measures())  # type: ignore[arg-type]
    assert asyncio.run(watch.trouble()) == ""
    with store.view() as view:
        assert view.scan(b"") == before


class NoBody:
    """A body that breaks the server."""

    async def chunks(self) -> Any:
        raise RuntimeError("a bug")
        yield b""


def test_the_log_names_a_request_as_its_answer_does(
    store: SqliteStore, objects: LocalObjects, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FixedClock(datetime(2026, 11, 25, tzinfo=UTC))
    trail = Trail(store, clock=clock)
    settings = Settings(data=tmp_path)
    gateway = Gateway(registry(trail), store, objects, trail, Uses(), clock, settings, "123456789012")
    headers = (("host", "localhost"), ("content-type", "application/x-www-form-urlencoded"), ("content-length", "5"))
    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(gateway.answer(Request("POST", b"/", b"", headers, NoBody())))
    trail.close()
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert answer.status == 500
    assert line["request_id"] == dict(answer.headers)["x-amzn-requestid"]
    assert line["level"] == "ERROR"
    assert "RuntimeError: a bug" in line["exception"]
    assert "\n" not in JsonLines().format(caplog.records[0])
