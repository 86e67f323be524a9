"""`rolecall sessions`: ending temporary credentials before their time.

What AWS itself offers is done through IAM: a policy with `aws:TokenIssueTime`, which ends all older sessions of a role
(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html). AWS ends no single session.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import datetime
from pathlib import Path

from rolecall.app.folder import DataFolder, FolderRefused
from rolecall.app.keys import opened
from rolecall.clock import SystemClock
from rolecall.directory.sessions import LONGEST, revocations, revoke
from rolecall.store.interface import StoreError, Transaction

_ACCESS_KEY_ID = re.compile(r"ASIA[A-Z2-7]{16}")
_SESSION_ID = re.compile(r"[0-9a-f]{32}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of `sessions`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    ending = actions.add_parser("revoke", help="end sessions at once")
    ending.add_argument("ids", nargs="+", metavar="ID", help="access key ids of sessions (ASIA...)")
    listing = actions.add_parser("revoked", help="list what is revoked, and until when it is remembered")
    parser.epilog = "Exit code 2 when it could not be done."
    for one in (ending, listing):
        one.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; a server on the folder goes on running and hears of it at once. Return the exit code."""
    folder = DataFolder(arguments.data)
    try:
        folder.refuse_if_absent()
        folder.refuse_if_foreign()
        if arguments.action == "revoked":
            _list(folder)
        else:
            _revoke(folder, [_name(written) for written in arguments.ids], SystemClock().now())
    except (FolderRefused, StoreError) as refusal:
        print(f"rolecall sessions: {refusal}", file=sys.stderr)
        return 2
    return 0


def _name(written: str) -> bytes:
    if _ACCESS_KEY_ID.fullmatch(written):
        return written.encode()
    if _SESSION_ID.fullmatch(written):
        return bytes.fromhex(written)
    raise FolderRefused(
        f"`{written}` is no access key id of a session (ASIA and 16 characters). A long-term key (AKIA) is deactivated"
        " with `aws iam update-access-key --status Inactive`."
    )


def _revoke(folder: DataFolder, names: list[bytes], now: datetime) -> None:
    def change(transaction: Transaction) -> None:
        for name in names:
            revoke(transaction, name, now + LONGEST)

    with opened(folder) as store:
        store.write_now(change)
    print(f"{len(names)} sessions ended. That is remembered until no session issued by now can live.")


def _list(folder: DataFolder) -> None:
    with opened(folder) as store, store.view() as view:
        found = revocations(view)
    for one in found:
        print(f"{one.name}  until {one.until:%Y-%m-%d %H:%M:%S} UTC")
    if not found:
        print("Nothing is revoked.")
