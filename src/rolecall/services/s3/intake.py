"""Taking in object bytes: digests while they come, a place to keep them, nothing visible before all of it holds.

Small bodies stay in memory and go into the store with their record. Larger ones go to a blob; each piece is hashed and
written off the event loop, every digest in a thread of its own, while the next piece is on its way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
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

_BLOCK = 512 * 1024
_WORTH_A_THREAD = 64 * 1024


class Intake:
    """The bytes of one body. After `take`, either `commit` and then `keep` in a transaction, or `drop`."""

    def __init__(self, objects: Objects, *algorithms: Algorithm) -> None:
        """Prepare to calculate the MD5 and a checksum by each of `algorithms`."""
        self.size = 0
        self._objects = objects
        self._digests: dict[str, Digest] = {algorithm.name: algorithm.new() for algorithm in algorithms}
        self._digests.setdefault("MD5", hashlib.md5(usedforsecurity=False))
        self._held: list[bytes] = []
        self._held_size = 0
        self._writer: BlobWriter | None = None
        self._blob: str | None = None
        self._running: asyncio.Task[None] | None = None
        self._results: dict[str, bytes] = {}

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Take in the whole body. Raises what `chunks` raises, ServiceError EntityTooLarge, ObjectsUnavailable."""
        async for chunk in chunks:
            self.size += len(chunk)
            if self.size > MOST:
                raise entity_too_large(self.size, MOST)
            self._held.append(chunk)
            self._held_size += len(chunk)
            if self._held_size >= _BLOCK:
                await self._pass_on()
        if self._writer is not None or self.size > INLINE:
            await self._pass_on()
            await self._settle()
        else:
            self._update(b"".join(self._held))
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
        if self._writer is None:
            self._writer = self._objects.create()
        block = b"".join(self._held)
        self._held.clear()
        self._held_size = 0
        self._running = asyncio.create_task(self._digest_and_write(self._writer, block))

    async def _settle(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running

    async def _digest_and_write(self, writer: BlobWriter, block: bytes) -> None:
        if len(block) < _WORTH_A_THREAD:
            self._update(block)
            await writer.write(block)
            return
        threads = [asyncio.to_thread(digest.update, block) for digest in self._digests.values()]
        await asyncio.gather(writer.write(block), *threads)

    def _update(self, block: bytes) -> None:
        for digest in self._digests.values():
            digest.update(block)


def entity_too_large(size: int, most: int) -> ServiceError:
    """Return the refusal of a body that is too large."""
    fields = {"ProposedSize": str(size), "MaxSizeAllowed": str(most)}
    return ServiceError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", fields=fields)
