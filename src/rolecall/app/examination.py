"""The examination of a whole data folder: files, databases, records and bytes, beside a server or without one."""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rolecall.app.contents import ContentCheck
from rolecall.app.folder import ROOT_CREDENTIALS, TUTORIAL_CREDENTIALS, DataFolder
from rolecall.app.progress import Progress
from rolecall.objects.local import BlobFiles
from rolecall.store.interface import StoreError
from rolecall.store.sealing import KeyringUnusable, MasterKeys
from rolecall.store.sqlite import Inspection
from rolecall.upkeep import findings
from rolecall.upkeep.content import content_of
from rolecall.upkeep.findings import Finding, Trouble
from rolecall.upkeep.look import YOUNG, Look, shown
from rolecall.upkeep.records import Examined, examine_store, examine_trail

_CREDENTIALS = (ROOT_CREDENTIALS, TUTORIAL_CREDENTIALS)


class Examination:
    """What was looked at in a data folder, and what was found. Nothing is changed."""

    def __init__(self, folder: DataFolder, now: datetime, progress: Progress) -> None:
        """Begin with nothing looked at."""
        self.found: list[Finding] = []
        self.seen: dict[str, int] = {}
        """How much was looked at, by what."""
        self.orphan_files: list[Path] = []
        self.orphan_keys: list[bytes] = []
        self._folder = folder
        self._files = BlobFiles(folder.objects)
        self._now = now
        self._progress = progress
        self._bytes = 0

    def run(self, *, quick: bool) -> None:
        """Look at everything; `quick` leaves the bytes of objects unread."""
        self._permissions()
        keys = self._keys()
        self._look_into(self._folder.store, keys, lambda store: self._store(store, sealed=keys is not None))
        if not quick:
            self._look_into(self._folder.store, keys, self._contents, again=True)
        if self._folder.trail.exists():
            self._look_into(self._folder.trail, keys, self._trail)

    def _look_into(
        self, path: Path, keys: MasterKeys | None, work: Callable[[Inspection], None], *, again: bool = False
    ) -> None:
        """Do `work` on a database. One that does not open becomes a finding, unless it was found before (`again`)."""
        store = self._open(path, keys, again=again)
        if store is None:
            return
        with closing(store):
            try:
                work(store)
            except StoreError as reason:
                self._find(findings.STORE_DAMAGED, f"{path.name}: {reason}")

    def _find(self, trouble: Trouble, subject: str) -> None:
        self.found.append(Finding(trouble, subject))

    def _permissions(self) -> None:
        folder = self._folder
        if folder.path.stat().st_mode & 0o077:
            self._find(findings.PERMISSIONS, f"chmod 700 {folder.path}")
        names = (folder.store, folder.trail, folder.keyring, *(folder.path / name for name in _CREDENTIALS))
        for path in names:
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                self._find(findings.PERMISSIONS, f"chmod 600 {path}")

    def _keys(self) -> MasterKeys | None:
        try:
            return MasterKeys.load(self._folder.keyring)
        except KeyringUnusable as reason:
            self._find(findings.KEYRING, str(reason))
            return None

    def _open(self, path: Path, keys: MasterKeys | None, *, again: bool) -> Inspection | None:
        try:
            store = Inspection(path, master_keys=keys)
        except StoreError as reason:
            if not again:
                self._find(findings.STORE_REFUSED, str(reason))
            return None
        if keys is not None and not again:
            try:
                store.check_keys()
            except StoreError as reason:
                self._find(findings.KEYRING, f"{path.name}: {reason}")
        return store

    def _faults(self, store: Inspection) -> None:
        self._progress.tell(f"integrity of {store.path.name}", 0, 0)
        for fault in store.faults():
            self._find(findings.STORE_DAMAGED, f"{store.path.name}: {fault}")

    def _store(self, store: Inspection, *, sealed: bool) -> None:
        self._faults(store)
        with store.view() as view:
            examined = examine_store(view, self._now, self._counting("records"), sealed=sealed)
            self._take(examined.look, "records")
            self._blobs(store, examined)

    def _trail(self, trail: Inspection) -> None:
        self._faults(trail)
        with trail.view() as view:
            look = examine_trail(view, self._now, self._counting("records of the trail"))
        self._take(look, "records of the trail")

    def _blobs(self, store: Inspection, examined: Examined) -> None:
        """Hold the files against what the records of one state name. What went meanwhile is looked up again."""
        look = examined.look
        self.orphan_keys = examined.orphans
        self._bytes = look.bytes
        self.seen["object files"] = 0
        found: dict[str, int] = {}
        for file in self._files.committed():
            self.seen["object files"] += 1
            found[file.blob] = file.size
            if file.blob not in look.blobs and file.blob not in look.doomed:
                self._orphan(self._files.path(file.blob), file.changed)
        for path in self._files.begun():
            self._orphan(path, path.stat().st_mtime)
        for path in self._files.strangers():
            self._find(findings.STRANGER, str(path))
        for blob, (size, key) in look.blobs.items():
            there = found.get(blob)
            if there is None:
                there = self._files.size(blob)
            if there != size and self._is_named(store, key, blob):
                lost = there is None
                trouble = findings.BYTES_MISSING if lost else findings.BYTES_CUT
                self._find(trouble, f"{shown(key)} (file {blob}" + ("" if lost else f": {there} of {size} bytes") + ")")

    def _is_named(self, store: Inspection, key: bytes, blob: str) -> bool:
        """Tell whether the newest state still names the blob, which a server may have replaced and removed."""
        with closing(Inspection(store.path)) as newest, newest.view() as view:
            value = view.get(key)
            content = content_of(key, value) if value is not None else None
            return content is not None and any(segment.source == blob for segment in content.segments)

    def _orphan(self, path: Path, changed: float) -> None:
        if self._now.timestamp() - changed < YOUNG.total_seconds():
            self._find(findings.YOUNG_ORPHAN, str(path))
        else:
            self._find(findings.ORPHAN, str(path))
            self.orphan_files.append(path)

    def _contents(self, store: Inspection) -> None:
        checking = ContentCheck(store, self._files, self._progress, self._bytes)
        self.found.extend(checking.run())
        self.seen["bytes of objects"] = checking.read

    def _counting(self, what: str) -> Callable[[int], None]:
        return lambda count: self._progress.tell(f"{what}: {count:,}", 0, 0)

    def _take(self, look: Look, what: str) -> None:
        self.found.extend(look.found)
        self.seen[what] = sum(look.kinds.values())
