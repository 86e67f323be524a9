"""`kill -9` of the server, of a worker, of a writer in mid batch, under everything that the server does.

Afterwards everything acknowledged is there and whole, nothing half-made is visible, and what was not answered was done
wholly or not at all.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest
from tests import soaking
from tests.reliability import mix, storms
from tests.reliability.asking import Key
from tests.reliability.ledger import Ledger
from tests.reliability.over_http import Connection, workers
from tests.serving import ACCOUNT, serving

TRAIL_SECONDS = 2.0
"""What the trail may lack: the events of so many seconds before a kill. Nearly always it is a fifth of one."""


class Siege:
    """A data folder, what was acknowledged of it, and the kills it went through."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ledger = Ledger()
        self.keys: dict[str, Key] = {}
        self.kills: list[tuple[str, float, bool]] = []
        """What was killed, when, and whether a batch was under way."""
        self.actor: Key | None = None

    def live_through(self, kinds: list[str], *, sync: bool = True, before: float = 1.0, after: float = 0.5) -> None:
        """Serve, storm, and kill one after the other of `kinds`; after each look for what changed. Ends with the server."""
        with serving(self.data, "--account", ACCOUNT, sync=sync) as server:
            if self.actor is None:
                self.actor = mix.prepare(Connection(server).ask)
            assert storms.wrong_now(server, self.ledger, self.keys) == []
            for kind in kinds:
                serve_on = kind in {"worker", "writer"}
                old = set(workers(server))
                with storms.storm(server, self.ledger, storms.everything(self.actor, self.keys), f"{len(self.kills)}"):
                    time.sleep(before)
                    busy = getattr(storms, f"kill_{kind}")(server)
                    self.kills.append((kind, time.monotonic(), bool(busy)))
                    if serve_on:
                        time.sleep(after)
                if not serve_on:
                    return
                storms.await_workers(server, old - set(workers(server)))
                assert storms.wrong_now(server, self.ledger, self.keys) == []

    def look_at_everything(self) -> None:
        with serving(self.data, sync=True) as server:
            assert storms.wrong_now(server, self.ledger, self.keys, everything=True) == []

    def missing_events(self) -> tuple[int, float]:
        """Return how many acknowledged requests the trail lacks, and for how long before a kill at the most."""
        known = storms.trail_requests(self.data)
        missing = [moment for request, moment in self.ledger.events if request not in known]
        ages = [min(max(0.0, kill - moment) for _, kill, _ in self.kills if moment < kill + 0.5) for moment in missing]
        return len(missing), max(ages, default=0.0)


def test_everything_acknowledged_survives_kill_9_of_a_worker_and_of_the_server(tmp_path: Path) -> None:
    siege = Siege(tmp_path / "data")
    siege.live_through(["writer", "server"])
    siege.look_at_everything()
    assert siege.ledger.acknowledged > 200
    assert siege.ledger.doubtful > 0
    assert siege.ledger.refused == []
    missing, age = siege.missing_events()
    assert age < TRAIL_SECONDS, f"{missing} events are missing, one of {age:.1f} s before a kill"


@pytest.mark.soak
def test_everything_acknowledged_survives_a_hundred_kills(tmp_path: Path) -> None:
    kills = 0
    chance = random.Random(11)
    wanted = soaking.count(120, at_least=6)
    for life in range(10**6):
        siege = Siege(tmp_path / f"data-{life}")
        while len(siege.kills) < 20 and kills + len(siege.kills) < wanted:
            rounds = [chance.choice(["worker", "writer"]) for _ in range(chance.randint(0, 3))]
            siege.live_through([*rounds, chance.choice(["server", "master"])], before=chance.uniform(0.2, 2))
            _tell(siege, kills, wanted)
        siege.look_at_everything()
        assert siege.ledger.refused == []
        assert siege.missing_events()[1] < TRAIL_SECONDS
        kills += len(siege.kills)
        shutil.rmtree(siege.data)
        if kills >= wanted:
            return


def _tell(siege: Siege, before: int, wanted: int) -> None:
    missing, age = siege.missing_events()
    busy = sum(1 for _, _, caught in siege.kills if caught)
    soaking.progress(
        f"kills: {before + len(siege.kills)} of {wanted} ({busy} of the last {len(siege.kills)} with a batch under way);"
        f" {siege.ledger.acknowledged} acknowledged, {siege.ledger.doubtful} in doubt, nothing lost;"
        f" the trail lacks {missing} events, {age:.2f} s before a kill at the most"
    )
