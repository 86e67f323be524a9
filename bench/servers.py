"""Servers in processes of their own: Rolecall, and the baseline on the same HTTP server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.baseline import ANSWERS, LARGE

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
ACCOUNT = "123456789012"
PATIENCE = 60.0


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    address: str
    process: subprocess.Popen[bytes]
    seconds: float
    """How long it took until it answered."""


@contextmanager
def rolecall(data: Path, *, workers: int, sync: bool = True, more: Sequence[str] = ()) -> Iterator[Running]:
    """Run Rolecall, with `more` options, on a data folder, which is made where there is none."""
    port = free_port()
    options = ["--data", str(data), "--port", str(port), "--workers", str(workers), "--account", ACCOUNT]
    options += [*([] if sync else ["--no-sync"]), *more]
    command = [str(Path(PYTHON).with_name("rolecall")), "serve", *options]
    with running(command, port) as started:
        yield started


@contextmanager
def baseline(answers: Path, large: Path, *, workers: int) -> Iterator[Running]:
    """Run the application that only answers what stands in the file of answers, with `large` as its large bodies."""
    port = free_port()
    command = [PYTHON, "-m", "bench.baseline", str(port), str(workers)]
    with running(command, port, {ANSWERS: str(answers), LARGE: str(large)}) as started:
        yield started


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run a server until the block ends, which begins as soon as something answers on the port.

    What it says is shown only where it does not start. Raises RuntimeError.
    """
    said = tempfile.TemporaryFile()  # noqa: SIM115 - the process holds it longer than this function
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=said,
    )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                said.seek(0)
                raise RuntimeError(
                    f"does not start: {' '.join(command)}\n{said.read()[-2000:].decode(errors='replace')}"
                )
            time.sleep(0.01)
        yield Running(f"127.0.0.1:{port}", process, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /-/ready HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            return connection.recv(16).startswith(b"HTTP/1.")
    except OSError:
        return False


def children(process: int) -> list[int]:
    """Return the process ids below a process."""
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [found for child in below for found in (int(child), *children(int(child)))]


def megabytes(process: int) -> float:
    """Return a process's own share of memory (what it shares counts by the number of sharers)."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def forget_peaks(process: int) -> None:
    """Make the kernel forget how much memory the processes below this one had at most."""
    for one in children(process):
        with suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text("5")


def peak_megabytes(process: int) -> float:
    """Return the most memory that any of the processes below this one had since `forget_peaks`."""
    peaks = [0.0]
    for one in children(process):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            peaks.append(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024)
    return max(peaks)


def cpu_seconds(process: int) -> float:
    """Return the processor time that a process and those below it have used."""
    ticks = 0
    for one in (process, *children(process)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
