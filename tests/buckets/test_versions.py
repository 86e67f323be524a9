"""Objects and versions: what every sequence of writes and deletes must leave behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.buckets.bucket import ENABLED, NEVER_VERSIONED, SUSPENDED, Bucket, change_bucket, create_bucket
from rolecall.buckets.listing import list_objects, list_versions
from rolecall.buckets.segments import Segment, keep_inline, read_inline
from rolecall.buckets.versions import ObjectVersion, add, change, current, remove, remove_version, version
from rolecall.store.interface import Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
T = TypeVar("T")


@pytest.fixture
def home(store: SqliteStore) -> Bucket:
    made = Bucket(name="home", account="123456789012", created=NOW)
    store.write_now(lambda transaction: create_bucket(transaction, made))
    return made


def versioning(store: SqliteStore, home: Bucket, status: str) -> Bucket:
    changed = msgspec.structs.replace(home, versioning=status)
    store.write_now(lambda transaction: change_bucket(transaction, changed))
    return changed


def put(store: SqliteStore, home: Bucket, key: str, content: bytes = b"x", now: datetime = NOW) -> ObjectVersion:
    def work(transaction: Transaction) -> ObjectVersion:
        segment = keep_inline(transaction, content, now)
        return add(transaction, home, ObjectVersion(key, now, size=len(content), segments=(segment,)), now)

    return store.write_now(work)


def delete(store: SqliteStore, home: Bucket, key: str, version_id: str | None = None) -> None:
    def work(transaction: Transaction) -> None:
        if version_id is None:
            remove(transaction, home, key, NOW)
        elif (found := version(transaction, home.name, key, version_id)) is not None:
            remove_version(transaction, home.name, found, NOW)

    store.write_now(work)


def view(store: SqliteStore, read: Callable[..., T], *words: object) -> T:
    with store.view() as seen:
        return read(seen, *words)


def ids(store: SqliteStore, home: Bucket, key: str) -> list[str]:
    with store.view() as seen:
        return [item.version.version_id for item in list_versions(seen, home.name, prefix=key, limit=1000).items]


def test_without_versioning_a_write_replaces(store: SqliteStore, home: Bucket) -> None:
    put(store, home, "k", b"one")
    second = put(store, home, "k", b"two")
    assert view(store, current, "home", "k") == second
    assert ids(store, home, "k") == ["null"]
    with store.view() as seen:
        assert read_inline(seen, second.segments[0]) == b"two"
        assert len(seen.scan(pack("data"))) == 1, "the replaced bytes are gone"


def test_with_versioning_a_write_adds(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first, second = put(store, home, "k"), put(store, home, "k")
    assert ids(store, home, "k") == [second.version_id, first.version_id]
    assert view(store, version, "home", "k", first.version_id) == first


def test_what_was_written_before_versioning_is_the_null_version(store: SqliteStore, home: Bucket) -> None:
    put(store, home, "k")
    home = versioning(store, home, ENABLED)
    newer = put(store, home, "k")
    assert ids(store, home, "k") == [newer.version_id, "null"]
    found = view(store, version, "home", "k", "null")
    assert found is not None
    assert found.version_id == "null"


def test_a_suspended_write_replaces_only_the_null_version(store: SqliteStore, home: Bucket) -> None:
    put(store, home, "k", b"before")
    enabled = versioning(store, home, ENABLED)
    kept = put(store, enabled, "k")
    suspended = versioning(store, home, SUSPENDED)
    put(store, suspended, "k", b"after")
    assert ids(store, home, "k") == ["null", kept.version_id]
    put(store, suspended, "k", b"again")
    assert ids(store, home, "k") == ["null", kept.version_id]


def test_a_delete_hides_and_its_removal_shows_again(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first = put(store, home, "k")
    delete(store, home, "k")
    marker = view(store, current, "home", "k")
    assert marker is not None
    assert marker.delete_marker
    with store.view() as seen:
        assert list_objects(seen, "home", limit=10).items == ()
    delete(store, home, "k", marker.version_id)
    assert view(store, current, "home", "k") == first


def test_removing_the_current_version_promotes_the_next(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first, second, third = (put(store, home, "k") for _ in range(3))
    delete(store, home, "k", third.version_id)
    assert view(store, current, "home", "k") == second
    delete(store, home, "k", second.version_id)
    delete(store, home, "k", first.version_id)
    assert view(store, current, "home", "k") is None


def test_version_ids_are_not_guessed_from_their_sequence(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first = put(store, home, "k")
    put(store, home, "k")
    other = msgspec.structs.replace(first, nonce=bytes(12))
    assert view(store, version, "home", "k", other.version_id) is None


def test_a_clock_that_runs_back_does_not_disorder_versions(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first = put(store, home, "k", now=NOW)
    second = put(store, home, "k", now=NOW - timedelta(days=1))
    assert ids(store, home, "k") == [second.version_id, first.version_id]


def test_tags_are_changed_where_the_version_lies(store: SqliteStore, home: Bucket) -> None:
    home = versioning(store, home, ENABLED)
    first, second = put(store, home, "k"), put(store, home, "k")
    store.write_now(lambda t: change(t, "home", msgspec.structs.replace(first, tags={"a": "b"})))
    found = view(store, version, "home", "k", first.version_id)
    assert found is not None
    assert found.tags == {"a": "b"}
    assert view(store, current, "home", "k") == second


def test_a_blob_that_is_let_go_of_is_garbage_in_the_same_transaction(store: SqliteStore, home: Bucket) -> None:
    def work(transaction: Transaction) -> None:
        add(transaction, home, ObjectVersion("k", NOW, segments=(Segment("blob-1", 5),)), NOW)

    store.write_now(work)
    with store.view() as seen:
        assert seen.scan(pack("garbage")) == []
    put(store, home, "k")
    with store.view() as seen:
        assert [msgspec.msgpack.decode(entry.value) for entry in seen.scan(pack("garbage"))] == [["blob-1"]]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.sampled_from([ENABLED, SUSPENDED])),
        st.tuples(st.just("put"), st.just("")),
        st.tuples(st.just("delete"), st.just("")),
        st.tuples(st.just("remove"), st.integers(0, 6)),
    ),
    max_size=14,
)


class Model:
    """Versions as a list, newest first: slow and obvious."""

    def __init__(self) -> None:
        self.status = NEVER_VERSIONED
        self.versions: list[tuple[str, bool]] = []
        """(version id, is a delete marker)"""

    def add(self, version_id: str, *, marker: bool) -> None:
        if self.status != ENABLED:
            self.versions = [one for one in self.versions if one[0] != "null"]
        self.versions.insert(0, (version_id, marker))


@settings(max_examples=150, deadline=None)
@given(operations=OPERATIONS)
def test_every_sequence_leaves_what_the_obvious_model_says(
    operations: list[tuple[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("model") / "store.db"
    store = SqliteStore(path, master_keys=MasterKeys.in_memory(), sync=False)
    home = Bucket(name="home", account="123456789012", created=NOW)
    store.write_now(lambda transaction: create_bucket(transaction, home))
    model = Model()
    try:
        for kind, argument in operations:
            if kind == "status":
                model.status = str(argument)
                home = versioning(store, home, model.status)
            elif kind == "put":
                model.add(put(store, home, "k").version_id, marker=False)
            elif kind == "delete":
                delete(store, home, "k")
                if model.status == NEVER_VERSIONED:
                    model.versions.clear()
                else:
                    newest = view(store, current, "home", "k")
                    assert newest is not None
                    model.add(newest.version_id, marker=True)
            elif model.versions:
                assert isinstance(argument, int)
                gone = model.versions.pop(argument % len(model.versions))
                delete(store, home, "k", gone[0])
            with store.view() as seen:
                listed = list_versions(seen, "home", limit=1000).items
                assert [(one.version.version_id, one.version.delete_marker) for one in listed] == model.versions
                assert [one.latest for one in listed] == [place == 0 for place in range(len(listed))]
                for version_id, _ in model.versions:
                    found = version(seen, "home", "k", version_id)
                    assert found is not None
                    assert found.version_id == version_id
                alive = sum(not marker for _, marker in model.versions)
                assert len(seen.scan(pack("data"))) == alive, "exactly the bytes of living versions are kept"
    finally:
        store.close()
