"""The aims that the table is held against, as ratios within one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.table import BASE, FULL, OWN, Aim, Row
from bench.workload import LARGE

AT = 16
"""The number of connections at which the aims are looked at."""

_RATES = (
    ("AssumeRole", BASE, 0.6),
    ("AssumeRole", "SeaweedFS", 1.2),
    ("GET 1 KiB", "SeaweedFS", 3.0),
    ("PUT 1 KiB", "SeaweedFS", 1.0),
    ("PUT 1 KiB, unsynced", "SeaweedFS", 2.0),
    ("GET 10 MiB", "SeaweedFS", 1.0),
    ("GET 10 MiB", "nginx", 0.6),
    ("PUT 10 MiB", "SeaweedFS", 3.0),
)
_KEEPS = 0.9
"""What a full store keeps of the rates of a small one."""
_MEMORY = 200.0


def aims(rows: Sequence[Row], growth: Sequence[Row], md5_rate: float) -> Iterator[Aim]:
    """Yield what is aimed at and was measured."""
    found = {row.name: row for row in rows if row.connections == AT}
    unsynced = found.get("PUT 1 KiB, unsynced")
    if unsynced is not None and "SeaweedFS" in found["PUT 1 KiB"].runs:
        unsynced.runs.setdefault("SeaweedFS", found["PUT 1 KiB"].runs["SeaweedFS"])
    for name, other, least in _RATES:
        runs = found[name].runs if name in found else {}
        if OWN in runs and other in runs and runs[other].rate:
            yield Aim(f"{name}: times {other}", least, _ratio(runs[OWN].rate, runs[other].rate))
    if "PUT 10 MiB" in found:
        yield Aim("PUT 10 MiB: of MD5's own rate", 0.7, found["PUT 10 MiB"].runs[OWN].rate * LARGE / md5_rate)
    if "AssumeRole" in found and "SeaweedFS" in found["AssumeRole"].runs:
        runs = found["AssumeRole"].runs
        yield Aim("AssumeRole: SeaweedFS' p99 over ours", 10, _ratio(runs["SeaweedFS"].p99, runs[OWN].p99))
    if "LIST last page" in found and "LIST first page" in found:
        first, last = (found[name].runs[OWN].rate for name in ("LIST first page", "LIST last page"))
        yield Aim("LIST: the last page of the first", _KEEPS, _ratio(last, first))
    for row in growth:
        yield Aim(f"{row.name}: full store of small", _KEEPS, _ratio(row.runs[FULL].rate, row.runs[OWN].rate))
    peaks = [run.memory for row in (*rows, *growth) for who, run in row.runs.items() if who in {OWN, FULL}]
    if peaks and (most := max(peaks, default=0.0)):
        yield Aim("memory: 200 MB over the largest worker", 1.0, _MEMORY / most)


def _ratio(one: float, other: float) -> float:
    return one / other if other else 0.0
