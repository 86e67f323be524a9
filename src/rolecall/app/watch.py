"""What an operator sees of a worker: whether it can do its work, and its numbers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from rolecall.clock import monotonic
from rolecall.directory.sessions import session_keys
from rolecall.files import RealFiles
from rolecall.gateway import Gateway
from rolecall.measures import Measures
from rolecall.store.interface import StoreError, Transaction
from rolecall.store.keys import pack
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail

EVERY_SECONDS = 1.0
PROBE_SECONDS = 5.0
"""How many seconds one answer of `/-/ready` is used again: anybody may ask, and each look costs a write."""
PATIENCE = 2.0
"""How long the store may take over the write that tries it."""

_PROBE = pack("probe")


class Crowd(Protocol):
    """The connections of a worker."""

    @property
    def connections(self) -> int:
        """How many are open."""
        ...

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        ...


class Watch:
    """Looks after one worker."""

    def __init__(self, store: SqliteStore, trail: Trail, gateway: Gateway, measures: Measures) -> None:
        """Nothing happens before `start`."""
        self._store = store
        self._trail = trail
        self._gateway = gateway
        self._measures = measures
        self._seen = (0, 0, 0)
        self._asked = float("-inf")
        self._trouble = ""
        self._probing: asyncio.Task[str] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, crowd: Crowd) -> None:
        """Begin, on the running event loop."""
        self._measures.count("rolecall_worker_starts_total")
        self._task = asyncio.create_task(self._run(crowd))

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    def text(self) -> str:
        """Return the numbers of all workers in Prometheus' text format."""
        return self._measures.text()

    async def trouble(self) -> str:
        """Return what keeps this worker from its work, in a word; an empty text where nothing does."""
        if monotonic() - self._asked > PROBE_SECONDS:
            if self._probing is None or self._probing.done():
                self._probing = asyncio.create_task(self._probe())
            self._trouble = await asyncio.shield(self._probing)
            self._asked = monotonic()
        return self._trouble

    async def _probe(self) -> str:
        try:
            with self._store.view() as view:
                session_keys(view)
        except StoreError:
            return "keys"
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.write(_probe)
        except (StoreError, TimeoutError):
            return "store"
        return "trail" if self._trail.is_stuck else ""

    async def _run(self, crowd: Crowd) -> None:
        while True:
            self.sample(crowd)
            await asyncio.sleep(EVERY_SECONDS)

    def sample(self, crowd: Crowd) -> None:
        """Note the numbers that nobody reports."""
        measures = self._measures
        measures.set("rolecall_connections", crowd.connections)
        measures.set("rolecall_requests_waiting", crowd.waiting)
        measures.set("rolecall_store_writes_waiting", self._store.waiting)
        measures.set("rolecall_trail_events_waiting", self._trail.waiting)
        measures.set("rolecall_memory_bytes", _resident())
        now = (*self._gateway.cache_misses, self._trail.lost)
        names = (
            "rolecall_credential_cache_misses_total",
            "rolecall_policy_cache_misses_total",
            "rolecall_trail_lost_total",
        )
        for name, value, before in zip(names, now, self._seen, strict=True):
            measures.count(name, value - before)
        self._seen = now


class TimedFiles(RealFiles):
    """The machine's files, with the waits for the disk measured."""

    def __init__(self, measures: Measures, what: str) -> None:
        """`what` is one of `measures.SYNCS`."""
        self._measures = measures
        self._what = what

    def sync(self, descriptor: int) -> None:
        """Sync, and note how long it took."""
        began = monotonic()
        super().sync(descriptor)
        self._measures.sync(self._what, monotonic() - began)


def _probe(transaction: Transaction) -> None:
    """Write a key and delete it again, to see that the store takes changes."""
    transaction.put(_PROBE, os.urandom(8))
    transaction.delete(_PROBE)


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
