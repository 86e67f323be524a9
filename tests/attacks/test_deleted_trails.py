"""A trail that is changed while its events are being delivered: what was said last holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.access.world import ACCOUNT, World
from tests.services.cloudtrail.test_delivery import House

from rolecall.services.cloudtrail import delivery as room
from rolecall.store.interface import Transaction
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Event
from rolecall.trail.configured import ConfiguredTrail, configured_trail, delete_trail, put_trail


def _stop(transaction: Transaction, trail: ConfiguredTrail) -> None:
    put_trail(transaction, msgspec.structs.replace(trail, logging=False, stopped=trail.delivered, bucket="elsewhere"))


@pytest.mark.parametrize("change", [delete_trail, _stop])
def test_a_crowded_span_brings_back_no_trail_that_was_changed_meanwhile(
    store: SqliteStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Transaction, ConfiguredTrail], None],
) -> None:
    """The worker that made the span shorter wrote the whole trail back as it had read it."""
    monkeypatch.setattr(room, "MOST", 4)
    house = House(World(store), tmp_path / "objects")
    house.configure()
    house.note(10)
    house.world.wait(seconds=20)
    worker = house.worker()
    find = worker._events

    changes = [change]

    def meanwhile(trail: ConfiguredTrail) -> list[Event]:
        if changes:
            house.world.change(lambda transaction: changes.pop()(transaction, trail))
        return find(trail)

    monkeypatch.setattr(worker, "_events", meanwhile)
    asyncio.run(worker.once())
    with store.view() as view:
        after = configured_trail(view, ACCOUNT, "eu-central-1", "audit")
    assert after is None or (not after.logging and after.bucket == "elsewhere")
    assert (after is None) is (change is delete_trail)
