"""Listings against the obvious: sort all keys, roll them, cut a page."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.buckets.bucket import ENABLED, Bucket, create_bucket
from rolecall.buckets.listing import (
    Page,
    after_key,
    after_prefix,
    after_upload,
    after_version,
    behind,
    list_objects,
    list_uploads,
    list_versions,
)
from rolecall.buckets.uploads import Upload, begin, new_upload_id
from rolecall.buckets.versions import ObjectVersion, add, remove
from rolecall.store.interface import Entry, Transaction
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALPHABET = ["a", "b", "/", "//", ".", "..", "\x00", "\x01", "ÿ", "€", "\U0001f600", " ", "%", "+"]


def filled(store: SqliteStore, *keys: str, versioning: str = "") -> Bucket:
    home = Bucket(name="home", account="123456789012", created=NOW, versioning=versioning)

    def work(transaction: Transaction) -> None:
        create_bucket(transaction, home)
        for key in keys:
            add(transaction, home, ObjectVersion(key, NOW), NOW)

    store.write_now(work)
    return home


def obvious(keys: list[str], prefix: str, delimiter: str) -> list[tuple[bool, str]]:
    """Return (is a common prefix, key or prefix) in S3's order: bytes of UTF-8."""
    rolled: list[tuple[bool, str]] = []
    for key in sorted(set(keys), key=lambda text: text.encode()):
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        line = (cut >= 0, key[: cut + len(delimiter)] if cut >= 0 else key)
        if line not in rolled:
            rolled.append(line)
    return rolled


def pages(store: SqliteStore, prefix: str, delimiter: str, limit: int) -> list[tuple[bool, str]]:
    """Walk all pages and return their lines, each page in order."""
    lines: list[tuple[bool, str]] = []
    place = b""
    while True:
        with store.view() as view:
            page = list_objects(view, "home", prefix=prefix, delimiter=delimiter, place=place, limit=limit)
        found = [(True, one) for one in page.prefixes] + [(False, one.key) for one in page.items]
        assert len(found) <= limit
        lines += sorted(found, key=lambda line: line[1].encode())
        if not page.truncated:
            return lines
        assert len(found) == limit
        place = after_prefix(page.last_prefix) if page.last_prefix is not None else after_key(page.items[-1].key)


TEXT = st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=5).map("".join)


@settings(max_examples=150, deadline=None)
@given(
    keys=st.lists(TEXT, max_size=25),
    prefix=st.one_of(st.just(""), TEXT),
    delimiter=st.sampled_from(["", "/", "//", ".", "\x00", "ÿ", "a/"]),
    limit=st.integers(1, 7),
)
def test_every_page_is_what_sorting_all_keys_gives(
    keys: list[str], prefix: str, delimiter: str, limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("list") / "store.db", master_keys=MasterKeys.in_memory(), sync=False)
    try:
        filled(store, *keys)
        assert pages(store, prefix, delimiter, limit) == obvious(keys, prefix, delimiter)
    finally:
        store.close()


def test_a_common_prefix_is_skipped_and_not_walked(store: SqliteStore) -> None:
    keys = [f"{folder}/{number:05}" for folder in ("a", "b", "c") for number in range(3000)]
    filled(store, *keys)
    walked = 0
    with store.view() as view:

        class Counting:
            """A view that counts the entries it gives."""

            def scan(
                self, prefix: bytes, *, start: bytes | None = None, limit: int | None = None, reverse: bool = False
            ) -> list[Entry]:
                nonlocal walked
                found = view.scan(prefix, start=start, limit=limit, reverse=reverse)
                walked += len(found)
                return found

        page = list_objects(Counting(), "home", delimiter="/", limit=1000)  # type: ignore[arg-type]
    assert page.prefixes == ("a/", "b/", "c/")
    assert walked < 300, f"{walked} entries of 9,000 were read"


def test_nothing_is_listed_for_a_limit_of_nothing(store: SqliteStore) -> None:
    filled(store, "a")
    with store.view() as view:
        page = list_objects(view, "home", limit=0)
    assert (page.items, page.prefixes, page.truncated) == ((), (), False)


