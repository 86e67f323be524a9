"""The baseline on granian with the settings of `rolecall serve`: python -m bench.granian_baseline PORT WORKERS."""

from __future__ import annotations

import sys

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server


def main() -> None:
    """Serve until told to stop."""
    Server(
        "bench.baseline:application",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=int(sys.argv[2]),
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        websockets=False,
        backlog=4096,
        backpressure=4096,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
