"""Making commits durable: the sync of the write-ahead log that follows a commit, outside the lock."""

from __future__ import annotations

import os

from rolecall.store.sqlite.database import Database


class WalSync:
    """Syncs the write-ahead log through a descriptor of its own.

    SQLite's locks lie on the database and its shared memory, never on the log, so closing this one drops no lock.
    """

    def __init__(self, database: Database) -> None:
        """Open the log, which a connection of this process keeps in place, and make its name durable."""
        self._files = database.files
        self._descriptor = self._files.open(database.wal, os.O_RDWR)
        self._files.sync_folder(str(database.path.parent))

    def sync(self) -> None:
        """Return when every commit made before the call is durable. Raises OSError."""
        self._files.sync(self._descriptor)

    def close(self) -> None:
        """Let go of the log."""
        self._files.close(self._descriptor)
