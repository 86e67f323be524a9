"""`python -m bench`: what every kind of request costs, beside an application that does nothing, in one table.

Every server is asked in turns, a few seconds each time, and the best of its turns counts; all requests are distinct.
The processor time of a request is the server's own, load generator left out; it is what to trust on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import decisions, peers, servers, wrk
from bench.baseline import kind_of
from bench.servers import Running, children, cpu_seconds, megabytes
from bench.table import Report, Row, Run
from bench.workload import ROWS, World, large_body
from bench.worlds import rolecall_world

UNSYNCED = "PUT 1 KiB"
"""The row that is measured a second time without waiting for the disk."""


@dataclass(frozen=True)
class Contestant:
    """A server to be measured, and the world whose requests it is sent."""

    name: str
    running: Running
    world: World


def main() -> int:
    """Measure and print; return the exit code."""
    options = _options()
    if not wrk.is_installed():
        print(wrk.MISSING, file=sys.stderr)
        return 2
    rows = [name for name in ROWS if not options.rows or any(word.lower() in name.lower() for word in options.rows)]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    report = Report(f"{options.workers} workers, best of {options.rounds} runs of {options.seconds} s, {now}")
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder, ExitStack() as stack:
        contestants = _start(stack, Path(folder), options)
        own = contestants[0]
        for connections in options.connections:
            for name in rows:
                report.rows.append(_row(name, name, contestants, connections, options))
        if UNSYNCED in rows:
            unsynced = stack.enter_context(_rolecall(Path(folder) / "unsynced", options, sync=False))
            report.rows.append(_row(f"{UNSYNCED}, unsynced", UNSYNCED, [unsynced], options.connections[0], options))
        report.facts += _footprint(own)
    if not options.rows:
        report.facts += _decisions()
    report.show(as_json=options.json)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    option = parser.add_argument
    option("rows", nargs="*", metavar="ROW", help=f"only rows with these words in their names, of: {', '.join(ROWS)}")
    option("--seconds", type=int, default=2, help="the length of one run (default: 2)")
    option("--rounds", type=int, default=3, help="runs of each row, of which the best counts (default: 3)")
    option("--workers", type=int, default=2, help="worker processes of Rolecall and of the baseline (default: 2)")
    option("--connections", type=int, nargs="+", default=[16], help="connections at once (default: 16; try 1 16 256)")
    option("--peers", action="store_true", help="measure SeaweedFS and moto too, where they are installed")
    option("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _start(stack: ExitStack, folder: Path, options: argparse.Namespace) -> list[Contestant]:
    own = stack.enter_context(_rolecall(folder / "synced", options, sync=True))
    answers = folder / "answers.json"
    answers.write_text(json.dumps(_answers(own.world)))
    large = large_body(own.world.bodies)
    base = stack.enter_context(servers.baseline(answers, large, workers=options.workers))
    contestants = [own, Contestant("baseline", base, own.world)]
    if options.peers:
        for name, start in peers.installed().items():
            running, world = stack.enter_context(start(folder))
            contestants.append(Contestant(name, running, world))
    return contestants


@contextmanager
def _rolecall(folder: Path, options: argparse.Namespace, *, sync: bool) -> Iterator[Contestant]:
    folder.mkdir()
    data = folder / "data"
    with servers.rolecall(data, workers=options.workers, sync=sync) as running:
        yield Contestant("Rolecall", running, rolecall_world(running.address, data, folder))


def _answers(world: World) -> list[tuple[str, list[tuple[str, str]], int]]:
    """Return what Rolecall answers to the first request of every row, for the baseline to repeat."""
    answers = []
    for name in ROWS:
        request = wrk.first(world.requests(name))
        method, path, _ = request.split(b" ", 2)
        answer = wrk.send(world.address, [request])[0]
        if answer.status != 200:
            raise RuntimeError(f"{name} is refused: {answer.status} {answer.body.decode(errors='replace')}")
        raw_path, _, query = path.partition(b"?")
        kind = kind_of(method.decode(), raw_path, query)
        answers.append((kind, list(answer.headers.items()), len(answer.body)))
    return answers


def _row(name: str, work: str, contestants: Sequence[Contestant], connections: int, options: argparse.Namespace) -> Row:
    """Measure one row: every contestant in turns."""
    best: dict[str, Run] = {}
    for _ in range(options.rounds):
        for one in contestants:
            run = _run(one, work, connections, options.seconds)
            best[one.name] = max(best.get(one.name, run), run, key=lambda run: (-run.troubles, run.rate))
    return Row(name, work, connections, best)


def _run(one: Contestant, work: str, connections: int, seconds: int) -> Run:
    before = cpu_seconds(one.running.process.pid)
    measured = wrk.run(one.world.requests(work), one.running.address, connections=connections, seconds=seconds)
    spent = cpu_seconds(one.running.process.pid) - before
    cpu = spent / max(1, measured.requests) * 1e6
    return Run(measured.rate, measured.p50, measured.p99, cpu, measured.troubles)


def _footprint(own: Contestant) -> list[tuple[str, str]]:
    """Return what the server takes besides time: memory of each worker after the load, and its start-up."""
    sizes = [f"{megabytes(child):.0f} MB" for child in children(own.running.process.pid)]
    return [
        ("until it answers, first start", f"{own.running.seconds:.2f} s"),
        ("memory of its processes after the load", ", ".join(sizes)),
    ]


def _decisions() -> list[tuple[str, str]]:
    return [
        (f"decisions/s, {size} statements, {case}", f"{plain:,.0f} ({1e6 / plain:.1f} µs)")
        for size, case, plain, _ in decisions.measure(0.1)
    ]


if __name__ == "__main__":
    sys.exit(main())
