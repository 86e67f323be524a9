"""`rolecall backup`: a copy of a data folder as it is at one moment, while a server goes on serving from it."""

from __future__ import annotations

import argparse
import fcntl
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from rolecall.app.copies import Unreadable
from rolecall.app.folder import MANIFEST, UNFINISHED, DataFolder, FolderRefused
from rolecall.app.progress import Progress
from rolecall.app.snapshot import Options, make_snapshot
from rolecall.clock import SystemClock
from rolecall.files import Files, RealFiles, write_whole
from rolecall.store.interface import StoreError
from rolecall.upkeep.manifest import BackupDamaged, Manifest, read_manifest

NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(?:-[0-9]+)?")
"""What the folder of a backup is called: the moment it was begun."""
_PARTIAL = ".partial-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `backup`."""
    option = parser.add_argument
    option("target", type=Path, metavar="TARGET", help="the folder that backups go to, each in a folder of its own")
    option("--data", type=Path, required=True, metavar="DIR", help="the data folder; a server may run on it")
    option("--with-keys", action="store_true", help="put keyring and credential files into the backup too")
    option("--link", action="store_true", help="give object files a second name instead of copying (same disk only)")
    option("--keep", type=int, metavar="N", help="afterwards keep only the N newest backups of this account in TARGET")
    parser.epilog = (
        "Exit code 1 when object files were damaged already and are not in the backup, 2 when there is no backup."
    )


def run(arguments: argparse.Namespace) -> int:
    """Make a backup; return 0, 1 where objects were damaged already, 2 where there is no backup."""
    folder, progress = DataFolder(arguments.data), Progress()
    try:
        folder.refuse_if_absent()
        if arguments.keep is not None and arguments.keep < 1:
            raise FolderRefused("--keep takes a number from 1 up.")
        options = Options(keys=arguments.with_keys, link=arguments.link, keep=arguments.keep)
        made, manifest = back_up(folder, arguments.target.absolute(), progress, options)
    except (FolderRefused, StoreError, Unreadable) as refusal:
        progress.end()
        print(f"rolecall backup: {refusal}", file=sys.stderr)
        return 2
    except OSError as fault:
        progress.end()
        print(f"rolecall backup: {fault.strerror}: `{fault.filename}`; there is no new backup.", file=sys.stderr)
        return 2
    progress.end()
    return _report(made, manifest)


def back_up(
    folder: DataFolder, target: Path, progress: Progress, options: Options, files: Files | None = None
) -> tuple[Path, Manifest]:
    """Make a backup of `folder` in a new folder in `target`; return where it is and what is in it.

    It has its name only when it is whole and durable. Raises FolderRefused, StoreError, Unreadable, OSError.
    """
    files = files or RealFiles()
    if target.resolve().is_relative_to(folder.path.resolve()):
        raise FolderRefused("a backup inside its own data folder would be lost with it; name another place.")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.sync_folder(str(target.parent))
    with _alone_in(target):
        for leftover in target.glob(f"{_PARTIAL}*"):
            _remove(leftover)
        now = SystemClock().now()
        earlier = backups_in(target)
        name = _free_name(target, f"{now:%Y%m%dT%H%M%SZ}")
        partial = target / f"{_PARTIAL}{name}"
        files.make_folder(str(partial))
        try:
            write_whole(files, partial / UNFINISHED, b"")
            manifest = make_snapshot(folder, partial, now, earlier[-1] if earlier else None, progress, files, options)
            files.unlink(str(partial / UNFINISHED))
            files.sync_folder(str(partial))
            files.rename(str(partial), str(target / name))
        except BaseException:
            _remove(partial, ignore_errors=True)
            raise
        files.sync_folder(str(target))
        if options.keep is not None:
            _keep_newest(target, manifest.account, options.keep)
    return target / name, manifest


def backups_in(target: Path) -> list[Path]:
    """Return the whole backups in a folder, the oldest first. Raises OSError."""
    return sorted(
        (one for one in target.iterdir() if NAME.fullmatch(one.name) and (one / MANIFEST).exists()),
        key=lambda one: (one.name[:16], len(one.name), one.name),
    )


def _keep_newest(target: Path, account: str, count: int) -> None:
    """Remove the backups of an account but the newest `count`. Raises OSError; one that cannot be read stays."""
    same: list[Path] = []
    for one in backups_in(target):
        try:
            if read_manifest((one / MANIFEST).read_bytes()).account == account:
                same.append(one)
        except BackupDamaged:
            continue
    for old in same[:-count]:
        _remove(old.rename(target / f"{_PARTIAL}{old.name}"))


def _remove(folder: Path, *, ignore_errors: bool = False) -> None:
    """Remove a backup, or half of one, its store first: what is left without it is never served. Raises OSError."""
    with suppress(OSError) if ignore_errors else nullcontext():
        DataFolder(folder).store.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=ignore_errors)


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    with (target / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderRefused(f"another backup is being made in `{target}`.") from None
        yield


def _free_name(target: Path, wanted: str) -> str:
    name, count = wanted, 1
    while (target / name).exists():
        count += 1
        name = f"{wanted}-{count}"
    return name


def _report(made: Path, manifest: Manifest) -> int:
    size = manifest.bytes + sum(one.size for one in manifest.files.values())
    print(f"{made}: account {manifest.account}, {manifest.blobs:,} object files, {size:,} bytes in all.")
    if manifest.keys:
        print("The keys are in it: whoever has this backup has every secret of the account.")
    else:
        print("The keyring is not in it. Keep a copy of DIR/keyring elsewhere: without it no secret opens.")
    if not manifest.damaged:
        return 0
    print(
        f"rolecall backup: {len(manifest.damaged)} object files were missing or damaged already and are not in the"
        " backup; `rolecall doctor` says which objects they belong to.",
        file=sys.stderr,
    )
    return 1
