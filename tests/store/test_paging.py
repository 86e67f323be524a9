"""A walk reads page by page what one scan would have read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.store.interface import Transaction
from rolecall.store.keys import just_after, pack
from rolecall.store.paging import walk
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

KEYS = [pack("in", name) for name in ("", "a", "a\x00", "a\x00b", "b", "c")]


def _fill(transaction: Transaction) -> None:
    for key in (*KEYS, pack("before"), pack("in!"), pack("out")):
        transaction.put(key, key)


@pytest.mark.parametrize("page", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("first", range(len(KEYS) + 1))
def test_a_walk_sees_each_key_once_whatever_the_size_of_a_page(tmp_path: Path, page: int, first: int) -> None:
    store = SqliteStore(tmp_path / "db", master_keys=MasterKeys.in_memory(), sync=False)
    try:
        store.write_now(_fill)
        start = just_after(KEYS[first - 1]) if first else None
        with store.view() as view:
            walked = [entry.key for entry in walk(view, pack("in"), start=start, page=page)]
    finally:
        store.close()
    assert walked == sorted(KEYS)[first:]
