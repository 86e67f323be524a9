"""`rolecall doctor`: whether a data folder is sound; what is wrong, what that means, and what to do."""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rolecall.app.examination import Examination
from rolecall.app.folder import MANIFEST, DataFolder, FolderRefused
from rolecall.app.progress import Progress
from rolecall.app.removals import Removals
from rolecall.clock import SystemClock
from rolecall.store.interface import StoreError, Transaction
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.upkeep.findings import ORPHAN, Finding, Severity, Trouble

_SHOWN = 20
_UNFOLDED = 10_000
"""The width, in columns, of a table that is written to a file or a pipe: no row is folded."""
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `doctor`."""
    option = parser.add_argument
    option("--data", type=Path, required=True, metavar="DIR", help="the data folder; a server may run on it")
    option("--quick", action="store_true", help="look at records and files, and leave the bytes of objects unread")
    option("--repair", action="store_true", help="remove left-overs older than a day that no record names")
    option("--json", action="store_true", help="print JSON, one object with every finding in full")
    parser.epilog = "Exit code 1 when something is wrong, 2 when there is nothing to examine."


def run(arguments: argparse.Namespace) -> int:
    """Examine; return 0 for a sound folder, 1 where something is wrong, 2 where there is nothing to examine."""
    folder, progress = DataFolder(arguments.data), Progress()
    examination = Examination(folder, SystemClock().now(), progress)
    try:
        if not folder.path.is_dir() or not any(folder.path.iterdir()):
            raise FolderRefused(f"`{folder.path}` is not a data folder of Rolecall.")
        if (folder.path / MANIFEST).exists():
            raise FolderRefused(f"`{folder.path}` is a backup: `rolecall restore --check` reads one.")
        folder.refuse_if_unfinished()
        if arguments.repair:
            folder.refuse_if_foreign()
        examination.run(quick=arguments.quick)
        repaired = _repair(folder, examination) if arguments.repair else 0
    except (FolderRefused, StoreError) as refusal:
        progress.end()
        print(f"rolecall doctor: {refusal}", file=sys.stderr)
        return 2
    except OSError as fault:
        progress.end()
        print(f"rolecall doctor: {fault.strerror}: `{fault.filename}`.", file=sys.stderr)
        return 2
    progress.end()
    left = [one for one in examination.found if not (arguments.repair and one.trouble == ORPHAN)]
    is_sound = all(one.trouble.severity is Severity.NOTE for one in left)
    if arguments.json:
        print(json.dumps(_as_json(folder, examination, left, repaired=repaired, is_sound=is_sound), indent=1))
    else:
        _tell(folder, examination, left, repaired, is_sound=is_sound)
    return 0 if is_sound else 1


def _repair(folder: DataFolder, examination: Examination) -> int:
    """Remove what surely nothing names: older than a day, and named by no record of the state that was examined."""
    with Removals(folder.removals).allowed() as may_remove:
        if not may_remove:
            raise FolderRefused("a backup is being made, or the server is removing files; repair again later.")
        for path in examination.orphan_files:
            with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a server that still writes it holds this
                path.unlink()
    orphans = examination.orphan_keys
    if orphans:

        def remove(transaction: Transaction) -> None:
            for key in orphans:
                transaction.delete(key)

        with closing(SqliteStore(folder.store, master_keys=MasterKeys.load(folder.keyring), migrate=False)) as store:
            store.write_now(remove)
    return len(examination.orphan_files) + len(orphans)


def _as_json(
    folder: DataFolder, examination: Examination, found: Sequence[Finding], *, repaired: int, is_sound: bool
) -> dict[str, object]:
    told = [
        {
            "check": one.trouble.name,
            "severity": one.trouble.severity.value,
            "at": one.subject,
            "means": one.trouble.means,
            "do": one.trouble.remedy,
        }
        for one in found
    ]
    return {
        "data": str(folder.path),
        "sound": is_sound,
        "looked_at": examination.seen,
        "repaired": repaired,
        "findings": told,
    }


def _tell(
    folder: DataFolder, examination: Examination, found: Sequence[Finding], repaired: int, *, is_sound: bool
) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    by_trouble: dict[Trouble, list[str]] = defaultdict(list)
    for one in found:
        by_trouble[one.trouble].append(one.subject)
    for trouble in sorted(by_trouble, key=lambda one: list(Severity).index(one.severity)):
        console.print(_table(trouble, by_trouble[trouble]))
    looked = ", ".join(f"{count:,} {what}" for what, count in examination.seen.items())
    if repaired:
        console.print(f"{repaired:,} left-overs removed.")
    verdict = "sound" if is_sound else "not sound"
    console.print(Text(f"{folder.path} is {verdict}. Looked at: {looked or 'the files'}."))


def _table(trouble: Trouble, subjects: Sequence[str]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    style = _STYLES[trouble.severity]
    table.add_row(Text(trouble.severity.value, style=style), Text(f"{trouble.name} ({len(subjects):,})", style=style))
    for subject in subjects[:_SHOWN]:
        table.add_row("", Text(subject))
    if len(subjects) > _SHOWN:
        table.add_row("", f"... and {len(subjects) - _SHOWN:,} more; --json tells them all")
    table.add_row("means", Text(trouble.means))
    table.add_row("do", Text(trouble.remedy))
    table.add_row("", "")
    return table
