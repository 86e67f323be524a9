"""What was measured, as a table for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.workload import HELLO, ROWS

OWN, BASE, FULL = "Rolecall", "baseline", "Rolecall, full store"
FOREMOST = "SeaweedFS"
"""The peer whose latencies are shown too."""


@dataclass(frozen=True)
class Run:
    """The best run of one server at one row. Latencies in milliseconds, `cpu` in microseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    troubles: int = 0
    memory: float = 0.0
    """The most that one of the server's processes had during the row, in MB."""


@dataclass(frozen=True)
class Row:
    """One kind of request, at one number of connections, at every server that was asked."""

    name: str
    work: str
    connections: int
    runs: dict[str, Run]


@dataclass(frozen=True)
class Aim:
    """What is aimed at, and what was measured: a ratio that is to be at least `least`."""

    what: str
    least: float
    measured: float

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.measured >= self.least


@dataclass
class Report:
    """Everything that a run of the bench found out."""

    conditions: str
    rows: list[Row] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    growth: list[Row] = field(default_factory=list)
    """Each with two runs: of the small store and of the full one."""
    aims: list[Aim] = field(default_factory=list)

    def show(self, *, as_json: bool) -> None:
        """Print the report."""
        if as_json:
            print(json.dumps(asdict(self), indent=2))
            return
        console = Console(width=None if Console().is_terminal else 180)
        peers = sorted({name for row in self.rows for name in row.runs} - {OWN, BASE})
        console.print(self._requests(peers))
        if self.growth:
            console.print(self._growth())
        if self.aims:
            console.print(self._aims())
        facts = Table(show_header=False)
        for fact in self.facts:
            facts.add_row(*fact)
        console.print(facts)

    def _requests(self, peers: list[str]) -> Table:
        table = _table(self.conditions, "request", "at once", "Rolecall/s", "p50 ms", "p99 ms", "CPU µs", "MB")
        for column in (f"{BASE}/s", "of it", *(word for peer in peers for word in _columns(peer))):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*_cells(row, peers))
        return table

    def _growth(self) -> Table:
        title = "The same requests with a full store, in turns with the small one"
        table = _table(
            title, "request", "small/s", "full/s", "of it", "CPU µs", "CPU µs, full", "p99 ms", "p99 ms, full"
        )
        for row in self.growth:
            small, full = row.runs[OWN], row.runs[FULL]
            rates = (_rate(row, small), _rate(row, full), f"{full.rate / max(small.rate, 1e-9):.0%}")
            cpu = (f"{small.cpu:,.0f}", f"{full.cpu:,.0f}")
            table.add_row(row.name, *rates, *cpu, f"{small.p99:.1f}", f"{full.p99:.1f}")
        return table

    def _aims(self) -> Table:
        table = _table("Aims", "what", "at least", "measured", "")
        for aim in self.aims:
            table.add_row(aim.what, f"{aim.least:.2f}", f"{aim.measured:.2f}", "met" if aim.met else "missed")
        return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _columns(peer: str) -> tuple[str, ...]:
    return (f"{peer}/s", "times", "p99 ms") if peer == FOREMOST else (f"{peer}/s", "times")


def _cells(row: Row, peers: list[str]) -> list[str]:
    own, base = row.runs.get(OWN), row.runs.get(BASE)
    cells = [row.name, str(row.connections), _rate(row, own), *_latency(own), f"{own.cpu:,.0f}" if own else ""]
    cells += [
        f"{own.memory:,.0f}" if own else "",
        _rate(row, base),
        f"{own.rate / base.rate:.0%}" if own and base and base.rate else "",
    ]
    for peer in peers:
        run = row.runs.get(peer)
        cells += [_rate(row, run), f"{own.rate / run.rate:.2f}" if own and run and run.rate else ""]
        cells += [_latency(run)[1]] if peer == FOREMOST else []
    return cells


def _latency(run: Run | None) -> tuple[str, str]:
    return (f"{run.p50:,.1f}", f"{run.p99:,.1f}") if run and run.rate else ("", "")


def _rate(row: Row, run: Run | None) -> str:
    if run is None:
        return ""
    moved = ROWS[row.work].moved if row.work != HELLO else 0
    said = f"{run.rate * moved / 1e6:,.0f} MB" if moved else f"{run.rate:,.0f}" if run.rate >= 10 else f"{run.rate:.1f}"
    return said if not run.troubles else f"{said} ({run.troubles} refused)"
