"""The load: `wrk` sending prepared requests, each once."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).with_name("replay.lua")
MISSING = "The benchmarks drive their load with `wrk`, which is not installed: `apt-get install wrk`, then run again."


@dataclass(frozen=True)
class Measured:
    """What one run saw. Latencies are in milliseconds; `troubles` are answers that were not 2xx, and broken ones."""

    requests: int
    rate: float
    p50: float
    p99: float
    bytes: int
    troubles: int


@dataclass
class Prepared:
    """Requests in a file, and how far each server has come in it."""

    file: Path
    count: int
    body: Path | None = None
    """Where the body of every request lies, when it is not in the file."""
    begun: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One answer, read in full."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_installed() -> bool:
    """Tell whether there is a wrk to run."""
    return shutil.which("wrk") is not None


def prepare(file: Path, requests: Iterable[bytes], body: Path | None = None) -> Prepared:
    """Write requests for `run`."""
    count = 0
    with file.open("wb") as out:
        for request in requests:
            out.write(b"%10d" % len(request) + request)
            count += 1
    return Prepared(file, count, body)


def run(prepared: Prepared, address: str, *, connections: int, seconds: int) -> Measured:
    """Send requests for some seconds, from where the last run against `address` ended."""
    begin = prepared.begun.get(address, 0)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    command += [f"http://{address}/", "--", str(prepared.file), str(begin)]
    command += [str(prepared.body)] if prepared.body else []
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("measured "))
    requests, duration, size, refused, broken, p50, p99 = (int(word) for word in line.split()[1:])
    prepared.begun[address] = begin + requests + connections
    return Measured(requests, requests / duration * 1e6, p50 / 1e3, p99 / 1e3, size, refused + broken)


def some(prepared: Prepared, count: int) -> list[bytes]:
    """Return the first requests of a file, with their bodies."""
    body = prepared.body.read_bytes() if prepared.body else b""
    with prepared.file.open("rb") as file:
        return [file.read(int(file.read(10))) + body for _ in range(min(count, prepared.count))]


def first(prepared: Prepared) -> bytes:
    """Return the first request of a file, with its body."""
    return some(prepared, 1)[0]


def send(address: str, requests: Iterable[bytes]) -> list[Answer]:
    """Send requests one after the other and return their answers, over one connection while the server keeps it."""
    host, _, port = address.rpartition(":")
    answers = []
    connection: socket.socket | None = None
    for request in requests:
        connection = connection or socket.create_connection((host, int(port)), timeout=30)
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=request[:4].decode().strip())
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answers.append(Answer(response.status, headers, response.read()))
        if response.will_close:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return answers
