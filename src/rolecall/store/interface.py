"""The ordered keyspace that everything lasting is kept in, and what every engine promises.

Promises, each a case in `tests/store/contract.py`:

1. Keys are bytes, ordered as bytes. A key holds a value (bytes) and a version, a positive number that grows with
   every change of that key.
2. `get` and `scan` return complete values; no read leaves a cursor or a transaction open.
3. A view sees one state of the store from its first read to its end, and no view crosses an `await`. Its object
   stands for that state alone and is never used for another.
4. Every process sees a commit at its next view.
5. `write` is the one door for changes. The work is atomic: all of its changes, or, when it raises, none. It may be
   run again after a conflict and so must have no effect but through its transaction.
6. Works of one batch do not see each other fail: each has its own savepoint and its own exception.
7. When `write` returns, the change survives `kill -9` and, unless the engine was told not to sync, loss of power.
   A change may be seen by others before it is durable; nobody is told that it is done.
8. A write that has not begun within its deadline is withdrawn and raises `StoreBusy`; a failed commit fails every
   work of its batch with `StoreUnavailable`, and nothing of the batch is kept. Where the commit was made and only its
   sync failed, `StoreUnavailable` says that the change may stand; no later write is acknowledged before it is durable.
9. Values written by `put_secret` are sealed at rest under a key that is not in the store.
10. The watermark changes with every `advance_watermark`, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")

ABSENT = 0
"""As `expected` of `Transaction.put`: the key must not exist yet."""


class StoreError(Exception):
    """The root of what an engine raises; drivers' own errors never leave an engine."""


class StoreBusy(StoreError):
    """The write did not begin within its deadline and was withdrawn; nothing was changed."""


class StoreUnavailable(StoreError):
    """The store cannot be used (disk full, read-only, an I/O error). The text names the reason.

    Nothing was changed, unless the text says that a change may have been made.
    """


class SchemaMismatch(StoreError):
    """The store was written by a newer program, or is not one of ours."""


class VersionConflict(StoreError):
    """`put` or `delete` expected another version than the key has. Inside `write` it fails that work."""


class Record(NamedTuple):
    """A value and its version."""

    value: bytes
    version: int


class Entry(NamedTuple):
    """One key of a scan with its value."""

    key: bytes
    value: bytes


class Snapshot(Protocol):
    """One state of the store, to read from."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        ...

    def record(self, key: bytes) -> Record | None:
        """Return value and version of `key`, or None."""
        ...

    def scan(
        self, prefix: bytes, *, start: bytes | None = None, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        """Return the entries whose keys begin with `prefix`, in order, at most `limit`.

        `start` is the first key to return (the last one, counting down, when `reverse`), whether it exists or not; it
        must itself begin with `prefix` or lie outside, where it bounds nothing or everything.
        """
        ...

    def get_secret(self, key: bytes) -> bytes | None:
        """Return the opened value of a key written by `put_secret`, or None.

        Raises StoreUnavailable where it cannot be opened (key file replaced, value tampered with or moved).
        """
        ...

    def watermark(self) -> bytes:
        """Return the mark under which whatever was looked up in identities and policies may be kept."""
        ...


class Transaction(Snapshot, Protocol):
    """A state of the store to read from and to change; reads see the changes made before them."""

    def put(self, key: bytes, value: bytes, *, expected: int | None = None) -> None:
        """Set the value of `key`. With `expected`, the key must have this version (`ABSENT`: must not exist).

        Raises VersionConflict.
        """
        ...

    def put_secret(self, key: bytes, value: bytes) -> None:
        """Set the value of `key`, sealed at rest and bound to this key."""
        ...

    def delete(self, key: bytes, *, expected: int | None = None) -> None:
        """Remove `key`; removing what is not there is no error unless a version was `expected`.

        Raises VersionConflict.
        """
        ...

    def advance_watermark(self) -> None:
        """Make every process forget what it looked up: identities, policies or what they hang on have changed."""
        ...


class Store(Protocol):
    """An engine. One per process and database."""

    def view(self) -> AbstractContextManager[Snapshot]:
        """Open one state of the store for reading, closed at the end of the `with` block (which has no `await`)."""
        ...

    async def write(self, work: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run `work` in a transaction and return what it returned, once that is durable.

        A `brief` work reads and changes a handful of keys and waits for nothing; it may be run on the event loop.
        Raises what `work` raised (nothing kept), StoreBusy, StoreUnavailable.
        """
        ...

    def write_now(self, work: Callable[[Transaction], T]) -> T:
        """Do as `write`, for callers without an event loop."""
        ...

    def long_scan(self, prefix: bytes) -> Iterator[Entry]:
        """Yield the entries under `prefix` page by page over a connection of its own, for backup, doctor, expiry.

        Pages are each a state of their own: an entry changed meanwhile is yielded as it is when its page is read.
        """
        ...

    def close(self) -> None:
        """Finish writes under way and let go of the database."""
        ...
