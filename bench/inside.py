"""`python -m bench.inside`: a request's processor time inside the application, without HTTP server and load generator.

The ASGI application is called in this process with the requests of the table, one after the other. `all` is the time of
every thread, the trail's and the store's included; `own` is that of the thread that answers, in the quietest stretch of
requests. `--rooms` tells where it is spent, `--profile` in which functions.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import servers, wrk
from bench.rooms import Rooms
from bench.workload import ROWS
from bench.worlds import rolecall_world
from rolecall.app.house import open_edge
from rolecall.config import Settings
from rolecall.edge import Edge, Message, Scope

WARM = 300
CHUNK = 100


@dataclass(frozen=True)
class Spent:
    """Microseconds of processor time a request."""

    all: float
    own: float


def scope_of(request: bytes) -> tuple[Scope, bytes]:
    """Return a request as the HTTP server would hand it on."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, path, _ = first.split(b" ")
    raw_path, _, query = path.partition(b"?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method.decode(),
        "scheme": "http",
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)],
        "client": ("127.0.0.1", 40000),
        "extensions": {"http.response.pathsend": {}},
    }
    return scope, body


async def feed(edge: Edge, requests: Sequence[tuple[Scope, bytes]]) -> None:
    """Have requests answered one after the other. Raises RuntimeError for an answer that is not 200."""
    for scope, body in requests:

        async def receive(body: bytes = body) -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message.get("status", 200) != 200:
                raise RuntimeError(f"refused with {message['status']}")

        await edge(scope, receive, send)


async def measure(edge: Edge, requests: Sequence[tuple[Scope, bytes]]) -> Spent:
    """Warm up, then measure."""
    await feed(edge, requests[:WARM])
    timed = requests[WARM:]
    own = []
    every = time.process_time()
    for start in range(0, len(timed), CHUNK):
        chunk = timed[start : start + CHUNK]
        began = time.thread_time()
        await feed(edge, chunk)
        own.append((time.thread_time() - began) / len(chunk))
    return Spent((time.process_time() - every) / len(timed) * 1e6, min(own) * 1e6)


async def _rows(settings: Settings, chosen: dict[str, list[tuple[Scope, bytes]]], options: argparse.Namespace) -> None:
    edge = open_edge(settings)
    async with _alive(edge):
        await _measure_rows(edge, chosen, options)


@asynccontextmanager
async def _alive(edge: Edge) -> AsyncIterator[None]:
    """Have the application begin and end as a server does."""
    events: asyncio.Queue[Message] = asyncio.Queue()
    begun = asyncio.Event()

    async def send(message: Message) -> None:
        del message
        begun.set()

    life = asyncio.create_task(edge({"type": "lifespan"}, events.get, send))
    events.put_nowait({"type": "lifespan.startup"})
    await begun.wait()
    yield
    events.put_nowait({"type": "lifespan.shutdown"})
    await life


async def _measure_rows(edge: Edge, chosen: dict[str, list[tuple[Scope, bytes]]], options: argparse.Namespace) -> None:
    print(f"{'request':<16} {'all µs':>9} {'own µs':>9}")
    for name, requests in chosen.items():
        spent = await measure(edge, requests)
        print(f"{name:<16} {spent.all:>9.1f} {spent.own:>9.1f}", flush=True)
        if options.rooms:
            rooms = Rooms()
            rooms.start()
            await feed(edge, requests)
            rooms.stop()
            for room, share in rooms.shares():
                print(f"    {room:<20} {share:>5.0%}")
        if options.profile:
            with cProfile.Profile() as profile:
                await feed(edge, requests)
            pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)


def main() -> None:
    """Print a line for each row."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help="only rows with these words in their names")
    parser.add_argument("--requests", type=int, default=3000, help="how many requests of each (default: 3000)")
    parser.add_argument("--rooms", action="store_true", help="tell in which rooms the time is spent")
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="profile, and list so many functions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder:
        data = Path(folder) / "data"
        with servers.rolecall(data, workers=1, server="granian", sync=False) as running:
            world = rolecall_world(running.address, data, Path(folder))
            names = [name for name in ROWS if not options.rows or any(word in name for word in options.rows)]
            chosen = {}
            for name in names:
                count = WARM + (options.requests if "10 MiB" not in name and "LIST" not in name else 50)
                chosen[name] = [scope_of(request) for request in wrk.some(world.requests(name), count)]
        asyncio.run(_rows(Settings(data=data), chosen, options))


if __name__ == "__main__":
    main()
