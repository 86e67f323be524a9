"""`rolecall root rotate-key`: a new key for the root user whose key was lost."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rolecall.app.folder import DataFolder, FolderRefused
from rolecall.app.founding import rotate_root_key
from rolecall.config import Settings, UnsafeSettings
from rolecall.store.interface import StoreError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `root`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    rotate = actions.add_parser("rotate-key", help="replace the root user's access key; old ones stop working at once")
    parser.epilog = "Exit code 2 when it could not be done."
    rotate.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")


def run(arguments: argparse.Namespace) -> int:
    """Replace the key; a server on the folder may go on running. Return the exit code."""
    folder = DataFolder(arguments.data)
    try:
        folder.refuse_if_absent()
        folder.refuse_if_foreign()
        access_key_id = rotate_root_key(folder, Settings(data=folder.path))
    except (FolderRefused, UnsafeSettings, StoreError) as refusal:
        print(f"rolecall root: {refusal}", file=sys.stderr)
        return 2
    print(f"The root user's key is now {access_key_id}; it is in {folder.path / 'root-credentials'}.")
    return 0
