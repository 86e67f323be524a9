"""What every engine for object bytes promises. An engine's test module inherits `ObjectsContract`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from rolecall.objects.interface import BlobDamaged, BlobMissing, Objects

T = TypeVar("T")
MISSING = "0" * 32


def run(scene: Coroutine[object, object, T]) -> T:
    return asyncio.run(scene)


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def keep(objects: Objects, content: bytes, piece: int = 65_536) -> str:
    writer = objects.create()
    try:
        for start in range(0, len(content), piece):
            await writer.write(content[start : start + piece])
        return await writer.commit()
    finally:
        await writer.abort()


async def fetch(objects: Objects, blob: str, start: int, length: int, size: int | None = None) -> bytes:
    return b"".join([piece async for piece in objects.read(blob, start, length, size=size)])


class ObjectsContract:
    """The cases. A subclass overrides `opener`: each call opens the same data, as one more process would."""

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Callable[[], Objects]:
        raise NotImplementedError

    @pytest.fixture
    def objects(self, opener: Callable[[], Objects]) -> Objects:
        return opener()

    @pytest.fixture
    def other(self, opener: Callable[[], Objects], objects: Objects) -> Objects:
        """The same objects as another process sees them."""
        return opener()

    @pytest.mark.parametrize("size", [0, 1, 511, 65_536, 262_144, 524_288, 524_289, 3_000_001])
    @pytest.mark.parametrize("piece", [1_000_003, 65_536])
    def test_a_blob_comes_back_as_it_was_written(self, objects: Objects, other: Objects, size: int, piece: int) -> None:
        async def scene() -> tuple[int, bytes]:
            blob = await keep(objects, content_of(size), piece)
            return other.size(blob), await fetch(other, blob, 0, size)

        assert run(scene()) == (size, content_of(size))

    @pytest.mark.parametrize("written", [0, 1000, 2_000_000])
    def test_what_is_appended_is_seen_once_in_its_order_behind_what_was_written(
        self, objects: Objects, written: int
    ) -> None:
        first, second = content_of(written), content_of(700_000)
        pieces = [second[start : start + 300_000] for start in range(0, len(second), 300_000)]
        seen: list[bytes] = []

        async def scene() -> bytes:
            writer = objects.create()
            await writer.write(first)
            await writer.append(pieces[:1], seen.append)
            await writer.append(pieces[1:], seen.append)
            assert seen == pieces
            return await fetch(objects, await writer.commit(), 0, written + len(second))

        assert run(scene()) == first + second

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 0), (0, 1), (999_999, 1), (262_143, 2), (100, 700_000), (10**6, 0)]
    )
    def test_a_part_of_a_blob_is_read_exactly(self, objects: Objects, start: int, length: int) -> None:
        content = content_of(10**6)

        async def scene() -> bytes:
            return await fetch(objects, await keep(objects, content), start, length)

        assert run(scene()) == content[start : start + length]

    def test_a_blob_is_seen_only_after_its_commit(self, objects: Objects, other: Objects) -> None:
        async def scene() -> tuple[list[str], list[str], str]:
            writer = objects.create()
            for _ in range(20):
                await writer.write(bytes(100_000))
            before = list(other.ids())
            blob = await writer.commit()
            return before, list(other.ids()), blob

        before, after, blob = run(scene())
        assert (before, after) == ([], [blob])

    def test_what_is_dropped_leaves_nothing(self, objects: Objects, other: Objects) -> None:
        async def scene() -> None:
            for pieces in (0, 1, 30):
                writer = objects.create()
                for _ in range(pieces):
                    await writer.write(bytes(65_536))
                await writer.abort()
                await writer.abort()

        run(scene())
        assert list(other.ids()) == []
        assert other.sweep() == 0

    def test_dropping_after_the_commit_does_nothing(self, objects: Objects) -> None:
        async def scene() -> bytes:
            writer = objects.create()
            await writer.write(b"kept")
            blob = await writer.commit()
            await writer.abort()
            return await fetch(objects, blob, 0, 4)

        assert run(scene()) == b"kept"

    def test_nothing_can_be_done_to_a_blob_that_was_committed_or_dropped(self, objects: Objects) -> None:
        async def scene(end: Callable[..., Awaitable[object]]) -> None:
            writer = objects.create()
            await writer.write(b"kept")
            await end(writer)
            with pytest.raises(RuntimeError):
                await writer.write(b"more")
            with pytest.raises(RuntimeError):
                await writer.commit()

        run(scene(lambda writer: writer.commit()))
        run(scene(lambda writer: writer.abort()))

    def test_blobs_never_share_an_id(self, objects: Objects, other: Objects) -> None:
        async def scene() -> list[str]:
            return await asyncio.gather(*(keep((objects, other)[n % 2], b"same") for n in range(200)))

        ids = run(scene())
        assert len(set(ids)) == 200
        assert set(objects.ids()) == set(ids)

    def test_an_id_is_not_used_again_after_its_blob_is_gone(self, objects: Objects) -> None:
        async def scene() -> tuple[str, set[str]]:
            blob = await keep(objects, b"first")
            await objects.delete(blob)
            return blob, {await keep(objects, b"later") for _ in range(50)}

        blob, later = run(scene())
        assert blob not in later

    def test_a_blob_that_a_reader_has_open_can_be_deleted_under_it(self, objects: Objects, other: Objects) -> None:
        content = content_of(2_000_000)

        async def scene() -> bytes:
            blob = await keep(objects, content)
            reading = objects.read(blob, 0, len(content))
            first = await anext(reading)
            await other.delete(blob)
            return first + b"".join([piece async for piece in reading])

        assert run(scene()) == content

    def test_a_missing_blob_is_known_before_the_first_piece(self, objects: Objects) -> None:
        with pytest.raises(BlobMissing):
            objects.read(MISSING, 0, 1)
        with pytest.raises(BlobMissing):
            objects.size(MISSING)
        assert objects.whole_file(MISSING) is None

    def test_deleting_what_is_not_there_is_no_error(self, objects: Objects) -> None:
        async def scene() -> None:
            blob = await keep(objects, b"x")
            for _ in range(2):
                await objects.delete(blob)
            await objects.delete(MISSING)

        run(scene())
        assert list(objects.ids()) == []

    def test_a_blob_that_is_too_short_is_damaged(self, objects: Objects) -> None:
        async def scene() -> bytes:
            return await fetch(objects, await keep(objects, bytes(1000)), 500, 501)

        with pytest.raises(BlobDamaged):
            run(scene())

    def test_many_readers_and_writers_do_not_mix_their_bytes_up(self, objects: Objects) -> None:
        async def one(number: int) -> bool:
            content = content_of(300_000 + number)
            blob = await keep(objects, content, 10_000 + number)
            return await fetch(objects, blob, 0, len(content)) == content

        async def scene() -> list[bool]:
            return await asyncio.gather(*(one(number) for number in range(40)))

        assert all(run(scene()))

    def test_readers_and_writers_that_are_cancelled_leave_nothing_and_disturb_nobody(self, objects: Objects) -> None:
        steady = content_of(5_000_000)

        async def scene() -> tuple[bytes, set[str]]:
            kept = await keep(objects, steady)
            finished = {kept}
            for number in range(25):
                writing = asyncio.create_task(keep(objects, content_of(4_000_000), 100_000))
                reading = asyncio.create_task(fetch(objects, kept, number, 4_000_000))
                await asyncio.sleep(random.Random(number).random() / 100)
                writing.cancel()
                reading.cancel()
                outcomes = await asyncio.gather(writing, reading, return_exceptions=True)
                if isinstance(outcomes[0], str):
                    finished.add(outcomes[0])
            await objects.delete(await keep(objects, b"the threads have come to an end"))
            return await fetch(objects, kept, 0, len(steady)), set(objects.ids()) ^ finished

        content, difference = run(scene())
        assert content == steady
        assert difference == set()
        assert objects.sweep() == 0

    def test_a_blob_is_shown_whole_or_not_at_all_and_never_one_of_another_size(self, objects: Objects) -> None:
        content = content_of(200_001)
        blob = run(keep(objects, content))
        seen = bytearray()
        assert objects.show(blob, len(content), seen.extend) is False or bytes(seen) == content
        for size in (len(content) - 1, len(content) + 1):
            with pytest.raises(BlobDamaged):
                objects.show(blob, size, seen.extend)
        with pytest.raises(BlobMissing):
            objects.show(MISSING, 1, seen.extend)

    def test_a_blob_that_is_not_of_the_size_that_is_known_is_refused(self, objects: Objects) -> None:
        blob = run(keep(objects, content_of(1_000)))
        assert run(fetch(objects, blob, 0, 10, 1_000)) == content_of(1_000)[:10]
        for size in (999, 1_001):
            with pytest.raises(BlobDamaged):
                objects.read(blob, 0, 10, size=size)
            if objects.whole_file(blob) is not None:
                with pytest.raises(BlobDamaged):
                    objects.whole_file(blob, size=size)

    def test_a_file_to_be_sent_whole_holds_exactly_the_blob(self, objects: Objects) -> None:
        content = content_of(100_000)
        path = objects.whole_file(run(keep(objects, content)))
        if path is not None:
            assert Path(path).read_bytes() == content