def test_a_full_page_is_not_truncated_when_only_delete_markers_follow(store: SqliteStore) -> None:
    home = filled(store, "a", "b", versioning=ENABLED)
    store.write_now(lambda transaction: remove(transaction, home, "b", NOW))
    with store.view() as view:
        page = list_objects(view, "home", limit=1)
    assert [one.key for one in page.items] == ["a"]
    assert not page.truncated


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_a_page_ends_early_among_many_delete_markers_and_goes_on_where_it_ended(
    store: SqliteStore, delimiter: str
) -> None:
    home = filled(store, "a", *(f"b/{number:05}" for number in range(25_000)), "b/z", "c", versioning=ENABLED)

    def work(transaction: Transaction) -> None:
        for number in range(25_000):
            remove(transaction, home, f"b/{number:05}", NOW)

    store.write_now(work)
    with store.view() as view:
        parts = [list_objects(view, "home", delimiter=delimiter, limit=10)]
        while (place := parts[-1].resume) is not None:
            assert parts[-1].truncated
            parts.append(list_objects(view, "home", delimiter=delimiter, place=place, limit=10 - len(parts[-1])))
    whole = reduce(Page.then, parts)
    assert [one.key for one in whole.items] == (["a", "c"] if delimiter else ["a", "b/z", "c"])
    assert whole.prefixes == (("b/",) if delimiter else ())
    assert (whole.truncated, len(parts)) == (False, 3)


def test_a_marker_behind_a_common_prefix_leaves_it_behind(store: SqliteStore) -> None:
    filled(store, "a/1", "a/2", "b/1")
    with store.view() as view:
        page = list_objects(view, "home", delimiter="/", place=behind("a/1", "", "/"), limit=10)
    assert page.prefixes == ("b/",)


def test_other_buckets_with_longer_names_are_not_listed(store: SqliteStore) -> None:
    filled(store, "a")

    def work(transaction: Transaction) -> None:
        other = Bucket(name="home2", account="123456789012", created=NOW)
        create_bucket(transaction, other)
        add(transaction, other, ObjectVersion("b", NOW), NOW)

    store.write_now(work)
    with store.view() as view:
        assert [one.key for one in list_objects(view, "home", limit=10).items] == ["a"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_versions_go_on_within_a_key(store: SqliteStore, limit: int) -> None:
    home = filled(store, "a", "b", "c", versioning=ENABLED)

    def more(transaction: Transaction) -> None:
        for key in ("a", "b", "b", "a"):
            add(transaction, home, ObjectVersion(key, NOW), NOW)
        remove(transaction, home, "b", NOW)

    store.write_now(more)
    seen: list[tuple[str, bool, bool]] = []
    place = b""
    while True:
        with store.view() as view:
            page = list_versions(view, "home", place=place, limit=limit)
        seen += [(one.version.key, one.latest, one.version.delete_marker) for one in page.items]
        if not page.truncated:
            break
        last = page.items[-1].version
        place = after_version(last.key, last.sequence)
    assert [key for key, _, _ in seen] == ["a"] * 3 + ["b"] * 4 + ["c"]
    assert [latest for _, latest, _ in seen] == [True, False, False, True, False, False, False, True]
    assert seen[3] == ("b", True, True)


def test_uploads_come_by_key_and_by_their_beginning(store: SqliteStore) -> None:
    filled(store)
    moments = [NOW.replace(second=second) for second in (3, 1, 2)]
    made = [
        Upload(bucket="home", key=key, upload_id=new_upload_id(moment), initiated=moment, initiator="")
        for key in ("b", "a/1")
        for moment in moments
    ]

    def work(transaction: Transaction) -> None:
        for one in made:
            begin(transaction, one)

    store.write_now(work)
    with store.view() as view:
        found = list_uploads(view, "home", limit=10).items
        assert [(one.key, one.initiated.second) for one in found] == [(k, s) for k in ("a/1", "b") for s in (1, 2, 3)]
        rolled = list_uploads(view, "home", delimiter="/", limit=10)
        assert rolled.prefixes == ("a/",)
        rest = list_uploads(view, "home", place=after_upload("b", found[3].upload_id), limit=10)
        assert [one.initiated.second for one in rest.items] == [2, 3]
