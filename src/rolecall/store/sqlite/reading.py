"""Reading: what a view and a transaction have in common, and views with their connections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import NoReturn, Self

import apsw

from rolecall.store.interface import Entry, Record, StoreError
from rolecall.store.keys import after
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.faults import FAULTS, translated

_GET = "SELECT value FROM kv WHERE key = ?"
_RECORD = "SELECT value, version FROM kv WHERE key = ?"
_MARK = "SELECT value FROM meta WHERE name = 'watermark'"
_UP = "SELECT key, value FROM kv WHERE key >= ? ORDER BY key LIMIT ?"
_UP_BELOW = "SELECT key, value FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
_DOWN = "SELECT key, value FROM kv WHERE key >= ? ORDER BY key DESC LIMIT ?"
_DOWN_BELOW = "SELECT key, value FROM kv WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT ?"
_DOWN_FROM = "SELECT key, value FROM kv WHERE key >= ? AND key <= ? ORDER BY key DESC LIMIT ?"

_entry = partial(tuple.__new__, Entry)
"""Makes an Entry of a row as `Entry._make` does, which is written in Python and so takes ten times as long."""

Execute = Callable[..., apsw.Cursor]


class Reads:
    """Reads over one connection. Each takes its whole result at once, so that no cursor stays open."""

    __slots__ = ("_execute", "_keys")

    def __init__(self, execute: Execute, keys: MasterKeys) -> None:
        """Read by `execute`; open secrets with `keys`."""
        self._execute = execute
        self._keys = keys

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        try:
            found: bytes | None = self._execute(_GET, (key,)).get
        except FAULTS as fault:
            raise self._failed(fault) from fault
        return found

    def record(self, key: bytes) -> Record | None:
        """Return value and version of `key`, or None."""
        try:
            found: tuple[bytes, int] | None = self._execute(_RECORD, (key,)).get
        except FAULTS as fault:
            raise self._failed(fault) from fault
        return None if found is None else Record._make(found)

    def scan(
        self, prefix: bytes, *, start: bytes | None = None, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        """Return the entries under `prefix` in order, from `start`, at most `limit`."""
        most = -1 if limit is None else max(limit, 0)
        end = after(prefix) if prefix.rstrip(b"\xff") else None
        sql, bounds = (_downwards if reverse else _upwards)(prefix, end, start)
        try:
            return list(map(_entry, self._execute(sql, (*bounds, most)).fetchall()))
        except FAULTS as fault:
            raise self._failed(fault) from fault

    def get_secret(self, key: bytes) -> bytes | None:
        """Return the opened value of a key written by `put_secret`, or None."""
        sealed = self.get(key)
        return None if sealed is None else self._keys.open(key, sealed)

    def watermark(self) -> bytes:
        """Return the mark under which what was looked up may be kept."""
        try:
            mark: bytes = self._execute(_MARK).get
        except FAULTS as fault:
            raise self._failed(fault) from fault
        return mark

    def end(self) -> None:
        """Make every later read fail: the state this stood for is gone."""
        self._execute = _ended

    def _failed(self, fault: Exception) -> StoreError:
        return translated(fault)


def _upwards(prefix: bytes, end: bytes | None, start: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    first = prefix if start is None else max(prefix, start)
    return (_UP, (first,)) if end is None else (_UP_BELOW, (first, end))


def _downwards(prefix: bytes, end: bytes | None, start: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    if start is not None and (end is None or start < end):
        return _DOWN_FROM, (prefix, start)
    return (_DOWN, (prefix,)) if end is None else (_DOWN_BELOW, (prefix, end))


def _ended(*_: object) -> NoReturn:
    raise RuntimeError("This view or transaction has ended; nothing can be read from or written to it.")


class View(Reads):
    """One state of the store, held from the beginning to the end of the `with` block.

    The reading of the mark that begins it is left unfinished until its end: as long as a statement is under way, SQLite
    keeps the state for its connection, and neither BEGIN nor COMMIT is needed.
    """

    __slots__ = ("_connection", "_held", "_idle", "_mark")

    def __init__(self, connection: apsw.Connection, idle: list[apsw.Connection], keys: MasterKeys) -> None:
        """Read over `connection`, which nobody else uses, and lay it back on `idle` at the end."""
        super().__init__(connection.execute, keys)
        self._connection = connection
        self._idle = idle
        self._held: apsw.Cursor | None = None
        self._mark = b""

    def __enter__(self) -> Self:
        """Begin."""
        try:
            self._held = held = self._execute(_MARK)
            self._mark = next(held)[0]
        except FAULTS as fault:
            raise translated(fault) from fault
        return self

    def watermark(self) -> bytes:
        """Return the mark of the one state that this shows."""
        if self._held is None:
            _ended()
        return self._mark

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the state, and of nothing else: a connection that will not is thrown away."""
        self._execute = _ended
        held, self._held = self._held, None
        try:
            if held is not None:
                held.close()
            is_free = self._connection.get_autocommit()
        except FAULTS:
            is_free = False
        if is_free:
            self._idle.append(self._connection)
        else:
            self._connection.close(True)
