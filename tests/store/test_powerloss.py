"""What was acknowledged survives a loss of power, and the test would see it if it did not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import soaking
from tests.store.powerloss import Event, lose_power, read_log, record_in_processes

KINDS = ["log", "checkpoint", "blob", "blob's folder"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("powerloss")


@pytest.fixture(scope="module")
def events(folder: Path) -> list[Event]:
    return read_log(record_in_processes(folder, processes=2, writes=100))


def test_nothing_acknowledged_is_lost_with_the_power(events: list[Event], folder: Path) -> None:
    assert lose_power(events, folder, points=600, seed=1) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_a_kind_of_sync_would_be_seen(events: list[Event], folder: Path, kind: str) -> None:
    assert lose_power(events, folder, points=300, seed=2, dropped=kind, first_only=True)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_at_ten_thousand_points(tmp_path: Path) -> None:
    log = record_in_processes(tmp_path, processes=2, writes=150)
    assert lose_power(read_log(log), tmp_path, points=soaking.count(10_000, at_least=500), seed=3) == []
