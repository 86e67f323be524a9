"""Works on their way to the writing thread, and their outcomes on the way back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from rolecall.store.interface import StoreBusy
from rolecall.store.sqlite.writing import Changes

T_co = TypeVar("T_co", covariant=True)


class Job(Generic[T_co]):
    """A work and its outcome. Who claims it first decides its fate: the writer, or the one who withdraws it."""

    __slots__ = ("_claim", "_work", "error", "result")

    def __init__(self, work: Callable[[Changes], T_co]) -> None:
        """Take a work to be run."""
        self._work = work
        self._claim = threading.Lock()
        self.result: T_co | None = None
        self.error: BaseException | None = None

    def claim(self) -> bool:
        """Tell whether nobody claimed this before; of all who ever ask, one is told so."""
        return self._claim.acquire(blocking=False)

    @property
    def is_claimed(self) -> bool:
        """Whether the fate of this is decided."""
        return self._claim.locked()

    def run(self, changes: Changes) -> None:
        """Run the work and keep what it returned or raised."""
        try:
            self.result = self._work(changes)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work came from
            self.error = error


class AwaitedJob(Job[T_co]):
    """A job that a coroutine waits for."""

    __slots__ = ("future", "loop")

    def __init__(self, work: Callable[[Changes], T_co], loop: asyncio.AbstractEventLoop) -> None:
        """Take a work whose outcome is wanted on `loop`."""
        super().__init__(work)
        self.loop = loop
        self.future: asyncio.Future[T_co] = loop.create_future()

    def expire(self) -> None:
        """Withdraw the job, if it has not begun, because its deadline has passed. Called on the loop."""
        if self.claim() and not self.future.done():
            self.future.set_exception(too_late())

    def settle(self) -> None:
        """Hand the outcome to the coroutine, if it still waits. Called on the loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # which may well be None


class BlockedJob(Job[T_co]):
    """A job that a thread waits for."""

    __slots__ = ("done",)

    def __init__(self, work: Callable[[Changes], T_co]) -> None:
        """Take a work."""
        super().__init__(work)
        self.done = threading.Event()

    def outcome(self) -> T_co:
        """Return what the work returned, or raise what it raised, after `done`."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # which may well be None


def deliver(jobs: Iterable[Job[object]]) -> None:
    """Hand over the outcomes of a batch: one call for each event loop that waits, however many wait on it."""
    awaited: dict[asyncio.AbstractEventLoop, list[AwaitedJob[object]]] = {}
    for job in jobs:
        if isinstance(job, AwaitedJob):
            awaited.setdefault(job.loop, []).append(job)
        elif isinstance(job, BlockedJob):
            job.done.set()
    for loop, waiting in awaited.items():
        try:
            loop.call_soon_threadsafe(_settle, waiting)
        except RuntimeError:
            continue  # the loop was closed: nobody waits any more


def _settle(jobs: list[AwaitedJob[object]]) -> None:
    for job in jobs:
        job.settle()


def too_late() -> StoreBusy:
    """Return the error of a write that was withdrawn at its deadline."""
    return StoreBusy("The write could not begin in time, because others hold the store; nothing was changed.")
