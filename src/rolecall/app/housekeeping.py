"""What a worker does now and then besides answering: last uses, events to buckets, session keys, blobs ...

Every piece of work is safe to be done by several workers at once, and by none for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from datetime import datetime

from rolecall.access.uses import Uses
from rolecall.app.removals import Removals
from rolecall.buckets.garbage import Orphanage, sweep
from rolecall.clock import Clock, Steadiness, monotonic
from rolecall.directory.sessions import ensure_session_keys, forget_expired_revocations
from rolecall.objects.interface import Objects, ObjectsError
from rolecall.services.cloudtrail import Delivery
from rolecall.store.interface import Store, StoreError

EVERY_SECONDS = 60.0

_log = logging.getLogger("rolecall.housekeeping")


class Housekeeping:
    """A task that tidies up about once a minute."""

    def __init__(
        self, store: Store, objects: Objects, uses: Uses, clock: Clock, removals: Removals, delivery: Delivery
    ) -> None:
        """Nothing happens before `start`."""
        self._store = store
        self._objects = objects
        self._uses = uses
        self._clock = clock
        self._removals = removals
        self._delivery = delivery
        self._orphanage = Orphanage()
        self._steadiness = Steadiness()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End between two pieces of work, and write down what was seen used."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(StoreError):
            await self._uses.write_down(self._store)

    async def once(self) -> None:
        """Tidy up once. Raises StoreError, ObjectsError; what was not done is done next time."""
        now = self._clock.now()
        await self._uses.write_down(self._store)
        await self._delivery.once()
        if not self._is_steady(now):
            return
        await self._store.write(lambda transaction: ensure_session_keys(transaction, now))
        await self._store.write(lambda transaction: forget_expired_revocations(transaction, now))
        with self._removals.allowed() as may_remove:
            if may_remove:
                await sweep(self._store, self._objects, now)
                await self._orphanage.tidy(self._store, self._objects, now)

    def _is_steady(self, now: datetime) -> bool:
        """Tell whether the clock can be trusted with what is deleted by time alone."""
        elapsed = monotonic()
        jumped = self._steadiness.jump(now, elapsed)
        if jumped:
            _log.warning("the clock jumped by %s: for a day nothing is deleted because of its age", jumped)
        return self._steadiness.is_steady(elapsed)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads the workers
            try:
                await self.once()
            except (StoreError, ObjectsError) as trouble:
                _log.warning("housekeeping is put off: %s", trouble)
            except Exception:  # noqa: BLE001 - whatever it is, session keys must be renewed and blobs removed next time
                _log.exception("housekeeping failed, and will be tried again")
