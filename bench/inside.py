"""`python -m bench.inside`: a request's processor time behind the HTTP server.

The gateway is called in this process with the requests of the table, one after the other. `all` is the time of every
thread, the trail's and the store's included; `own` is that of the thread that answers, in the quietest stretch of
requests. `--rooms` tells where it is spent, `--flame` draws it, `--profile` lists functions.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import servers, wrk
from bench.flame import picture
from bench.rooms import Rooms
from bench.workload import ROWS
from bench.worlds import rolecall_world
from rolecall.app.house import Worker
from rolecall.config import Settings
from rolecall.gateway import Gateway
from rolecall.message import Request

WARM = 300
CHUNK = 100


@dataclass(frozen=True)
class Spent:
    """Microseconds of processor time a request."""

    all: float
    own: float


class Sent:
    """A body that came in one piece."""

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._content = content

    def at_hand(self) -> bytes:
        """Return the body."""
        return self._content

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        if self._content:
            yield self._content


def request_of(sent: bytes) -> Request:
    """Return a request as the HTTP server would hand it on."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.encode().partition(b"?")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Request(method, path, query, headers, Sent(body), client="127.0.0.1")


async def feed(gateway: Gateway, requests: Sequence[Request]) -> None:
    """Have requests answered one after the other. Raises RuntimeError for an answer that is not 200."""
    for request in requests:
        response = await gateway.answer(request)
        if response.status not in {200, 206}:
            raise RuntimeError(f"refused with {response.status}")
        if isinstance(response.body, AsyncIterator):
            async for _ in response.body:
                pass


async def measure(gateway: Gateway, requests: Sequence[Request]) -> Spent:
    """Warm up, then measure."""
    await feed(gateway, requests[:WARM])
    timed = requests[WARM:]
    own = []
    every = time.process_time()
    for start in range(0, len(timed), CHUNK):
        chunk = timed[start : start + CHUNK]
        began = time.thread_time()
        await feed(gateway, chunk)
        own.append((time.thread_time() - began) / len(chunk))
    return Spent((time.process_time() - every) / len(timed) * 1e6, min(own) * 1e6)


async def _rows(settings: Settings, chosen: dict[str, list[bytes]], options: argparse.Namespace) -> None:
    worker = Worker(settings)
    await worker.start()
    gateway = worker.gateway
    print(f"{'request':<16} {'all µs':>9} {'own µs':>9}")
    for name, sent in chosen.items():
        requests = [request_of(one) for one in sent]
        spent = await measure(gateway, requests)
        print(f"{name:<16} {spent.all:>9.1f} {spent.own:>9.1f}", flush=True)
        if options.rooms or options.flame:
            rooms = Rooms()
            rooms.start()
            for _ in range(options.rounds):
                await feed(gateway, requests)
            rooms.stop()
            for room, share in rooms.shares():
                print(f"    {room:<20} {share:>5.0%}")
            if options.flame:
                file = options.flame / f"{name.lower().replace(' ', '-')}.svg"
                file.write_text(picture(rooms.stacks, f"{name}: processor time of the thread that answers"))
        if options.profile:
            with cProfile.Profile() as profile:
                await feed(gateway, requests)
            pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)
    await worker.stop()


def main() -> None:
    """Print a line for each row."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help="only rows with these words in their names")
    parser.add_argument("--requests", type=int, default=3000, help="how many requests of each (default: 3000)")
    parser.add_argument("--rooms", action="store_true", help="tell in which rooms the time is spent")
    parser.add_argument("--flame", type=Path, metavar="FOLDER", help="draw there which functions take the time")
    parser.add_argument("--rounds", type=int, default=1, help="how often to look at each request (default: 1)")
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="profile, and list so many functions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder:
        data = Path(folder) / "data"
        with servers.rolecall(data, workers=1, sync=False) as running:
            world = rolecall_world(running.address, data, Path(folder))
            names = [name for name, work in ROWS.items() if not work.alone]
            names = [name for name in names if not options.rows or any(word in name for word in options.rows)]
            chosen = {}
            for name in names:
                count = WARM + (options.requests if "10 MiB" not in name and "LIST" not in name else 50)
                chosen[name] = list(wrk.some(world.requests(name), count))
        asyncio.run(_rows(Settings(data=data), chosen, options))


if __name__ == "__main__":
    main()
