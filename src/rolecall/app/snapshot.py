"""What a backup is made of: one state of the store, the blobs that this state names, and the trail."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rolecall.app import copies
from rolecall.app.folder import MANIFEST, ROOT_CREDENTIALS, TUTORIAL_CREDENTIALS, DataFolder
from rolecall.app.progress import Progress
from rolecall.app.removals import Removals
from rolecall.directory.accounts import account
from rolecall.files import Files, write_whole
from rolecall.objects.local import BlobFiles
from rolecall.store.interface import StoreUnavailable
from rolecall.store.sqlite import Inspection
from rolecall.upkeep.manifest import BLOBS, BackupDamaged, Manifest, Sum, read_blobs, write_blobs
from rolecall.upkeep.manifest import write_manifest as written
from rolecall.upkeep.segments import blobs_in

_AT_ONCE = 1024


class Options(NamedTuple):
    """How a backup is made."""

    keys: bool = False
    """Put the keyring and the credential files into it."""
    link: bool = False
    """Give blobs a second name instead of copying them, where the file systems let us."""
    keep: int | None = None
    """How many backups of the account to keep, this one included; None: all."""


def make_snapshot(
    folder: DataFolder,
    into: Path,
    now: datetime,
    earlier: Path | None,
    progress: Progress,
    files: Files,
    options: Options,
) -> Manifest:
    """Fill the new folder `into`, durably, and return its manifest, which is written last.

    Blobs that the backup `earlier` has are taken from there by a second name. Raises StoreError, OSError.
    """
    sums: dict[str, Sum] = {}
    with Removals(folder.removals).held_back():
        sums["rolecall.db"] = _copy_store(folder.store, into / "rolecall.db", progress, files)
        known, schema, wanted = _named_in(into / "rolecall.db")
        taken = _Taken(folder.objects, into / "objects", earlier, files, link=options.link)
        blobs = taken.take(wanted, progress)
    # The trail comes after the store, so that it tells of every change that the store's copy holds.
    if folder.trail.exists():
        sums["trail.db"] = _copy_store(folder.trail, into / "trail.db", progress, files)
    for name in (folder.keyring.name, ROOT_CREDENTIALS, TUTORIAL_CREDENTIALS) if options.keys else ():
        if (folder.path / name).exists():
            sums[name] = copies.copy(files, folder.path / name, into / name)
    return _finish(into, now, known, schema, sums, wanted, blobs, files, keys=options.keys)


def _finish(
    into: Path,
    now: datetime,
    known: str,
    schema: int,
    sums: dict[str, Sum],
    wanted: Mapping[str, int],
    blobs: Mapping[str, Sum],
    files: Files,
    *,
    keys: bool,
) -> Manifest:
    """Write the list of blobs, make everything durable, and write the manifest."""
    write_whole(files, into / BLOBS, write_blobs(blobs))
    sums[BLOBS] = copies.sum_of(into / BLOBS)
    manifest = Manifest(
        program=version("rolecall"),
        made=now,
        account=known,
        schema=schema,
        keys=keys,
        files=sums,
        blobs=len(blobs),
        bytes=sum(one.size for one in blobs.values()),
        damaged=tuple(sorted(wanted.keys() - blobs.keys())),
    )
    copies.sync_tree(files, into)
    write_whole(files, into / MANIFEST, written(manifest))
    return manifest


def _copy_store(source: Path, target: Path, progress: Progress, files: Files) -> Sum:
    with closing(Inspection(source)) as store:
        store.copy_to(target, lambda done, whole: progress.tell(source.name, done * 4096, whole * 4096))
    with closing(Inspection(target)) as copy:
        if faults := copy.faults(quick=True):
            raise StoreUnavailable(f"`{source}` is damaged ({faults[0]}); `rolecall doctor` says more.")
    descriptor = files.open(str(target), 0)
    try:
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    return copies.sum_of(target)


def _named_in(store: Path) -> tuple[str, int, dict[str, int]]:
    """Return a copied store's account and schema, and the blobs that it names."""
    with closing(Inspection(store)) as copy, copy.view() as view:
        known = account(view)
        if known is None:
            raise StoreUnavailable("The data folder holds no account yet; `rolecall serve` makes one.")
        return known.account_id, copy.schema, blobs_in(view)


class _Taken:
    """The blobs of a backup, each linked to an earlier backup's or to the folder's, or else copied."""

    def __init__(self, source: Path, target: Path, earlier: Path | None, files: Files, *, link: bool) -> None:
        self._source = BlobFiles(source)
        self._target = BlobFiles(target)
        self._files = files
        self._link = link
        self._earlier = BlobFiles((earlier or source) / "objects")
        self._sums = _sums_of(earlier) if earlier is not None else {}

    def take(self, wanted: Mapping[str, int], progress: Progress) -> dict[str, Sum]:
        """Return what could be taken of the blobs `wanted` (with their sizes). Raises OSError."""
        copies.make_shards(self._files, self._target.root, iter(wanted))
        whole, done = sum(wanted.values()), 0
        sums: dict[str, Sum] = {}
        left = iter(wanted.items())
        with copies.workers() as workers:
            while some := list(islice(left, _AT_ONCE)):
                for (blob, size), found in zip(some, workers.map(self._one, some), strict=True):
                    done += size
                    if found is not None:
                        sums[blob] = found
                    progress.tell("objects", done, whole)
        return sums

    def _one(self, one: tuple[str, int]) -> Sum | None:
        blob, size = one
        target, known = self._target.path(blob), self._sums.get(blob)
        if self._is_in_earlier(blob, size, known) and copies.link(self._files, self._earlier.path(blob), target):
            return known
        if self._source.size(blob) != size:
            return None
        try:
            if self._link and copies.link(self._files, self._source.path(blob), target):
                found = copies.sum_of(target)
            else:
                found = copies.copy(self._files, self._source.path(blob), target)
        except copies.Unreadable:
            found = Sum(-1, "")
        if found.size != size:
            target.unlink(missing_ok=True)
            return None
        return found

    def _is_in_earlier(self, blob: str, size: int, known: Sum | None) -> bool:
        return known is not None and known.size == size == self._earlier.size(blob)


def _sums_of(backup: Path) -> dict[str, Sum]:
    """Return what an earlier backup knows of its blobs; nothing, where it cannot be read."""
    try:
        return read_blobs((backup / BLOBS).read_bytes())
    except (BackupDamaged, OSError):
        return {}
