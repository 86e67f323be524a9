"""The load: `wrk` sending prepared requests, each once."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).with_name("replay.lua")
_MOST_A_SECOND = 30_000
"""More requests than any server here answers."""
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
    places: Sequence[int]
    """Where in the file each begins."""
    body: Path | None = None
    """Where the body of every request lies, when it is not in the file."""
    begun: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.places)


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
    places, here = [], 0
    with file.open("wb") as out:
        for request in requests:
            places.append(here)
            here += out.write(b"%10d" % len(request) + request)
    return Prepared(file, places, body)


def run(prepared: Prepared, address: str, *, connections: int, seconds: int) -> Measured:
    """Send requests for some seconds, from where the last run against `address` ended.

    A server that cannot be reached, or is not done long after the end, has answered nothing and counts one trouble.
    """
    begin = prepared.begun.get(address, 0) % prepared.count
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    command += [f"http://{address}/", "--", str(prepared.file), str(prepared.places[begin])]
    command += [str(seconds * _MOST_A_SECOND)]
    command += [str(prepared.body)] if prepared.body else []
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return Measured(0, 0.0, 0.0, 0.0, 0, 1)
    line = next(line for line in output.splitlines() if line.startswith("measured "))
    requests, duration, size, refused, broken, p50, p99 = (int(word) for word in line.split()[1:])
    prepared.begun[address] = begin + requests + connections
    return Measured(requests, requests / duration * 1e6, p50 / 1e3, p99 / 1e3, size, refused + broken)


def one_by_one(prepared: Prepared, address: str) -> Measured:
    """Send the next requests, as many as one round has, one after the other over one connection."""
    begin = prepared.begun.get(address, 0) % prepared.count
    chosen = some(prepared, ROUND, begin=begin)
    prepared.begun[address] = begin + len(chosen)
    latencies, troubles, size = [], 0, 0
    for request in chosen:
        began = time.perf_counter()
        answer = send(address, [request])[0]
        latencies.append(time.perf_counter() - began)
        troubles += answer.status >= 300
        size += len(answer.body)
    latencies.sort()
    rate = len(latencies) / sum(latencies)
    return Measured(len(latencies), rate, latencies[len(latencies) // 2] * 1e3, latencies[-1] * 1e3, size, troubles)


ROUND = 4
"""How many requests `one_by_one` sends."""


def some(prepared: Prepared, count: int, *, begin: int = 0) -> list[bytes]:
    """Return requests of a file, with their bodies."""
    body = prepared.body.read_bytes() if prepared.body else b""
    with prepared.file.open("rb") as file:
        file.seek(prepared.places[begin])
        return [file.read(int(file.read(10))) + body for _ in range(min(count, prepared.count - begin))]


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
