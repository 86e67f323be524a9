"""The store beside a sorted dictionary: whatever is done to both, they answer alike."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from rolecall.store.interface import ABSENT, Entry, Transaction, VersionConflict
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

bytes_ = st.lists(st.sampled_from([b"\x00", b"\x01", b"\x7f", b"\xff", b"a", b"b"]), max_size=4).map(b"".join)
limits = st.none() | st.integers(min_value=0, max_value=6)


def scanned(
    model: dict[bytes, bytes], prefix: bytes, start: bytes | None, limit: int | None, reverse: bool
) -> list[Entry]:
    """What a scan must return, in the words of its docstring."""
    found = [Entry(key, value) for key, value in sorted(model.items(), reverse=reverse) if key.startswith(prefix)]
    if start is not None:
        found = [entry for entry in found if (entry.key <= start if reverse else entry.key >= start)]
    return found if limit is None else found[:limit]


class StoreBesideDictionary(RuleBasedStateMachine):
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        self.store = SqliteStore(path, master_keys=MasterKeys.in_memory(), sync=False)
        self.model: dict[bytes, bytes] = {}
        self.versions: dict[bytes, int] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=keys, key=bytes_)
    def name(self, key: bytes) -> bytes:
        return key

    @rule(key=keys, value=st.binary(max_size=3))
    def put(self, key: bytes, value: bytes) -> None:
        self.store.write_now(lambda transaction: transaction.put(key, value))
        self.model[key] = value
        with self.store.view() as view:
            record = view.record(key)
        assert record is not None
        assert record.version > self.versions.get(key, ABSENT)

    @rule(key=keys, value=st.binary(max_size=3), is_right=st.booleans())
    def put_expecting(self, key: bytes, value: bytes, is_right: bool) -> None:
        version = self.versions.get(key, ABSENT)
        try:
            self.store.write_now(
                lambda transaction: transaction.put(key, value, expected=version if is_right else version + 1)
            )
        except VersionConflict:
            assert not is_right
        else:
            assert is_right
            self.model[key] = value

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        self.store.write_now(lambda transaction: transaction.delete(key))
        self.model.pop(key, None)

    @rule(first=keys, second=keys)
    def change_two_and_fail(self, first: bytes, second: bytes) -> None:
        def work(transaction: Transaction) -> None:
            transaction.put(first, b"lost")
            transaction.delete(second)
            transaction.advance_watermark()
            raise KeyError

        try:
            self.store.write_now(work)
        except KeyError:
            return
        raise AssertionError("the work's exception was swallowed")

    @rule(prefix=keys | bytes_, start=st.none() | keys | bytes_, limit=limits, reverse=st.booleans())
    def scan(self, prefix: bytes, start: bytes | None, limit: int | None, reverse: bool) -> None:
        with self.store.view() as view:
            found = view.scan(prefix, start=start, limit=limit, reverse=reverse)
        assert found == scanned(self.model, prefix, start, limit, reverse)

    @rule(prefix=keys | bytes_)
    def scan_in_a_transaction_and_at_length(self, prefix: bytes) -> None:
        expected = scanned(self.model, prefix, None, None, False)
        assert self.store.write_now(lambda transaction: transaction.scan(prefix)) == expected
        assert list(self.store.long_scan(prefix)) == expected

    @invariant()
    def all_keys_are_alike_and_versions_grow(self) -> None:
        with self.store.view() as view:
            records = {key: view.record(key) for key in {*self.model, *self.versions}}
        assert {key: record.value for key, record in records.items() if record} == self.model
        for key, record in records.items():
            if record is not None:
                assert record.version >= self.versions.get(key, 1)
        self.versions = {key: record.version for key, record in records.items() if record}


TestStoreBesideDictionary = StoreBesideDictionary.TestCase
TestStoreBesideDictionary.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
