"""A body that came whole: verified, made durable, and kept as an object, or let go of without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from rolecall.access.allowed import Allowed
from rolecall.buckets.bucket import ENABLED, Bucket
from rolecall.buckets.versions import Checksum, ObjectVersion, add
from rolecall.objects.interface import BlobDamaged, BlobMissing, Objects
from rolecall.services.operation import Streams
from rolecall.services.s3.checksums import Wanted, shown, verified
from rolecall.services.s3.intake import MOST, Intake, entity_too_large
from rolecall.services.s3.making import Made
from rolecall.services.s3.reading import Content, damaged, pieces_of
from rolecall.store.interface import Transaction
from rolecall.wire.checksums import Algorithm, Digest, bad_md5


@dataclass(frozen=True, slots=True)
class Arrived:
    """A body that came whole and is what its digests say."""

    intake: Intake
    checksum: Checksum

    @property
    def etag(self) -> str:
        """The ETag of these bytes."""
        return self.intake.md5.hex()


def arriving(streams: Streams, asked: Wanted, md5: bytes | None, *further: Algorithm) -> _Taken:
    """Take in the request's body, held against its digests, for the block that keeps it. Raises ServiceError."""
    length = streams.payload.length
    if length is not None and length > MOST:
        raise entity_too_large(length, MOST)

    def held(intake: Intake) -> Checksum:
        streams.payload.prove()
        if md5 is not None and md5 != intake.md5:
            raise bad_md5(md5, intake.md5)
        return verified(asked, intake.digests[asked.algorithm.name], streams.payload.trailers())

    return _Taken(Intake(streams.objects, asked.algorithm, *further), streams.payload, held)


def copied(objects: Objects, found: ObjectVersion, content: Content, algorithm: Algorithm) -> _Taken:
    """Copy an object's bytes to a place of their own, for the block that keeps them. Raises ServiceError."""

    def held(intake: Intake) -> Checksum:
        if intake.size == found.size and "-" not in found.etag and intake.md5.hex() != found.etag:
            raise damaged(found, BlobDamaged(f"The MD5 of the bytes is {intake.md5.hex()}, not {found.etag}."))
        return verified(Wanted(algorithm), intake.digests[algorithm.name], {})

    return _Taken(Intake(objects, algorithm), _Copied(objects, found, content), held)


class _Source(Protocol):
    """Where the bytes come from."""

    def at_hand(self) -> bytes | None: ...

    def chunks(self) -> AsyncIterator[bytes]: ...

    def entrust(self) -> Digest | None: ...


class _Copied:
    """The bytes of an object that is there."""

    def __init__(self, objects: Objects, found: ObjectVersion, content: Content) -> None:
        self._objects = objects
        self._found = found
        self._content = content

    def at_hand(self) -> None:
        return None

    def entrust(self) -> None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces_of(self._objects, self._content):
                yield piece
        except (BlobMissing, BlobDamaged) as error:
            raise damaged(self._found, error) from error


class _Taken:
    """Takes in a body, holds it, makes it durable, and lets go of it if any of that or the block fails.

    A block that is cancelled may have been committed all the same, so then its bytes stay for the sweeper to judge.
    """

    __slots__ = ("_held", "_intake", "_source")

    def __init__(self, intake: Intake, source: _Source, held: Callable[[Intake], Checksum]) -> None:
        self._intake = intake
        self._source = source
        self._held = held

    async def __aenter__(self) -> Arrived:
        intake = self._intake
        try:
            whole = self._source.at_hand()
            if whole is not None:
                intake.take_whole(whole)
            else:
                entrusted = self._source.entrust()
                await intake.take(self._source.chunks(), entrusted)
            checksum = self._held(intake)
            await intake.commit()
        except BaseException:
            await intake.drop()
            raise
        return Arrived(intake, checksum)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            await self._intake.drop()


def keep(
    transaction: Transaction, allowed: Allowed, home: Bucket, key: str, what: Made, arrived: Arrived
) -> ObjectVersion:
    """Make an object of what arrived."""
    draft = ObjectVersion(
        key,
        allowed.now.replace(microsecond=0),
        size=arrived.intake.size,
        etag=arrived.etag,
        segments=arrived.intake.keep(transaction, allowed.now),
        headers=what.headers,
        metadata=what.metadata,
        tags=what.tags,
        checksum=arrived.checksum,
        storage_class=what.storage_class,
    )
    return add(transaction, home, draft, allowed.now)


def answer(home: Bucket, added: ObjectVersion) -> dict[str, object]:
    """Return the answer about an object that was just made."""
    return {
        "e_tag": f'"{added.etag}"',
        "version_id": added.version_id if home.versioning == ENABLED else None,
        **shown(added.checksum),
    }
