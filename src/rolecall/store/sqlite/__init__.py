"""The embedded engine: one SQLite file in WAL mode, shared by the processes of one machine."""

from rolecall.store.sqlite.engine import SqliteStore
from rolecall.store.sqlite.inspection import Inspection

__all__ = ["Inspection", "SqliteStore"]
