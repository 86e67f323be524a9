"""What a server counts and times while it works, in memory that all its workers share.

Every worker writes numbers of its own and reads those of all, so that whichever of them is asked answers for the whole
server. Every label is known when a worker starts: neither clients nor time make the list longer. Numbers stay when a
worker is replaced.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

OUTCOMES = ("allowed", "denied", "refused", "throttled", "failed")
"""How a request ended: done; AccessDenied; another error of the client's; too many; an error of the server's."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""The upper bounds of the histograms' classes."""
SYNCS = ("store", "trail", "objects")
COUNTERS = {
    "rolecall_http_refused_total": "What came on the sockets and was no request.",
    "rolecall_trail_lost_total": "Events that could not be kept.",
    "rolecall_worker_starts_total": "How often a worker process was started.",
    "rolecall_credential_cache_misses_total": "Requests whose caller had to be looked up; all others hit the cache.",
    "rolecall_policy_cache_misses_total": "Checks whose policies had to be collected; all others hit the cache.",
}
GAUGES = {
    "rolecall_connections": "Connections that are open.",
    "rolecall_requests_waiting": "Requests that wait for their turn.",
    "rolecall_store_writes_waiting": "Changes that wait for the store.",
    "rolecall_trail_events_waiting": "Events that are not written yet.",
    "rolecall_memory_bytes": "Resident memory of the workers.",
}
CELLS = 16_384
"""How many numbers a worker has."""

_HISTOGRAM = len(SECONDS) + 2  # the classes, the last one without a bound, and the sum
_REQUEST = len(OUTCOMES) + _HISTOGRAM


def shared_memory(size: int) -> int:
    """Return the descriptor of `size` zero bytes that child processes may inherit and nothing else can open."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rolecall", 0)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def numbers_of(descriptor: int, first: int, count: int) -> memoryview[float]:
    """Return `count` numbers (doubles) of shared memory, from the number `first` on."""
    whole = memoryview(mmap.mmap(descriptor, 0))
    return whole[first * 8 : (first + count) * 8].cast("d")


class Measures:
    """The numbers of one worker, and the sum of all."""

    def __init__(self, all_numbers: memoryview[float] | None = None, place: int = 0) -> None:
        """`all_numbers` holds `CELLS` numbers for each worker, `place` is this one's number.

        Without `all_numbers` they are this object's own.
        """
        self._all = memoryview(bytearray(CELLS * 8)).cast("d") if all_numbers is None else all_numbers
        self._place = place
        self._own = self._all[place * CELLS : (place + 1) * CELLS]
        counted = len(SYNCS) * _HISTOGRAM
        self._names = {name: counted + index for index, name in enumerate((*COUNTERS, *GAUGES))}
        self._requests = counted + len(self._names)
        self._places = {("", ""): self._requests}
        self._lock = threading.Lock()
        for name in GAUGES:
            self.set(name, 0)

    def know(self, operations: Iterable[tuple[str, str]]) -> None:
        """Have numbers for these operations, pairs of service and name, the same in every worker.

        Raises ValueError where there are more operations than numbers.
        """
        names = [("", ""), *sorted(set(operations))]
        if self._requests + len(names) * _REQUEST > CELLS:
            raise ValueError("there are more operations than a worker has numbers for")
        self._places = {name: self._requests + index * _REQUEST for index, name in enumerate(names)}

    def request(self, service: str, operation: str, outcome: str, seconds: float) -> None:
        """Count a request and the time until its answer's head; one of no known operation under no name."""
        place = self._places.get((service, operation), self._requests)
        own = self._own
        own[place + OUTCOMES.index(outcome)] += 1
        place += len(OUTCOMES)
        own[place + bisect_left(SECONDS, seconds)] += 1
        own[place + _HISTOGRAM - 1] += seconds

    def sync(self, what: str, seconds: float) -> None:
        """Count a wait for the disk. From any thread."""
        place = SYNCS.index(what) * _HISTOGRAM
        with self._lock:
            self._own[place + bisect_left(SECONDS, seconds)] += 1
            self._own[place + _HISTOGRAM - 1] += seconds

    def count(self, name: str, more: float = 1) -> None:
        """Add to a counter of `COUNTERS`. From the event loop."""
        self._own[self._names[name]] += more

    def set(self, name: str, value: float) -> None:
        """Note what a number of `GAUGES` is now."""
        self._own[self._names[name]] = value

    def elsewhere(self, name: str) -> list[float]:
        """Return what a number of `GAUGES` is in each of the other workers, as they noted it last."""
        cell, own = self._names[name], self._place * CELLS
        return [self._all[start + cell] for start in range(0, len(self._all), CELLS) if start != own]

    def text(self) -> str:
        """Return the sum over all workers in Prometheus' text format (version 0.0.4)."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        total = self._total()
        named = [
            (f'service="{service}",operation="{operation}"', place)
            for (service, operation), place in self._places.items()
        ]
        used = [(labels, place) for labels, place in named if any(total[place : place + _REQUEST])]
        yield from _head("rolecall_requests_total", "counter", "Requests by operation and outcome.")
        for labels, place in used:
            for index, outcome in enumerate(OUTCOMES):
                if total[place + index]:
                    yield f'rolecall_requests_total{{{labels},outcome="{outcome}"}} {_number(total[place + index])}'
        name = "rolecall_request_duration_seconds"
        yield from _head(name, "histogram", "Time from a request's head to its answer's head.")
        for labels, place in used:
            yield from _histogram(name, labels, total[place + len(OUTCOMES) : place + _REQUEST])
        name = "rolecall_sync_duration_seconds"
        yield from _head(name, "histogram", "Waits for the disk.")
        for index, what in enumerate(SYNCS):
            place = index * _HISTOGRAM
            yield from _histogram(name, f'what="{what}"', total[place : place + _HISTOGRAM])
        for kind, texts in (("counter", COUNTERS), ("gauge", GAUGES)):
            for name, text in texts.items():
                yield from _head(name, kind, text)
                yield f"{name} {_number(total[self._names[name]])}"

    def _total(self) -> Sequence[float]:
        workers = [self._all[start : start + CELLS].tolist() for start in range(0, len(self._all), CELLS)]
        return workers[0] if len(workers) == 1 else [sum(values) for values in zip(*workers, strict=True)]


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _histogram(name: str, labels: str, values: Sequence[float]) -> Iterator[str]:
    count = 0.0
    for bound, value in zip((*map(_number, SECONDS), "+Inf"), values, strict=False):
        count += value
        yield f'{name}_bucket{{{labels},le="{bound}"}} {_number(count)}'
    yield f"{name}_sum{{{labels}}} {values[-1]:.6f}"
    yield f"{name}_count{{{labels}}} {_number(count)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
