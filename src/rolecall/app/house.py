"""The house put together: which engines serve which rooms."""

from __future__ import annotations

import gc
import logging

from rolecall.access.limits import Buckets, Limits, Rates
from rolecall.access.uses import Uses
from rolecall.app.folder import DataFolder
from rolecall.app.housekeeping import Housekeeping
from rolecall.app.removals import Removals
from rolecall.app.services import registry
from rolecall.app.shared import Shared
from rolecall.app.watch import TimedFiles, Watch
from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.directory.accounts import account
from rolecall.gateway import Gateway
from rolecall.measures import Measures
from rolecall.objects.local import LocalObjects
from rolecall.services.cloudtrail import Delivery
from rolecall.store.interface import StoreError, StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail

_log = logging.getLogger("rolecall.app")


class Worker:
    """What one worker process has open while it serves."""

    def __init__(self, settings: Settings, shared: Shared | None = None, place: int = 0) -> None:
        """Open the engines on the data folder; be the worker number `place`. Raises StoreError, ObjectsError."""
        shared = shared or Shared()
        measures = self.measures = Measures(shared.measures, place)
        folder = DataFolder(settings.data)
        clock = SystemClock()
        keys, sync = MasterKeys.load(folder.keyring), settings.sync
        self.store = SqliteStore(folder.store, master_keys=keys, sync=sync, files=TimedFiles(measures, "store"))
        self.objects = LocalObjects(folder.objects, sync=sync, files=TimedFiles(measures, "objects"))
        # Synced too: these are few writes a second, and without it a loss of power could damage the file.
        self._trail_store = SqliteStore(folder.trail, master_keys=keys, sync=sync, files=TimedFiles(measures, "trail"))
        self.trail = Trail(self._trail_store, clock=clock)
        uses = Uses()
        operations = registry(self.trail)
        measures.know((operation.service, operation.name) for operation in operations)
        rates = Rates(settings.principal_rate, settings.anonymous_rate, settings.unproved_rate)
        self.limits = Limits(rates, Buckets(shared.buckets))
        self.gateway = Gateway(
            operations,
            self.store,
            self.objects,
            self.trail,
            uses,
            clock,
            settings,
            self._account_id(),
            limits=self.limits,
            measures=measures,
        )
        self.watch = Watch(self.store, self.trail, self.gateway, measures)
        delivery = Delivery(self.store, self.objects, self.trail, clock)
        self._housekeeping = Housekeeping(self.store, self.objects, uses, clock, Removals(folder.removals), delivery)

    def _account_id(self) -> str:
        with self.store.view() as view:
            known = account(view)
        if known is None:
            raise StoreUnavailable("The data folder holds no account; `rolecall serve` makes one at its first start.")
        return known.account_id

    async def start(self) -> None:
        """Begin what runs beside the requests. What is there by now stays: the collector need not walk it again."""
        gc.collect()
        gc.freeze()
        self._housekeeping.start()

    async def stop(self) -> None:
        """Finish, write what is queued, and let go of the engines. Events that cannot be written are lost."""
        self.watch.stop()
        await self._housekeeping.stop()
        try:
            self.trail.close()
        except StoreError as trouble:
            _log.error("the trail could not be written to its end: %s", trouble)
        self._trail_store.close()
        self.store.close()
        self.objects.close()
