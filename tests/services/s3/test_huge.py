"""The largest object there is, up and down, with the memory that takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import servers, transfers
from bench.worlds import rolecall_world


@pytest.mark.soak
def test_five_gibibytes_go_up_and_down_in_little_memory(tmp_path: Path) -> None:
    """AWS's largest PUT. A worker stays below 200 MB; without anything to do it has some 50."""
    data = tmp_path / "data"
    with servers.rolecall(data, workers=2) as running:
        world = rolecall_world(running.address, data, tmp_path, listed=0)
        _, _, most = transfers.huge(world, running)
    assert most < 200, f"{most:.0f} MB"
