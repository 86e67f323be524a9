"""Cost that does not grow: a store with many users, roles, objects and issued sessions beside a small one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import servers, wrk
from bench.loader import Loader
from bench.servers import ACCOUNT, Running
from bench.workload import World
from bench.worlds import rolecall_world

ROWS = ("AssumeRole", "GET 1 KiB", "LIST first page", "LIST last page")


@dataclass(frozen=True)
class Fullness:
    """How much there is."""

    users: int
    roles: int
    objects: int
    sessions: int

    def __str__(self) -> str:
        """Say it."""
        return (
            f"{self.users:,} users, {self.roles:,} roles and {self.objects:,} objects,"
            f" after {self.sessions:,} sessions were issued"
        )


FULL = Fullness(10_000, 5_000, 1_000_000, 100_000)
LITTLE = Fullness(2_000, 1_000, 100_000, 10_000)


@contextmanager
def full(folder: Path, fullness: Fullness, *, workers: int) -> Iterator[tuple[Running, World]]:
    """Run a Rolecall with that much in it; its small objects are read from among all of them."""
    folder.mkdir()
    data = folder / "data"
    with servers.rolecall(data, workers=workers) as running:
        world = rolecall_world(running.address, data, folder, listed=0)
        with Loader(data, ACCOUNT) as loader:
            loader.users(fullness.users)
            loader.roles(fullness.roles)
            loader.objects("many", fullness.objects, size=1024)
        world = replace(world, listed=fullness.objects, read="many", readable=fullness.objects, made={})
        issued = 0
        while issued < fullness.sessions:
            run = wrk.run(world.requests("AssumeRole"), running.address, connections=16, seconds=2)
            if run.troubles:
                raise RuntimeError(f"{run.troubles} AssumeRole were refused")
            issued += run.requests
        yield running, world
