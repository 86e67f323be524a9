"""Object bytes: immutable blobs, written once under names that are never used again.

Promises, each a case in `tests/objects/contract.py`:

1. A blob is visible under its id only after `commit` returned, and then whole and durable (file and folder synced,
   unless the engine was told not to sync).
2. What was begun and not committed leaves nothing that is ever served; the sweep at start removes it.
3. Blob ids are never reused; a committed blob never changes.
4. Deleting a blob that a reader has open does not disturb the reader.
5. Engines translate their errors: `BlobMissing`, `BlobDamaged`, `ObjectsUnavailable`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Protocol


class ObjectsError(Exception):
    """The root of what an engine raises."""


class BlobMissing(ObjectsError):
    """No blob has this id."""


class BlobDamaged(ObjectsError):
    """The blob is not as long as it was when it was committed: it was changed behind our back."""


class ObjectsUnavailable(ObjectsError):
    """The engine cannot write or read (disk full, read-only, an I/O error); the text names the reason."""


class BlobWriter(Protocol):
    """A blob being written. Exactly one of `commit` and `abort` ends it."""

    @property
    def load(self) -> int:
        """How many bytes are best written at once: the fewer, the more blobs are being written."""
        ...

    async def write(self, piece: bytes) -> None:
        """Append `piece`. Raises ObjectsUnavailable."""
        ...

    async def append(self, pieces: Sequence[bytes], see: Callable[[bytes], object]) -> None:
        """Append `pieces` in a thread, where `see` is called with each just before it is written; return afterwards.

        Raises ObjectsUnavailable, after which `see` may have been called for a part.
        """
        ...

    async def commit(self) -> str:
        """Make the blob durable and visible, and return its id. Raises ObjectsUnavailable, after which it is gone."""
        ...

    async def abort(self) -> None:
        """Drop what was written; never raises. Calling it after `commit` or twice does nothing."""
        ...


class Objects(Protocol):
    """An engine for object bytes."""

    def create(self) -> BlobWriter:
        """Begin a blob."""
        ...

    def read(self, blob: str, start: int, length: int, *, size: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` bytes of the blob from `start`, in pieces, never waiting for a disk on the event loop.

        The file is opened before the first piece is asked for, so that a missing blob is known before an answer
        begins. Raises BlobMissing, and BlobDamaged where the blob is too short already or not of the `size` that
        is known of it, at once; BlobDamaged and ObjectsUnavailable while reading.
        """
        ...

    def show(self, blob: str, size: int, take: Callable[[memoryview], object]) -> bool:
        """Show the whole blob to `take`, piece by piece, and return True; False where that would wait for a disk.

        A piece is lent: it is another one after the call. Where False is returned, `take` may have seen a part. Raises
        BlobMissing, and BlobDamaged where the blob is not of this `size`.
        """
        ...

    def whole_file(self, blob: str, *, size: int | None = None) -> str | None:
        """Return the path of a local file that holds exactly this blob, or None where there is none to send.

        Raises BlobDamaged where it is not of the `size` that is known of it.
        """
        ...

    async def delete(self, blob: str) -> None:
        """Remove the blob; removing what is not there is no error. Raises ObjectsUnavailable."""
        ...

    def sweep(self) -> int:
        """Remove what earlier runs began and did not commit; return how many. Called before anything is served."""
        ...

    def ids(self) -> Iterator[str]:
        """Yield the id of every committed blob, in no order, for doctor."""
        ...

    def size(self, blob: str) -> int:
        """Return the blob's size in bytes. Raises BlobMissing."""
        ...
