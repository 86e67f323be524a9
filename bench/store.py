"""Writes to the store: sixteen writers in one, two and four processes, and what the slowest process got.

Run with `python -m bench.store [--folder F] [--seconds S] [--slow-disk MS]`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import shutil
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

from rolecall.files import RealFiles
from rolecall.store.interface import Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

WRITERS = 16
VALUE = bytes(500)


class SlowFiles(RealFiles):
    """Files on a disk whose sync takes a given time."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        time.sleep(self._delay)


@dataclass(frozen=True)
class Row:
    """What one process measured."""

    writes: int
    seconds: float
    latencies: list[float]
    read_us: float


async def write_for(store: SqliteStore, seconds: float, name: int) -> list[float]:
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def writer(number: int) -> None:
        count = 0
        while (began := time.perf_counter()) < ends:
            count += 1
            key = pack("bench", name, number, count)

            def work(transaction: Transaction, key: bytes = key) -> None:
                transaction.get(key)
                transaction.put(key, VALUE)

            await store.write(work)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    return latencies


def read_cost(store: SqliteStore) -> float:
    with store.view() as view:
        keys = [entry.key for entry in view.scan(pack("bench"), limit=2000)]
    began = time.perf_counter()
    for key in keys:
        with store.view() as view:
            view.get(key)
    return (time.perf_counter() - began) / len(keys) * 1e6


def process(path: Path, keyring: Path, seconds: float, slow: float, sync: bool, name: int, rows: Queue[Row]) -> None:
    files = SlowFiles(slow) if slow else RealFiles()
    store = SqliteStore(path, master_keys=MasterKeys.load(keyring), sync=sync, files=files)
    began = time.perf_counter()
    latencies = asyncio.run(write_for(store, seconds, name))
    took = time.perf_counter() - began
    rows.put(Row(len(latencies), took, latencies, read_cost(store)))
    store.close()


def measure(folder: Path, processes: int, *, seconds: float, slow: float, sync: bool) -> str:
    keyring = folder / "keyring"
    MasterKeys.create(keyring)
    context = multiprocessing.get_context("spawn")
    rows: Queue[Row] = context.Queue()
    path = folder / "store.db"
    workers = [
        context.Process(target=process, args=(path, keyring, seconds, slow, sync, name, rows))
        for name in range(processes)
    ]
    for worker in workers:
        worker.start()
    got = [rows.get() for _ in workers]
    for worker in workers:
        worker.join()
    latencies = sorted(latency for row in got for latency in row.latencies)
    rate = sum(row.writes / row.seconds for row in got)
    least = min(row.writes / row.seconds for row in got) / (rate / processes)
    p50, p99 = (latencies[int(len(latencies) * share)] * 1e3 for share in (0.5, 0.99))
    read = sum(row.read_us for row in got) / processes
    name = "synced" if sync else "unsynced"
    worst = latencies[-1] * 1e3
    return f"{processes:>9} {name:>9} {rate:>9.0f} {p50:>8.2f} {p99:>8.2f} {worst:>8.1f} {least:>8.0%} {read:>8.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to write (the disk is what is measured)")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--slow-disk", type=float, default=0.0, metavar="MS", help="add this to every sync of the log")
    options = parser.parse_args()
    columns = ("writes/s", "p50 ms", "p99 ms", "max ms", "least", "read µs")
    print(f"{'processes':>9} {'':>9} {columns[0]:>9} " + " ".join(f"{column:>8}" for column in columns[1:]))
    for sync in (True, False):
        for processes in (1, 2, 4):
            folder = Path(tempfile.mkdtemp(dir=options.folder, prefix="bench-store-"))
            try:
                print(measure(folder, processes, seconds=options.seconds, slow=options.slow_disk / 1e3, sync=sync))
            finally:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
