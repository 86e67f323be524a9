"""Workers that accept from one socket: each takes its share, and none waits for another that is stuck."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop
from tests.edge.served import echo

from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.edge import Edge, Listening
from rolecall.measures import CELLS, Measures, numbers_of, shared_memory

WORKERS = 2


def workers() -> list[Listening]:
    numbers = numbers_of(shared_memory(CELLS * WORKERS * 8), 0, CELLS * WORKERS)
    settings = Settings(data=Path("nowhere"))
    return [
        Listening(Edge(echo, None, settings), settings, SystemClock(), measures=Measures(numbers, place))
        for place in range(WORKERS)
    ]


async def burst(count: int, *, late: float | None) -> list[int]:
    """Return how many of `count` connections, opened at once, each worker has; the second one wakes up `late`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    first, second = workers()
    clients = [socket.create_connection(listener.getsockname()) for _ in range(count)]
    await first.serve(listener.dup(), None)
    if late is not None:
        await asyncio.sleep(late)
        await second.serve(listener.dup(), None)
    for _ in range(500):
        if first.connections + second.connections == count:
            break
        await asyncio.sleep(0.01)
    found = [first.connections, second.connections]
    for client in clients:
        client.close()
    for worker in (first, second):
        await worker.stop(1.0)
    listener.close()
    return found


@pytest.mark.parametrize("late", [0.0, 0.012])
def test_a_burst_is_shared_though_one_worker_is_awake_first(late: float) -> None:
    first, second = uvloop.run(burst(16, late=late))
    assert first + second == 16
    assert abs(first - second) <= 4, (first, second)


def test_a_worker_that_accepts_nothing_keeps_nobody_waiting() -> None:
    assert uvloop.run(burst(16, late=None)) == [16, 0]
