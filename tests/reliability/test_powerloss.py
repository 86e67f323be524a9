"""Whatever the server acknowledged survives a loss of power, and the test would see it if it did not.

`tests/store/test_powerloss.py` asks the same of the store and of object bytes alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import soaking
from tests.reliability.powerloss import lose_power, record
from tests.store.powerloss import Event, read_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("powerloss")


@pytest.fixture(scope="module")
def events(folder: Path) -> list[Event]:
    return read_log(record(folder, processes=2, changes=30))


def test_nothing_the_server_acknowledged_is_lost_with_the_power(events: list[Event], folder: Path) -> None:
    assert lose_power(events, folder, points=150, seed=1) == []


@pytest.mark.parametrize("kind", ["log", "checkpoint", "blob", "blob's folder"])
def test_the_loss_of_a_kind_of_sync_would_be_seen(events: list[Event], folder: Path, kind: str) -> None:
    assert lose_power(events, folder, points=150, seed=2, dropped=kind, first_only=True)


@pytest.mark.soak
def test_nothing_the_server_acknowledged_is_lost_at_ten_thousand_points(tmp_path: Path) -> None:
    recordings, points = 10, soaking.count(1000, at_least=50)
    for number in range(recordings):
        folder = tmp_path / str(number)
        folder.mkdir()
        log = record(folder, processes=2, changes=80)
        assert lose_power(read_log(log), folder, points=points, seed=number) == []
        soaking.progress(f"loss of power: {(number + 1) * points} of {recordings * points} points, nothing lost")
