"""Writing: the transaction that a work of the store is given."""

from __future__ import annotations

import secrets

import apsw

from rolecall.store.interface import ABSENT, StoreError, VersionConflict
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite.faults import FAULTS, translated
from rolecall.store.sqlite.reading import Execute, Reads

_VERSION = "SELECT version FROM kv WHERE key = ?"
_PUT = (
    "INSERT INTO kv (key, version, value) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value"
)
_DELETE = "DELETE FROM kv WHERE key = ?"
_BEGINNING = "SELECT value FROM meta WHERE name IN ('sequence', 'watermark') ORDER BY name"
_SET_SEQUENCE = "UPDATE meta SET value = ? WHERE name = 'sequence'"
_SET_KEYRING = "UPDATE meta SET value = ? WHERE name = 'keyring'"
_SET_MARK = "UPDATE meta SET value = ? WHERE name = 'watermark'"

_OF_THE_VALUE = (apsw.ConstraintError, apsw.TooBigError)
"""Faults that undo one statement and leave the transaction whole; SQLite may have rolled back at any other."""

EPOCH_BYTES = 8
COUNTER_BYTES = 8


def new_mark() -> bytes:
    """Draw a watermark that equals none before it."""
    return secrets.token_bytes(EPOCH_BYTES) + bytes(COUNTER_BYTES)


class Sequence:
    """The number of the last change in the store, from which versions are taken.

    Counted for the whole store, a version never returns, not even when a key is removed and made again.
    """

    __slots__ = ("_kept", "last", "mark")

    def __init__(self, execute: Execute) -> None:
        """Read where the transaction that has begun starts from."""
        (last,), (mark,) = execute(_BEGINNING)
        self._kept: int = last
        self.last: int = last
        self.mark: bytes = mark
        """The store's watermark, with the changes of the works that were kept."""

    def next(self) -> int:
        """Count one change and return its number."""
        self.last += 1
        return self.last

    def keep(self, execute: Execute) -> None:
        """Write the number back, if it moved."""
        if self.last != self._kept:
            execute(_SET_SEQUENCE, (self.last,))


class Changes(Reads):
    """A transaction. A fault of the driver in it is remembered, whatever the work makes of the exception."""

    __slots__ = ("_sequence", "broken", "mark")

    def __init__(self, execute: Execute, keys: MasterKeys, sequence: Sequence) -> None:
        """Change by `execute`, inside a transaction that has begun, numbered by `sequence`."""
        super().__init__(execute, keys)
        self._sequence = sequence
        self.mark = sequence.mark
        """The watermark as it is with these changes."""
        self.broken: StoreError | None = None

    def watermark(self) -> bytes:
        """Return the mark under which what was looked up may be kept."""
        return self.mark or super().watermark()  # which raises: this has ended

    def end(self) -> None:
        """Make every later read and change fail."""
        super().end()
        self.mark = b""

    def put(self, key: bytes, value: bytes, *, expected: int | None = None) -> None:
        """Set the value of `key`, if it has the version `expected`."""
        if expected is not None:
            self._expect(key, expected)
        self._change(_PUT, (key, self._sequence.next(), value))

    def put_secret(self, key: bytes, value: bytes) -> None:
        """Set the value of `key`, sealed and bound to this key."""
        self.put(key, self._keys.seal(key, value))

    def delete(self, key: bytes, *, expected: int | None = None) -> None:
        """Remove `key`, if it has the version `expected`."""
        if expected is not None:
            self._expect(key, expected)
        self._change(_DELETE, (key,))

    def advance_watermark(self) -> None:
        """Change the mark, within its epoch."""
        mark = self.watermark()
        count = int.from_bytes(mark[EPOCH_BYTES:], "big") + 1
        self._set_mark(mark[:EPOCH_BYTES] + count.to_bytes(COUNTER_BYTES, "big"))

    def begin_epoch(self) -> None:
        """Replace the mark by one that never was, because what the store holds was put back or moved."""
        self._set_mark(new_mark())

    def _set_mark(self, mark: bytes) -> None:
        self._change(_SET_MARK, (mark,))
        self.mark = mark

    def reseal(self, key: bytes) -> bool:
        """Seal the value of `key` under the newest key if it is sealed under another, and tell whether it was.

        The watermark stays: what the secret is has not changed. Raises StoreUnavailable where it does not open.
        """
        value = self.get(key)
        if value is None or not self._keys.is_outdated(value):
            return False
        self.put(key, self._keys.seal(key, self._keys.open(key, value)))
        return True

    def reseal_check(self, name: bytes) -> None:
        """Seal anew, under the newest key, the mark by which a store knows its keyring."""
        self._change(_SET_KEYRING, (self._keys.seal(name, name),))

    def _expect(self, key: bytes, expected: int) -> None:
        try:
            version: int | None = self._execute(_VERSION, (key,)).get
        except FAULTS as fault:
            raise self._failed(fault) from fault
        if (version or ABSENT) != expected:
            raise VersionConflict(f"The key has version {version or 'none'}, not {expected or 'none'}.")

    def _change(self, sql: str, values: tuple[bytes | int, ...]) -> None:
        try:
            self._execute(sql, values)
        except FAULTS as fault:
            raise self._failed(fault) from fault

    def _failed(self, fault: Exception) -> StoreError:
        error = translated(fault)
        if not isinstance(fault, _OF_THE_VALUE):
            self.broken = error
            self.end()
        return error
