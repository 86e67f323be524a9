"""A worker process: `python -m rolecall.app.worker LISTENER MEMORY NUMBER`, started by the server's supervisor.

LISTENER and MEMORY are descriptors that it inherits: the listening socket, and the memory that all workers share. Its
settings come in one line on standard input. When standard input ends, the server is gone, and the worker goes too.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import uvloop

from rolecall.app.house import Worker
from rolecall.app.logs import begin_log
from rolecall.app.shared import Shared
from rolecall.app.supervisor import CANNOT, READY
from rolecall.app.tls import tls_context
from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.edge import Edge, Listening, OwnPaths
from rolecall.objects.interface import ObjectsError
from rolecall.store.interface import StoreError

ORPHAN_SECONDS = 2.0
"""How long a worker whose server is gone may take to finish what is under way."""


def main() -> int:
    """Serve until told to stop; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server passes on what is meant
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    settings = Settings.from_line(line)
    begin_log(settings.log_format)
    listener, shared, place = map(int, sys.argv[1:4])
    try:
        uvloop.run(_serve(settings, socket.socket(fileno=listener), Shared(shared, settings.workers), place))
    except (StoreError, ObjectsError) as trouble:
        print(f"rolecall serve: {trouble}", file=sys.stderr, flush=True)
        return CANNOT
    return 0


async def _serve(settings: Settings, listener: socket.socket, shared: Shared, place: int) -> None:
    loop = asyncio.get_running_loop()
    worker = Worker(settings, shared, place)
    own_paths = OwnPaths(worker.watch, settings.metrics_token(), settings.trusted_proxies)
    edge = Edge(worker.gateway.answer, own_paths, settings)
    listening = Listening(edge, settings, SystemClock(), sender_of=worker.limits.sender_of, measures=worker.measures)
    stop: asyncio.Future[float] = loop.create_future()

    def ask_to_stop(patience: float) -> None:
        if not stop.done():
            stop.set_result(patience)

    loop.add_signal_handler(signal.SIGTERM, ask_to_stop, settings.stop_timeout)
    threading.Thread(target=_outlive_not, args=(loop, ask_to_stop), daemon=True).start()
    await worker.start()
    await listening.serve(listener, tls_context(settings))
    worker.watch.start(listening)
    os.write(1, READY)
    patience = await stop
    await listening.stop(patience)
    await worker.stop()


def _outlive_not(loop: asyncio.AbstractEventLoop, ask_to_stop: Callable[[float], None]) -> None:
    """Wait until the server is gone, and end, however busy the event loop is."""
    while os.read(0, 1024):
        pass
    loop.call_soon_threadsafe(ask_to_stop, ORPHAN_SECONDS)
    threading.Event().wait(2 * ORPHAN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
