"""`python -m bench.baseline PORT WORKERS`: the application to compare with, on the HTTP server of `rolecall serve`.

It reads every request to its end and answers what was once answered to its like. Nothing is checked, nothing looked up:
what it reaches is what any application could reach there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.edge import Edge, Handler, Listening
from rolecall.measures import CELLS, Measures, numbers_of, shared_memory
from rolecall.message import FileBody, Request, Response

ANSWERS = "BENCH_ANSWERS"
"""The environment variable that names the file of answers: a list of kind, headers and size of the body."""
LARGE = "BENCH_LARGE"
"""The environment variable that names the file that is sent where a body is large."""
_IS_LARGE = 256 * 1024
_OWN = frozenset({"date", "server", "connection", "content-length", "transfer-encoding"})


def kind_of(method: str, raw_path: bytes, query: bytes) -> str:
    """Return which answer a request gets: by its method, its bucket, and whether it has a query."""
    return f"{method} {raw_path.split(b'/', 2)[1].decode()}{'?' if query else ''}"


def application() -> Handler:
    """Make what answers."""
    answers = {
        kind: _answer(headers, size) for kind, headers, size in json.loads(Path(os.environ[ANSWERS]).read_text())
    }
    hello = Response(200, (), b"hello")

    async def answer(request: Request) -> Response:
        async for _ in request.body.chunks():
            pass
        return answers.get(kind_of(request.method, request.raw_path, request.raw_query), hello)

    return answer


def _answer(headers: list[tuple[str, str]], size: int) -> Response:
    kept = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
    return Response(200, kept, bytes(size) if size <= _IS_LARGE else FileBody(os.environ[LARGE], size))


async def _serve(listener: socket.socket, measures: Measures) -> None:
    settings = Settings(data=Path())
    listening = Listening(Edge(application(), None, settings), settings, SystemClock(), measures=measures)
    await listening.serve(listener, None)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until told to stop."""
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    workers: list[int] = []
    count = int(sys.argv[2])
    numbers = numbers_of(shared_memory(CELLS * count * 8), 0, CELLS * count)
    for place in range(count):
        worker = os.fork()
        if not worker:
            uvloop.run(_serve(listener, Measures(numbers, place)))
        workers.append(worker)

    def stop(sign: int, frame: object) -> None:
        del sign, frame
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.pause()


if __name__ == "__main__":
    main()
