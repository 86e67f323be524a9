"""What nothing refers to goes, what something refers to stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rolecall.buckets.bucket import ENABLED, Bucket, create_bucket
from rolecall.buckets.garbage import GRACE, Orphanage, remove_unnamed, sweep, unnamed
from rolecall.buckets.segments import Segment
from rolecall.buckets.uploads import Part, Upload, abort, begin, finish, new_upload_id, put_part
from rolecall.buckets.versions import ObjectVersion, add, remove
from rolecall.objects.interface import BlobMissing
from rolecall.objects.local import LocalObjects
from rolecall.store.interface import Transaction
from rolecall.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOME = Bucket(name="home", account="123456789012", created=NOW)


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[LocalObjects]:
    return LocalObjects(tmp_path / "objects", sync=False)


def blob(objects: LocalObjects, content: bytes = b"x" * 100) -> str:
    async def write() -> str:
        writer = objects.create()
        await writer.write(content)
        return await writer.commit()

    return asyncio.run(write())


def keep(store: SqliteStore, key: str, source: str, home: Bucket = HOME) -> None:
    store.write_now(lambda t: add(t, home, ObjectVersion(key, NOW, segments=(Segment(source, 100),)), NOW))


def swept(store: SqliteStore, objects: LocalObjects, now: datetime) -> int:
    return asyncio.run(sweep(store, objects, now))


def test_a_replaced_blob_goes_after_its_grace_and_no_sooner(store: SqliteStore, objects: LocalObjects) -> None:
    store.write_now(lambda t: create_bucket(t, HOME))
    first, second = blob(objects), blob(objects)
    keep(store, "k", first)
    keep(store, "k", second)
    assert swept(store, objects, NOW + GRACE - timedelta(seconds=1)) == 0
    assert objects.size(first) == 100
    assert swept(store, objects, NOW + GRACE) == 1
    with pytest.raises(BlobMissing):
        objects.size(first)
    assert objects.size(second) == 100
    assert swept(store, objects, NOW + GRACE) == 0


def test_older_versions_keep_their_blobs(store: SqliteStore, objects: LocalObjects) -> None:
    home = Bucket(name="home", account="123456789012", created=NOW, versioning=ENABLED)
    store.write_now(lambda t: create_bucket(t, home))
    first, second = blob(objects), blob(objects)
    keep(store, "k", first, home)
    keep(store, "k", second, home)
    store.write_now(lambda t: remove(t, home, "k", NOW))
    assert swept(store, objects, NOW + 2 * GRACE) == 0
    assert unnamed(store, objects) == set()


def test_parts_that_did_not_become_an_object_are_let_go_of(store: SqliteStore, objects: LocalObjects) -> None:
    upload = Upload(bucket="home", key="k", upload_id=new_upload_id(NOW), initiated=NOW, initiator="")
    used, left, replaced = blob(objects), blob(objects), blob(objects)

    def fill(transaction: Transaction) -> None:
        create_bucket(transaction, HOME)
        begin(transaction, upload)
        for number, source in ((1, replaced), (1, used), (2, left)):
            put_part(transaction, upload.upload_id, Part(number, 100, "e", NOW, (Segment(source, 100),)), NOW)

    def complete(transaction: Transaction) -> None:
        finish(transaction, upload, frozenset({1}), NOW)
        add(transaction, HOME, ObjectVersion("k", NOW, segments=(Segment(used, 100),)), NOW)

    store.write_now(fill)
    assert unnamed(store, objects) == set(), "parts and garbage are named"
    store.write_now(complete)
    assert swept(store, objects, NOW + GRACE) == 2
    assert set(objects.ids()) == {used}


def test_an_aborted_upload_leaves_nothing(store: SqliteStore, objects: LocalObjects) -> None:
    upload = Upload(bucket="home", key="k", upload_id=new_upload_id(NOW), initiated=NOW, initiator="")
    source = blob(objects)

    def work(transaction: Transaction) -> None:
        begin(transaction, upload)
        put_part(transaction, upload.upload_id, Part(1, 100, "e", NOW, (Segment(source, 100),)), NOW)
        abort(transaction, upload, NOW)

    store.write_now(work)
    assert swept(store, objects, NOW + GRACE) == 1
    assert set(objects.ids()) == set()


def test_a_blob_whose_record_never_came_is_found_and_removed(store: SqliteStore, objects: LocalObjects) -> None:
    store.write_now(lambda t: create_bucket(t, HOME))
    orphan, late, kept = blob(objects), blob(objects), blob(objects)
    keep(store, "kept", kept)
    suspects = unnamed(store, objects)
    assert suspects == {orphan, late}
    keep(store, "late", late)
    assert asyncio.run(remove_unnamed(store, objects, suspects)) == 1
    assert set(objects.ids()) == {late, kept}


def test_a_sweep_that_was_interrupted_goes_on(store: SqliteStore, objects: LocalObjects) -> None:
    store.write_now(lambda t: create_bucket(t, HOME))
    first, second = blob(objects), blob(objects)
    keep(store, "k", first)
    keep(store, "k", second)
    asyncio.run(objects.delete(first))
    assert swept(store, objects, NOW + GRACE) == 1
    assert set(objects.ids()) == {second}


def test_an_orphan_is_removed_once_it_was_one_twice(store: SqliteStore, objects: LocalObjects) -> None:
    store.write_now(lambda t: create_bucket(t, HOME))
    orphan, late = blob(objects), blob(objects)
    orphanage = Orphanage()

    def tidied(after: timedelta) -> int:
        return asyncio.run(orphanage.tidy(store, objects, NOW + after))

    assert tidied(timedelta()) == 0
    assert tidied(timedelta(minutes=1)) == 0
    keep(store, "late", late)
    assert set(objects.ids()) == {orphan, late}
    assert tidied(GRACE) == 1
    assert set(objects.ids()) == {late}
    assert tidied(2 * GRACE) == 0
