"""What was measured, as a table for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from bench.workload import MOVED


@dataclass(frozen=True)
class Run:
    """The best run of one server at one row. Latencies in milliseconds, `cpu` in microseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    troubles: int = 0


@dataclass(frozen=True)
class Row:
    """One kind of request, at one number of connections, at every server that was asked."""

    name: str
    work: str
    connections: int
    runs: dict[str, Run]


@dataclass
class Report:
    """Everything that a run of the bench found out."""

    conditions: str
    rows: list[Row] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)

    def show(self, *, as_json: bool) -> None:
        """Print the report."""
        if as_json:
            print(json.dumps(asdict(self), indent=2))
            return
        console = Console(width=None if Console().is_terminal else 150)
        peers = sorted({name for row in self.rows for name in row.runs} - {"Rolecall", "baseline"})
        console.print(self._requests(peers))
        facts = Table(show_header=False)
        for fact in self.facts:
            facts.add_row(*fact)
        console.print(facts)

    def _requests(self, peers: list[str]) -> Table:
        table = Table(title=self.conditions, title_justify="left")
        for column in ("request", "Rolecall/s", "p50 ms", "p99 ms", "CPU µs", "baseline/s", "CPU µs", "of baseline"):
            table.add_column(column, justify="left" if column == "request" else "right")
        for peer in peers:
            table.add_column(f"{peer}/s", justify="right")
            table.add_column("p99 ms", justify="right")
        for row in self.rows:
            table.add_row(*_cells(row, peers))
        return table


def _cells(row: Row, peers: list[str]) -> list[str]:
    own, base = row.runs.get("Rolecall"), row.runs.get("baseline")
    name = row.name if row.connections == 16 else f"{row.name}, {row.connections} connections"
    cells = [name, _rate(row, own), *_latency(own), f"{own.cpu:,.0f}" if own else ""]
    cells += [_rate(row, base), f"{base.cpu:,.0f}" if base else ""]
    cells.append(f"{own.rate / base.rate:.0%}" if own and base else "")
    for peer in peers:
        run = row.runs.get(peer)
        cells += [_rate(row, run), _latency(run)[1]]
    return cells


def _latency(run: Run | None) -> tuple[str, str]:
    return (f"{run.p50:.2f}", f"{run.p99:.2f}") if run else ("", "")


def _rate(row: Row, run: Run | None) -> str:
    if run is None:
        return ""
    moved = MOVED.get(row.work)
    said = f"{run.rate:,.0f}" if moved is None else f"{run.rate * moved / 1e6:,.0f} MB"
    return said if not run.troubles else f"{said} ({run.troubles} refused)"
