"""`rolecall keys`: the master keys that secrets are sealed under, and the keys that sessions are sealed with."""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rolecall.app.folder import DataFolder, FolderRefused
from rolecall.clock import SystemClock
from rolecall.directory.sessions import replace_session_keys, rotate, session_keys
from rolecall.store.interface import StoreError, Transaction
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of `keys`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="list the keys by id and age; no key is shown")
    master = actions.add_parser("rotate-master", help="draw a new master key and seal every secret anew")
    master.add_argument(
        "--forget-old", action="store_true", help="then remove the older keys; older backups need them: keep a copy"
    )
    sessions = actions.add_parser("rotate-sessions", help="draw a new key for session tokens")
    sessions.add_argument("--end-all", action="store_true", help="and end every session that was issued so far")
    epoch = actions.add_parser("new-epoch", help="make every process forget what it looked up")
    parser.epilog = "Exit code 2 when it could not be done."
    for one in (show, master, sessions, epoch):
        one.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; a server on the folder goes on running and hears of it at once. Return the exit code."""
    folder = DataFolder(arguments.data)
    try:
        folder.refuse_if_absent()
        folder.refuse_if_foreign()
        match arguments.action:
            case "show":
                _show(folder)
            case "rotate-master":
                _rotate_master(folder, forget_old=arguments.forget_old)
            case "rotate-sessions":
                _rotate_sessions(folder, end_all=arguments.end_all)
            case _:
                with opened(folder) as store:
                    store.new_epoch()
                print("Every process looks everything up again.")
    except (FolderRefused, StoreError) as refusal:
        print(f"rolecall keys: {refusal}", file=sys.stderr)
        return 2
    return 0


@contextmanager
def opened(folder: DataFolder) -> Iterator[SqliteStore]:
    """Open the store of a folder that a server may be running on. Raises StoreError."""
    with closing(SqliteStore(folder.store, master_keys=MasterKeys.load(folder.keyring), migrate=False)) as store:
        yield store


def _show(folder: DataFolder) -> None:
    ids = MasterKeys.load(folder.keyring).ids
    for place, name in enumerate(ids):
        print(f"master key   {name.hex()}  {'seals' if place == len(ids) - 1 else 'only opens'}")
    with opened(folder) as store, store.view() as view:
        ring = session_keys(view)
    for key in ring.by_number.values():
        does = "seals" if key is ring.newest else "only opens"
        print(f"session key  {key.number.hex():16}  {does}, made {key.made:%Y-%m-%d %H:%M:%S} UTC")


def _rotate_master(folder: DataFolder, *, forget_old: bool) -> None:
    """Add a master key to the keyring, so that it seals from now on, then seal anew whatever an older key sealed."""
    with (folder.path / "keyring.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        MasterKeys.load(folder.keyring).with_new_key().save(folder.keyring)
        with opened(folder) as store:
            count = store.reseal()
        if folder.trail.exists():
            keys = MasterKeys.load(folder.keyring)
            with closing(SqliteStore(folder.trail, master_keys=keys, migrate=False)) as trail:
                count += trail.reseal()
        if forget_old:
            MasterKeys.load(folder.keyring).newest_alone().save(folder.keyring)
    print(f"{count:,} secrets are sealed under a new master key. Copy {folder.keyring} to where you keep it.")
    if forget_old:
        print("The older keys are gone from it. Backups made before need the older copy of the file.")


def _rotate_sessions(folder: DataFolder, *, end_all: bool) -> None:
    now = SystemClock().now()

    def change(transaction: Transaction) -> None:
        (replace_session_keys if end_all else rotate)(transaction, now)

    with opened(folder) as store:
        store.write_now(change)
    if end_all:
        print("Every session that was issued so far has ended.")
    else:
        print("New sessions are sealed with a new key; those that live go on.")
