"""What takes longer than a request: `aws s3 cp`, and an object of 5 GiB up and down, with the memory that takes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import servers
from bench.servers import ROOT, forget_peaks, peak_megabytes
from bench.signing import Key, Target, signed
from bench.workload import World, s3

COPIED = 256 * 1024 * 1024
HUGE = 5 * 1024**3
_PIECE = bytes(1024 * 1024)


def aws_program() -> str | None:
    """Return the aws CLI to run: the tests' own, or the one on the path."""
    own = ROOT / ".tools" / "aws"
    return str(own) if own.exists() else shutil.which("aws")


def copies(world: World, folder: Path) -> tuple[float, float] | None:
    """Return the bytes a second that `aws s3 cp` moves up and down, its own start included; None without the CLI."""
    program = aws_program()
    if program is None:
        return None
    source, target = folder / "copied", folder / "copied-back"
    if not source.exists():
        with source.open("wb") as file:
            for _ in range(COPIED // len(_PIECE)):
                file.write(os.urandom(len(_PIECE)))
    there = "s3://vault/copied"
    up = _timed([program, "s3", "cp", "--quiet", str(source), there], world)
    down = _timed([program, "s3", "cp", "--quiet", there, str(target)], world)
    if target.stat().st_size != COPIED:
        raise RuntimeError("aws s3 cp brought back another number of bytes")
    target.unlink()
    return COPIED / up, COPIED / down


def _timed(command: list[str], world: World) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=_environment(world.address, world.session), timeout=120)
    return time.perf_counter() - began


def _environment(address: str, key: Key) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret}
    kept |= {"AWS_SESSION_TOKEN": key.token} if key.token else {}
    kept |= {"AWS_ENDPOINT_URL": f"http://{address}", "AWS_DEFAULT_REGION": "us-east-1"}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def huge(world: World, running: servers.Running) -> tuple[float, float, float]:
    """Put and get an object of 5 GiB; return the bytes a second of each, and the most memory of a worker, in MB."""
    forget_peaks(running.process.pid)
    target = s3(world)
    head = signed(target, "PUT", "/vault/huge", digest="UNSIGNED-PAYLOAD", length=HUGE)
    up = _exchange(world.address, head, HUGE)
    down = _exchange(world.address, signed(_now(target), "GET", "/vault/huge"), 0, expected=HUGE)
    most = peak_megabytes(running.process.pid)
    _exchange(world.address, signed(_now(target), "PUT", "/vault/huge"), 0)  # replaced by nothing
    return HUGE / up, HUGE / down, most


def _now(target: Target) -> Target:
    return Target(target.host, target.service, target.key, datetime.now(UTC))


def _exchange(address: str, head: bytes, sent: int, *, expected: int = 0) -> float:
    """Send a head and `sent` bytes, read the answer and `expected` bytes; return the seconds that took."""
    host, _, port = address.rpartition(":")
    began = time.perf_counter()
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.sendall(head)
        for _ in range(sent // len(_PIECE)):
            connection.sendall(_PIECE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += (came := connection.recv(65536))
            if not came:
                raise RuntimeError("the connection ended before the answer's head")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"refused: {answer[:300]!r}")
        left = expected - len(answer.partition(b"\r\n\r\n")[2])
        buffer = bytearray(1024 * 1024)
        while left > 0:
            count = connection.recv_into(buffer)
            if not count:
                raise RuntimeError(f"the connection ended {left} bytes early")
            left -= count
    return time.perf_counter() - began
