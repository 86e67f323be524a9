"""Taking in object bytes: digests while they come, a place to keep them, nothing visible before all of it holds.

Small bodies stay in memory and go into the store with their record. Larger ones go to a blob: each load of pieces is
hashed and written by one thread, while it is warm in that processor's cache and the next is on its way. Where no other
body has work for the processors, every slow digest gets a thread of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

from rolecall.buckets.segments import Segment, keep_inline
from rolecall.message import ServiceError
from rolecall.objects.interface import BlobWriter, Objects
from rolecall.store.interface import Transaction
from rolecall.wire.checksums import Algorithm, Digest

INLINE = 32 * 1024
"""Up to this many bytes go into the store: measured, one sync for bytes and record beats three up to about here."""
MOST = 5 * 1024**3
"""The largest body of one request, AWS's own limit."""

_WORTH_A_THREAD = 128 * 1024
_SLOW = frozenset({"MD5", "SHA1", "SHA256", "SHA512"})
"""Digests that are worth a thread of their own; the others take a fiftieth of the time and go with the first."""


class Intake:
    """The bytes of one body. After `take`, either `commit` and then `keep` in a transaction, or `drop`."""

    _at_work = 0
    """How many have threads at work."""

    def __init__(self, objects: Objects, *algorithms: Algorithm) -> None:
        """Prepare to calculate the MD5 and a checksum by each of `algorithms`."""
        self.size = 0
        self._objects = objects
        self._digests: dict[str, Digest] = {"MD5": hashlib.md5(usedforsecurity=False)}
        for algorithm in algorithms:
            self._digests.setdefault(algorithm.name, algorithm.new())
        self._entrusted: Digest | None = None
        self._held: list[bytes] = []
        self._held_size = 0
        self._writer: BlobWriter | None = None
        self._blob: str | None = None
        self._running: asyncio.Task[None] | None = None
        self._results: dict[str, bytes] = {}

    async def take(self, chunks: AsyncIterator[bytes], entrusted: Digest | None = None) -> None:
        """Take in the whole body, through `entrusted` too, a slow digest that is somebody else's.

        Raises what `chunks` raises, ServiceError EntityTooLarge, ObjectsUnavailable.
        """
        self._entrusted = entrusted
        async for chunk in chunks:
            self.size += len(chunk)
            if self.size > MOST:
                raise entity_too_large(self.size, MOST)
            self._held.append(chunk)
            self._held_size += len(chunk)
            if self._held_size >= _WORTH_A_THREAD and self._held_size >= self._blob_writer().load:
                await self._pass_on()
        if self.size > INLINE:
            await self._pass_on()
            await self._settle()
        else:
            _update(self._every_digest(), self._held)
        self._results = {name: digest.digest() for name, digest in self._digests.items()}

    def take_whole(self, content: bytes) -> None:
        """Take in a whole body of at most `INLINE` bytes."""
        self.size = len(content)
        self._held = [content]
        _update(self._digests.values(), self._held)
        self._results = {name: digest.digest() for name, digest in self._digests.items()}

    @property
    def digests(self) -> Mapping[str, bytes]:
        """The digests of the whole body by the names of their algorithms. Only after `take`."""
        return self._results

    @property
    def md5(self) -> bytes:
        """The MD5 of the whole body. Only after `take`."""
        return self._results["MD5"]

    async def commit(self) -> None:
        """Make a large body durable. Raises ObjectsUnavailable."""
        if self._writer is not None:
            self._blob = await self._writer.commit()

    def keep(self, transaction: Transaction, now: datetime) -> tuple[Segment, ...]:
        """Return the body as segments of a record that `transaction` makes."""
        if self._blob is not None:
            return (Segment(self._blob, self.size),)
        if not self.size:
            return ()
        return (keep_inline(transaction, b"".join(self._held), now),)

    async def drop(self) -> None:
        """Let go of everything; no record refers to it."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        if self._blob is not None:
            await self._objects.delete(self._blob)
        elif self._writer is not None:
            await self._writer.abort()

    async def _pass_on(self) -> None:
        """Begin to hash and write what is held, once what was held before is done."""
        await self._settle()
        pieces, size = self._held, self._held_size
        self._held, self._held_size = [], 0
        self._running = asyncio.create_task(self._digest_and_write(self._blob_writer(), pieces, size))

    def _blob_writer(self) -> BlobWriter:
        if self._writer is None:
            self._writer = self._objects.create()
        return self._writer

    async def _settle(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running

    async def _digest_and_write(self, writer: BlobWriter, pieces: list[bytes], size: int) -> None:
        """Hash and write pieces, beside the loop where they are worth it."""
        if size < _WORTH_A_THREAD:
            _update(self._every_digest(), pieces)
            for piece in pieces:
                await writer.write(piece)
            return
        Intake._at_work += 1
        try:
            await self._beside(writer, pieces)
        finally:
            Intake._at_work -= 1

    async def _beside(self, writer: BlobWriter, pieces: list[bytes]) -> None:
        mine, *others = self._groups() if Intake._at_work == 1 else [self._every_digest()]
        loop = asyncio.get_running_loop()
        threads = [loop.run_in_executor(None, _update, group, pieces) for group in others]
        try:
            await writer.append(pieces, lambda piece: _update(mine, (piece,)))
        finally:
            await asyncio.gather(*threads)

    def _every_digest(self) -> list[Digest]:
        more = [] if self._entrusted is None else [self._entrusted]
        return [*self._digests.values(), *more]

    def _groups(self) -> list[list[Digest]]:
        """Return the digests by the thread that works on them, the MD5's first."""
        slow = [[digest] for name, digest in self._digests.items() if name in _SLOW]
        slow[0] += [digest for name, digest in self._digests.items() if name not in _SLOW]
        return slow if self._entrusted is None else [*slow, [self._entrusted]]


def _update(digests: Iterable[Digest], pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        for digest in digests:
            digest.update(piece)


def entity_too_large(size: int, most: int) -> ServiceError:
    """Return the refusal of a body that is too large."""
    fields = {"ProposedSize": str(size), "MaxSizeAllowed": str(most)}
    return ServiceError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", fields=fields)
