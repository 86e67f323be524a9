"""The embedded engine: one SQLite file in WAL mode, shared by the processes of one machine."""

from rolecall.store.sqlite.engine import SqliteStore

__all__ = ["SqliteStore"]
