"""`rolecall restore`: a data folder made of a backup, every byte of it checked."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

from rolecall.app import copies
from rolecall.app.backup import backups_in
from rolecall.app.folder import MANIFEST, UNFINISHED, DataFolder, FolderRefused
from rolecall.app.progress import Progress
from rolecall.clock import SystemClock
from rolecall.directory.sessions import replace_session_keys
from rolecall.files import Files, RealFiles, write_whole
from rolecall.objects.local import BlobFiles
from rolecall.store.interface import StoreError
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.upkeep.manifest import BLOBS, BackupDamaged, Manifest, Sum, read_blobs, read_manifest

_AT_ONCE = 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `restore`."""
    option = parser.add_argument
    option("backup", type=Path, metavar="BACKUP", help="one backup: a folder that `rolecall backup` made in its TARGET")
    option("--data", type=Path, metavar="DIR", help="the data folder to make: missing or empty")
    option("--keyring", type=Path, metavar="FILE", help="the keyring that belongs to it, if it is not in the backup")
    option("--check", action="store_true", help="only read the whole backup and say if it is sound")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--new-session-keys",
        action="store_true",
        default=True,
        help="end every session that was issued before the backup (the default)",
    )
    keys.add_argument(
        "--keep-session-keys",
        dest="new_session_keys",
        action="store_false",
        help="let sessions live on; those revoked after the backup live again too",
    )
    parser.epilog = (
        "Exit code 1 when the backup lacks objects that were damaged before it, 2 when there is no new folder."
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the folder; return 0, 1 where the backup lacks objects, 2 where there is no folder."""
    progress = Progress()
    try:
        source = Source(arguments.backup.absolute())
        if arguments.check:
            source.check(progress)
        elif arguments.data is None:
            raise FolderRefused("name the data folder to make with --data.")
        else:
            folder = DataFolder(arguments.data)
            restore(source, folder, progress, arguments.keyring, new_session_keys=arguments.new_session_keys)
    except (FolderRefused, BackupDamaged, StoreError, copies.Unreadable) as refusal:
        progress.end()
        print(f"rolecall restore: {refusal}", file=sys.stderr)
        return 2
    except OSError as fault:
        progress.end()
        print(f"rolecall restore: {fault.strerror}: `{fault.filename}`; nothing was restored.", file=sys.stderr)
        return 2
    progress.end()
    if arguments.check:
        print(f"{source.path}: every byte is as it was when the backup was made.")
    else:
        _report(source.manifest, folder.path, new_session_keys=arguments.new_session_keys)
    return _report_damaged(source.manifest)


def restore(
    source: Source,
    folder: DataFolder,
    progress: Progress,
    keyring: Path | None,
    *,
    new_session_keys: bool,
    files: Files | None = None,
) -> None:
    """Make `folder` of the backup `source`: it is there when it is whole and durable, or not at all.

    It is made under another name, and says until it is whole that it is not. Raises FolderRefused, BackupDamaged,
    StoreError, Unreadable, OSError.
    """
    files = files or RealFiles()
    _refuse_if_used(folder)
    keyring = keyring or source.path / folder.keyring.name
    if not keyring.exists():
        raise FolderRefused(
            "the keyring is not in this backup: name the copy that you keep of it with --keyring. Without it, no"
            " secret in the backup opens."
        )
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    building = folder.path.with_name(f".{folder.path.name}.restoring-{secrets.token_hex(4)}")
    files.make_folder(str(building))
    try:
        write_whole(files, building / UNFINISHED, b"")
        _build(source, DataFolder(building), progress, keyring, files, new_session_keys=new_session_keys)
        copies.sync_tree(files, building)
        files.unlink(str(building / UNFINISHED))
        files.sync_folder(str(building))
        files.rename(str(building), str(folder.path))
    except BaseException:
        DataFolder(building).store.unlink(missing_ok=True)  # first: what is left without it is never served
        shutil.rmtree(building, ignore_errors=True)
        raise
    files.sync_folder(str(folder.path.parent))


def _build(
    source: Source, fresh: DataFolder, progress: Progress, keyring: Path, files: Files, *, new_session_keys: bool
) -> None:
    """Fill a folder that nobody serves yet; nothing of it is durable before it is synced."""
    source.copy_files(fresh.path, files)
    keys = MasterKeys.load(keyring)
    keys.save(fresh.keyring, files)
    _begin_again(fresh, keys, new_session_keys=new_session_keys)
    source.copy_blobs(fresh.objects, progress, files)


class Source:
    """A backup, held against what it says of itself."""

    def __init__(self, path: Path) -> None:
        """Read the manifest and the list of blobs. Raises FolderRefused, BackupDamaged, OSError."""
        self.path = path
        self._objects = BlobFiles(path / "objects")
        if not (path / MANIFEST).exists():
            raise FolderRefused(_no_backup(path))
        self.manifest = read_manifest((path / MANIFEST).read_bytes())
        self._hold(BLOBS, copies.sum_of(path / BLOBS))
        self._blobs = read_blobs((path / BLOBS).read_bytes())

    def check(self, progress: Progress) -> None:
        """Read everything. Raises BackupDamaged, Unreadable."""
        for name in self.manifest.files:
            self._hold(name, copies.sum_of(self.path / name))
        self._each_blob(lambda blob: copies.sum_of(self._objects.path(blob)), progress)

    def copy_files(self, target: Path, files: Files) -> None:
        """Copy everything but the blobs. Raises BackupDamaged, Unreadable, OSError."""
        for name in self.manifest.files.keys() - {BLOBS}:
            self._hold(name, copies.copy(files, self.path / name, target / name))

    def copy_blobs(self, root: Path, progress: Progress, files: Files) -> None:
        """Copy the blobs. Raises BackupDamaged, Unreadable, OSError."""
        target = BlobFiles(root)
        copies.make_shards(files, root, iter(self._blobs))
        self._each_blob(lambda blob: copies.copy(files, self._objects.path(blob), target.path(blob)), progress)

    def _each_blob(self, work: Callable[[str], Sum], progress: Progress) -> None:
        done, left = 0, iter(self._blobs)
        with copies.workers() as workers:
            while some := list(islice(left, _AT_ONCE)):
                for blob, found in zip(some, workers.map(work, some), strict=True):
                    if found != self._blobs[blob]:
                        raise BackupDamaged(_changed(self._objects.path(blob)))
                    done += found.size
                    progress.tell("objects", done, self.manifest.bytes)

    def _hold(self, name: str, found: Sum) -> None:
        if found != self.manifest.files.get(name):
            raise BackupDamaged(_changed(self.path / name))


def _changed(path: Path) -> str:
    return f"`{path}` is not as it was when the backup was made; use another backup."


def _no_backup(path: Path) -> str:
    inside = backups_in(path) if path.is_dir() else []
    if inside:
        return f"`{path}` holds {len(inside)} backups; name one, the newest is `{inside[-1]}`."
    return f"`{path}` is no backup (it has no {MANIFEST})."


def _refuse_if_used(folder: DataFolder) -> None:
    if not folder.path.exists():
        return
    if folder.store.exists():
        folder.hold().close()
    if not folder.path.is_dir() or any(folder.path.iterdir()):
        raise FolderRefused(f"`{folder.path}` is not empty; a backup is restored into a new folder.")


def _begin_again(folder: DataFolder, keys: MasterKeys, *, new_session_keys: bool) -> None:
    """See that the keys belong to the store; empty every cache over it and, if asked, end every session."""
    now = SystemClock().now()
    with closing(SqliteStore(folder.store, master_keys=keys)) as store:
        if new_session_keys:
            store.write_now(lambda transaction: replace_session_keys(transaction, now))
        store.new_epoch()
    if folder.trail.exists():
        with closing(SqliteStore(folder.trail, master_keys=keys)) as trail:
            trail.new_epoch()


def _report(manifest: Manifest, path: Path, *, new_session_keys: bool) -> None:
    print(f"{path}: account {manifest.account} as it was at {manifest.made:%Y-%m-%d %H:%M:%S} UTC.")
    print(
        "Everything changed since then is as before: access keys that were deleted or deactivated since, policies that"
        "\nwere detached, users and roles that were deleted work again. Do again what must hold before you serve it."
    )
    if new_session_keys:
        print("Every temporary credential issued before has ended (--keep-session-keys lets them live on).")
    else:
        print("Temporary credentials issued before live on, also those that were revoked since.")
    print(f"See that all is well with: rolecall doctor --data {path}")


def _report_damaged(manifest: Manifest) -> int:
    if not manifest.damaged:
        return 0
    print(
        f"rolecall restore: {len(manifest.damaged)} object files were damaged already when the backup was made and are"
        " not in it; `rolecall doctor` says which objects they belong to.",
        file=sys.stderr,
    )
    return 1
