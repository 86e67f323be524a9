"""`python -m bench`: what every kind of request costs, beside an application that does nothing, in one table.

Every server is asked in turns, a few seconds each time, and the best of its turns counts; all requests are distinct.
The processor time of a request is the server's own, load generator left out; it is what to trust on a busy machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from bench import decisions, growth, peers, servers, transfers, wrk
from bench.aims import aims
from bench.baseline import kind_of
from bench.servers import Running, children, cpu_seconds, forget_peaks, megabytes, peak_megabytes
from bench.table import BASE, FULL, OWN, Report, Row, Run
from bench.workload import HELLO, LARGE, ROWS, Work, World, body_of, hello
from bench.worlds import rolecall_world

UNSYNCED = "PUT 1 KiB"
"""The row that is measured a second time without waiting for the disk."""
_SLOWEST = 180_000_000
"""Bytes a second that every server is believed to move: a row lasts until each connection has had its answer."""


@dataclass(frozen=True)
class Contestant:
    """A server to be measured, and the world whose requests it is sent."""

    name: str
    running: Running
    world: World
    static: bool = False
    """It serves files, and nothing else."""

    def can(self, work: Work) -> bool:
        """Tell whether the server can do this work."""
        return work.static or not self.static


def main() -> int:
    """Measure and print; return the exit code."""
    options = _options()
    if not wrk.is_installed():
        print(wrk.MISSING, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    report = Report(f"{options.workers} workers, best of {options.rounds} runs of {options.seconds} s, {now}")
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder, ExitStack() as stack:
        _measure(report, stack, Path(folder), options)
    report.show(as_json=options.json)
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """End as by Ctrl-C, so that the servers are stopped too."""
    del number, frame
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    option = parser.add_argument
    option("rows", nargs="*", metavar="ROW", help=f"only rows with these words in their names, of: {', '.join(ROWS)}")
    option("--seconds", type=int, default=2, help="the length of one run (default: 2)")
    option("--rounds", type=int, default=2, help="runs of each row, of which the best counts (default: 2)")
    option("--workers", type=int, default=2, help="worker processes of Rolecall and of the baseline (default: 2)")
    option("--connections", type=int, nargs="+", help="connections at once (default: 16; 1 16 256 with --full)")
    option("--peers", action="store_true", help="measure SeaweedFS, moto and nginx too, where they are installed")
    option("--full", action="store_true", help="everything, the peers too: about 20 minutes")
    option(
        "--growth", action="store_true", help="a store with 100,000 objects beside the small one (--full: 1,000,000)"
    )
    option("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    options.peers |= options.full
    options.growth |= options.full
    options.connections = options.connections or ([1, 16, 256] if options.full else [16])
    return options


def _measure(report: Report, stack: ExitStack, folder: Path, options: argparse.Namespace) -> None:
    names = [name for name in ROWS if not options.rows or any(word.lower() in name.lower() for word in options.rows)]
    _say("making the world")
    contestants = _start(report, stack, folder, options)
    own, base = contestants[0], contestants[1]
    before = _memory(own)
    for connections in options.connections:
        for name in names:
            if not ROWS[name].alone or connections == options.connections[0]:
                report.rows.append(_row(name, name, contestants, 1 if ROWS[name].alone else connections, options))
    if UNSYNCED in names:
        with _rolecall(folder / "unsynced", options, sync=False, listed=0) as unsynced:
            report.rows.append(_row(f"{UNSYNCED}, unsynced", UNSYNCED, [unsynced], 16, options))
    if not options.rows:
        report.rows.append(_hello(base, options))
    md5 = _md5_rate(folder)
    report.facts += _footprint(own, before)
    report.facts.append(("MD5 of 10 MiB, one thread", f"{md5 / 1e6:,.0f} MB/s"))
    if options.full and not options.rows:
        report.facts += _transfers(contestants, folder)
    if options.growth:
        _grow(report, stack, folder, own, options)
    if not options.rows:
        _say("decisions")
        report.facts += decisions.facts(0.1, with_peers=options.peers)
    report.aims += aims(report.rows, report.growth, md5)


def _start(report: Report, stack: ExitStack, folder: Path, options: argparse.Namespace) -> list[Contestant]:
    own = stack.enter_context(_rolecall(folder / "synced", options, sync=True))
    answers = folder / "answers.json"
    answers.write_text(json.dumps(_answers(own.world)))
    large = body_of(own.world.bodies, LARGE)
    base = stack.enter_context(servers.baseline(answers, large, workers=options.workers))
    contestants = [own, Contestant(BASE, base, own.world)]
    if not options.peers:
        return contestants
    for name, start in peers.installed().items():
        _say(f"filling {name}")
        running, world = stack.enter_context(start(folder, options.full))
        contestants.append(Contestant(name, running, world))
        report.facts.append((f"{name}'s listed bucket", f"{world.listed:,} keys"))
    files = stack.enter_context(peers.nginx(folder, options.workers))
    if files is not None:
        contestants.append(Contestant("nginx", files, own.world, static=True))
    for said in peers.absent():
        _say(said)
    return contestants


@contextmanager
def _rolecall(folder: Path, options: argparse.Namespace, *, sync: bool, listed: int = 100_000) -> Iterator[Contestant]:
    folder.mkdir()
    data = folder / "data"
    with servers.rolecall(data, workers=options.workers, sync=sync) as running:
        yield Contestant(OWN, running, rolecall_world(running.address, data, folder, listed=listed))


def _answers(world: World) -> list[tuple[str, list[tuple[str, str]], int]]:
    """Return what Rolecall answers to the first request of every row, for the baseline to repeat."""
    answers = []
    for name in ROWS:
        request = wrk.some(world.requests(name), 1, begin=world.requests(name).count - 1)[0]
        method, path, _ = request.split(b" ", 2)
        answer = wrk.send(world.address, [request])[0]
        if answer.status not in {200, 206}:
            raise RuntimeError(f"{name} is refused: {answer.status} {answer.body.decode(errors='replace')}")
        raw_path, _, query = path.partition(b"?")
        kind = kind_of(method.decode(), raw_path, query)
        answers.append((kind, list(answer.headers.items()), len(answer.body)))
    return answers


def _row(name: str, work: str, contestants: Sequence[Contestant], connections: int, options: argparse.Namespace) -> Row:
    """Measure one row: every contestant in turns, longer where so many large bodies at once take longer."""
    _say(f"{name}, {connections} at once")
    best: dict[str, Run] = {}
    seconds = max(options.seconds, connections * ROWS[work].moved // _SLOWEST)
    for _ in range(options.rounds if seconds == options.seconds else 1):
        for one in contestants:
            if one.can(ROWS[work]):
                run = _run(one, one.world.requests(work), connections, seconds, alone=ROWS[work].alone)
                best[one.name] = _better(best.get(one.name, run), run)
    return Row(name, work, connections, best)


def _better(one: Run, other: Run) -> Run:
    """Return the run with fewer troubles, or the faster one; the memory is the most that either took."""
    chosen = max(one, other, key=lambda run: (-run.troubles, run.rate))
    return replace(chosen, memory=max(one.memory, other.memory))


def _run(one: Contestant, prepared: wrk.Prepared, connections: int, seconds: int, *, alone: bool = False) -> Run:
    process = one.running.process.pid
    forget_peaks(process)
    before = cpu_seconds(process)
    if alone:
        measured = wrk.one_by_one(prepared, one.running.address)
    else:
        measured = wrk.run(prepared, one.running.address, connections=connections, seconds=seconds)
    cpu = (cpu_seconds(process) - before) / max(1, measured.requests) * 1e6
    return Run(measured.rate, measured.p50, measured.p99, cpu, measured.troubles, peak_megabytes(process))


def _hello(base: Contestant, options: argparse.Namespace) -> Row:
    """Measure the HTTP server alone: an application that reads nothing and answers five bytes."""
    prepared = wrk.prepare(base.world.bodies / HELLO, hello(base.world))
    runs = [_run(base, prepared, 16, options.seconds) for _ in range(options.rounds)]
    return Row(HELLO, HELLO, 16, {BASE: max(runs, key=lambda run: run.rate)})


def _grow(report: Report, stack: ExitStack, folder: Path, own: Contestant, options: argparse.Namespace) -> None:
    fullness = growth.FULL if options.full else growth.LITTLE
    _say(f"filling a store with {fullness}")
    running, world = stack.enter_context(growth.full(folder / "full", fullness, workers=options.workers))
    both = [own, Contestant(FULL, running, world)]
    longer = argparse.Namespace(rounds=max(3, options.rounds), seconds=options.seconds)
    report.growth += [_row(name, name, both, 16, longer) for name in growth.ROWS]
    report.facts.append(("the full store", str(fullness)))


def _md5_rate(folder: Path) -> float:
    """Return the bytes a second that MD5 takes in, in one thread: the best of a few."""
    content = body_of(folder / "synced", LARGE).read_bytes()
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        hashlib.md5(content, usedforsecurity=False)
        best = max(best, LARGE / (time.perf_counter() - began))
    return best


def _transfers(contestants: Sequence[Contestant], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what longer transfers took."""
    for one in contestants:
        if one.name == BASE or one.static:
            continue
        _say(f"aws s3 cp, {one.name}")
        moved = transfers.copies(one.world, folder)
        if moved is None:
            yield "aws s3 cp", "no aws CLI is installed"
            break
        yield f"aws s3 cp of 256 MiB, {one.name}", f"{moved[0] / 1e6:,.0f} MB/s up, {moved[1] / 1e6:,.0f} MB/s down"
    _say("5 GiB up and down")
    up, down, most = transfers.huge(contestants[0].world, contestants[0].running)
    yield (
        "5 GiB by one connection",
        f"{up / 1e6:,.0f} MB/s up, {down / 1e6:,.0f} MB/s down, a worker at most {most:.0f} MB",
    )


def _memory(own: Contestant) -> str:
    return ", ".join(f"{megabytes(child):.0f} MB" for child in children(own.running.process.pid))


def _footprint(own: Contestant, before: str) -> list[tuple[str, str]]:
    """Return what the server takes besides time: start-up, and memory of its processes before and after the load."""
    return [
        ("until it answers, first start", f"{own.running.seconds:.2f} s"),
        ("memory of its processes before the load", before),
        ("memory of its processes after the load", _memory(own)),
    ]


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
