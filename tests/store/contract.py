"""What every engine of the store promises, a case a promise. An engine's test module inherits `StoreContract`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rolecall.store.interface import ABSENT, Entry, Store, StoreBusy, StoreUnavailable, Transaction, VersionConflict
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys

Opener = Callable[..., Store]


class Refused(Exception):
    """What a work raises in these tests."""


def put(key: bytes, value: bytes = b"value", *, expected: int | None = None) -> Callable[[Transaction], None]:
    return lambda transaction: transaction.put(key, value, expected=expected)


def value_of(store: Store, key: bytes) -> bytes | None:
    with store.view() as view:
        return view.get(key)


def version_of(store: Store, key: bytes) -> int:
    with store.view() as view:
        record = view.record(key)
    return ABSENT if record is None else record.version


def mark_of(store: Store) -> bytes:
    with store.view() as view:
        return view.watermark()


class StoreContract:
    """The cases. A subclass overrides `opener`: each call opens the same data, as one more process would."""

    @pytest.fixture
    def keys(self) -> MasterKeys:
        return MasterKeys.in_memory()

    @pytest.fixture
    def opener(self, tmp_path: Path, keys: MasterKeys) -> Opener:
        raise NotImplementedError

    @pytest.fixture
    def store(self, opener: Opener) -> Iterator[Store]:
        opened = opener()
        yield opened
        opened.close()

    @pytest.fixture
    def other(self, opener: Opener, store: Store) -> Iterator[Store]:
        """The same store as another process sees it."""
        opened = opener()
        yield opened
        opened.close()

    # 1. Keys, values, versions

    @pytest.mark.parametrize(
        "key",
        [b"", b"\x00", b"\xff" * 20, "Zoë/ﬀ/🙂".encode(), b"case", b"CASE", b"k" * 1024, b"\x00\x01", b"\x00\xff"],
    )
    def test_a_key_of_any_bytes_holds_what_was_put(self, store: Store, key: bytes) -> None:
        store.write_now(put(key, b"of " + key))
        assert value_of(store, key) == b"of " + key

    @pytest.mark.parametrize("size", [0, 1, 4096, 100_000, 1_500_000])
    def test_a_value_of_any_size_comes_back_whole(self, store: Store, size: int) -> None:
        value = bytes(range(256)) * (size // 256) + bytes(size % 256)
        store.write_now(put(b"key", value))
        assert value_of(store, b"key") == value

    def test_keys_that_differ_in_case_or_normal_form_are_different_keys(self, store: Store) -> None:
        names = ["name", "NAME", "e\u0301", "\u00e9", "name ", "name\x00"]
        for name in names:
            store.write_now(put(pack(name), name.encode()))
        assert [value_of(store, pack(name)) for name in names] == [name.encode() for name in names]

    def test_a_version_grows_with_every_change_even_over_a_deletion(self, store: Store) -> None:
        seen = [version_of(store, b"key")]
        for _ in range(3):
            store.write_now(put(b"key"))
            seen.append(version_of(store, b"key"))
        store.write_now(lambda transaction: transaction.delete(b"key"))
        store.write_now(put(b"key"))
        seen.append(version_of(store, b"key"))
        assert seen[0] == ABSENT
        assert seen == sorted(set(seen))

    def test_a_version_moves_with_changes_of_its_own_key_only(self, store: Store) -> None:
        store.write_now(put(b"key"))
        before = version_of(store, b"key")
        store.write_now(put(b"neighbour"))
        assert version_of(store, b"key") == before

    def test_a_put_that_expects_absence_is_refused_where_the_key_exists(self, store: Store) -> None:
        store.write_now(put(b"key", b"first", expected=ABSENT))
        with pytest.raises(VersionConflict):
            store.write_now(put(b"key", b"second", expected=ABSENT))
        assert value_of(store, b"key") == b"first"

    def test_a_put_or_delete_that_expects_an_old_version_is_refused(self, store: Store) -> None:
        store.write_now(put(b"key", b"first"))
        old = version_of(store, b"key")
        store.write_now(put(b"key", b"second", expected=old))
        with pytest.raises(VersionConflict):
            store.write_now(put(b"key", b"third", expected=old))
        with pytest.raises(VersionConflict):
            store.write_now(lambda transaction: transaction.delete(b"key", expected=old))
        assert value_of(store, b"key") == b"second"

    def test_a_version_of_a_key_that_was_removed_and_made_again_does_not_fit(self, store: Store) -> None:
        store.write_now(put(b"key"))
        old = version_of(store, b"key")
        store.write_now(lambda transaction: transaction.delete(b"key", expected=old))
        store.write_now(put(b"key"))
        with pytest.raises(VersionConflict):
            store.write_now(put(b"key", expected=old))

    def test_removing_what_is_not_there_is_an_error_only_where_a_version_was_expected(self, store: Store) -> None:
        store.write_now(lambda transaction: transaction.delete(b"key"))
        store.write_now(lambda transaction: transaction.delete(b"key", expected=ABSENT))
        with pytest.raises(VersionConflict):
            store.write_now(lambda transaction: transaction.delete(b"key", expected=7))

    # 2. and 3. Reads are complete, and of one state

    def test_a_scan_is_complete_and_disturbed_by_nothing_that_follows(self, store: Store) -> None:
        store.write_now(lambda transaction: [transaction.put(pack("k", n), b"v") for n in range(2000)])
        with store.view() as view:
            entries = view.scan(pack("k"))
        store.write_now(put(pack("k", 2000)))
        assert len(entries) == 2000
        assert entries[7] == Entry(pack("k", 7), b"v")

    def test_a_view_keeps_the_state_of_its_first_read(self, store: Store, other: Store) -> None:
        store.write_now(put(b"key", b"old"))
        with store.view() as view:
            assert view.get(b"key") == b"old"
            other.write_now(lambda transaction: (transaction.put(b"key", b"new"), transaction.put(b"more", b"new")))
            assert view.get(b"key") == b"old"
            assert view.scan(b"m") == []
        assert value_of(store, b"key") == b"new"

    def test_a_view_inside_a_view_sees_the_newest_state_and_leaves_the_outer_one_alone(
        self, store: Store, other: Store
    ) -> None:
        store.write_now(put(b"key", b"old"))
        with store.view() as outer:
            assert outer.get(b"key") == b"old"
            other.write_now(put(b"key", b"new"))
            assert value_of(store, b"key") == b"new"
            assert outer.get(b"key") == b"old"

    def test_a_view_that_has_ended_answers_nothing(self, store: Store) -> None:
        with store.view() as view:
            view.get(b"key")
        with pytest.raises(RuntimeError):
            view.get(b"key")

    def test_a_view_left_by_an_exception_leaves_nothing_open(self, store: Store, other: Store) -> None:
        with contextlib.suppress(Refused), store.view() as view:
            view.get(b"key")
            raise Refused
        other.write_now(put(b"key", b"new"))
        assert value_of(store, b"key") == b"new"

    def test_views_on_many_threads_do_not_disturb_each_other(self, store: Store) -> None:
        store.write_now(lambda transaction: [transaction.put(pack("a", n), b"0") for n in range(50)])
        wrong: list[set[bytes]] = []
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                with store.view() as view:
                    seen = {view.get(pack("a", n)) or b"" for n in range(50)}
                if len(seen) != 1:
                    wrong.append(seen)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(40):
            value = str(turn).encode()
            store.write_now(lambda transaction, value=value: [transaction.put(pack("a", n), value) for n in range(50)])
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []

    # 4. Every process sees a commit at its next view

    def test_a_commit_is_seen_at_the_next_view_of_another_process(self, store: Store, other: Store) -> None:
        for number in range(50):
            store.write_now(put(b"key", str(number).encode()))
            assert value_of(other, b"key") == str(number).encode()

    # 5. and 6. One door, atomic, each work for itself

    def test_write_returns_what_the_work_returned(self, store: Store) -> None:
        async def scene() -> list[int]:
            return [await store.write(lambda transaction: 42, brief=brief) for brief in (False, True)]

        assert asyncio.run(scene()) == [42, 42]
        assert store.write_now(lambda transaction: None) is None

    def test_a_work_reads_its_own_changes(self, store: Store) -> None:
        def work(transaction: Transaction) -> tuple[bytes | None, bytes | None, list[Entry]]:
            transaction.put(b"a", b"1")
            transaction.put_secret(b"s", b"2")
            transaction.delete(b"a")
            transaction.put(b"b", b"3")
            return transaction.get(b"a"), transaction.get_secret(b"s"), transaction.scan(b"b")

        assert store.write_now(work) == (None, b"2", [Entry(b"b", b"3")])

    def test_a_work_that_raises_leaves_nothing_and_its_exception_comes_out(self, store: Store) -> None:
        store.write_now(put(b"kept"))
        mark = mark_of(store)

        def work(transaction: Transaction) -> None:
            transaction.put(b"a", b"1")
            transaction.delete(b"kept")
            transaction.advance_watermark()
            raise Refused("no")

        with pytest.raises(Refused, match="no"):
            store.write_now(work)
        assert (value_of(store, b"a"), value_of(store, b"kept"), mark_of(store)) == (None, b"value", mark)

    @pytest.mark.parametrize("brief", [lambda n: False, lambda n: True, lambda n: n % 2 == 0])
    def test_works_of_one_batch_do_not_see_each_other_fail(self, store: Store, brief: Callable[[int], bool]) -> None:
        store.write_now(put(b"first"))

        def work(number: int) -> Callable[[Transaction], int]:
            def run(transaction: Transaction) -> int:
                transaction.put(pack("n", number), b"")
                if number % 3 == 0:
                    raise Refused(str(number))
                return number

            return run

        async def scene() -> list[object]:
            writes = (store.write(work(n), brief=brief(n)) for n in range(100))
            return await asyncio.gather(*writes, return_exceptions=True)

        outcomes = asyncio.run(scene())
        assert [str(outcome) for outcome in outcomes] == [str(n) for n in range(100)]
        assert [isinstance(outcome, Refused) for outcome in outcomes] == [n % 3 == 0 for n in range(100)]
        with store.view() as view:
            assert [entry.key for entry in view.scan(pack("n"))] == [pack("n", n) for n in range(100) if n % 3]

    def test_a_transaction_that_has_ended_changes_nothing(self, store: Store) -> None:
        kept: list[Transaction] = []
        store.write_now(kept.append)
        with pytest.raises(RuntimeError):
            kept[0].put(b"key", b"late")
        assert value_of(store, b"key") is None

    def test_a_work_cannot_wait_for_another_write(self, store: Store) -> None:
        with pytest.raises(RuntimeError):
            store.write_now(lambda transaction: store.write_now(put(b"inner")))
        with pytest.raises(RuntimeError):
            asyncio.run(store.write(lambda transaction: store.write_now(put(b"inner")), brief=True))
        assert value_of(store, b"inner") is None

    def test_increments_through_two_processes_lose_none(self, store: Store, other: Store) -> None:
        def increment(transaction: Transaction) -> None:
            transaction.put(b"n", str(int(transaction.get(b"n") or b"0") + 1).encode())

        async def scene() -> None:
            await asyncio.gather(*((store, other)[n % 2].write(increment, brief=n % 3 == 0) for n in range(400)))

        asyncio.run(scene())
        assert value_of(store, b"n") == b"400"

    @pytest.mark.parametrize("brief", [False, True])
    def test_a_writer_that_is_cancelled_leaves_a_whole_change_or_none(self, store: Store, brief: bool) -> None:
        def both(transaction: Transaction) -> None:
            transaction.put(b"a", b"1")
            transaction.put(b"b", b"1")

        async def scene() -> None:
            for _ in range(50):
                task = asyncio.create_task(store.write(both, brief=brief))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await store.write(lambda transaction: None)
                with store.view() as view:
                    assert len(view.scan(b"")) in {0, 2}

        asyncio.run(scene())

    # 7. Durable

    def test_what_was_written_is_there_when_opened_again(self, opener: Opener) -> None:
        first = opener()
        first.write_now(put(b"key", b"kept"))
        mark = mark_of(first)
        first.close()
        second = opener()
        assert value_of(second, b"key") == b"kept"
        assert mark_of(second) == mark
        second.close()

    # 8. Deadlines, and closing

    def test_a_write_that_cannot_begin_is_withdrawn_at_its_deadline(self, opener: Opener) -> None:
        store, other = opener(), opener(deadline=0.2)
        holds, release = threading.Event(), threading.Event()

        def hold(transaction: Transaction) -> None:
            transaction.put(b"holder", b"1")
            holds.set()
            release.wait(10)

        holder = threading.Thread(target=store.write_now, args=(hold,))
        holder.start()
        holds.wait(10)
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            other.write_now(put(b"late"))
        for brief in (False, True):
            with pytest.raises(StoreBusy):
                asyncio.run(other.write(put(b"late"), brief=brief))
        waited = time.monotonic() - began
        release.set()
        holder.join()
        other.write_now(put(b"after"))
        assert (value_of(store, b"late"), value_of(store, b"after")) == (None, b"value")
        assert 0.6 <= waited < 5
        store.close()
        other.close()

    def test_a_closed_store_refuses_writes(self, opener: Opener) -> None:
        store = opener()
        store.close()
        store.close()
        with pytest.raises(StoreUnavailable):
            store.write_now(put(b"key"))

    def test_closing_finishes_the_writes_that_were_begun(self, opener: Opener) -> None:
        store = opener()
        threads = [threading.Thread(target=store.write_now, args=(put(pack("k", n)),)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        store.close()
        again = opener()
        with again.view() as view:
            assert len(view.scan(pack("k"))) == 20
        again.close()

    # 9. Secrets

    def test_a_secret_opens_under_its_key_and_is_sealed_at_rest(self, store: Store) -> None:
        store.write_now(lambda transaction: transaction.put_secret(b"key", b"wJalrXUtnFEMI/K7MDENG"))
        with store.view() as view:
            assert view.get_secret(b"key") == b"wJalrXUtnFEMI/K7MDENG"
            assert b"wJalr" not in (view.get(b"key") or b"")
            assert view.get_secret(b"absent") is None

    def test_a_secret_moved_to_another_key_does_not_open(self, store: Store) -> None:
        store.write_now(lambda transaction: transaction.put_secret(b"mine", b"secret"))
        store.write_now(lambda transaction: transaction.put(b"yours", transaction.get(b"mine") or b""))
        with store.view() as view, pytest.raises(StoreUnavailable):
            view.get_secret(b"yours")

    def test_a_secret_with_one_changed_bit_does_not_open(self, store: Store) -> None:
        store.write_now(lambda transaction: transaction.put_secret(b"key", b"secret"))
        sealed = bytearray(value_of(store, b"key") or b"")
        for place in range(len(sealed)):
            changed = bytes(sealed[:place]) + bytes([sealed[place] ^ 1]) + bytes(sealed[place + 1 :])
            store.write_now(put(b"key", changed))
            with store.view() as view, pytest.raises(StoreUnavailable):
                view.get_secret(b"key")

    def test_the_same_secret_is_sealed_differently_each_time(self, store: Store) -> None:
        store.write_now(lambda transaction: transaction.put_secret(b"key", b"secret"))
        first = value_of(store, b"key")
        store.write_now(lambda transaction: transaction.put_secret(b"key", b"secret"))
        assert value_of(store, b"key") != first

    # 10. The watermark

    def test_the_watermark_changes_with_every_advance_and_with_nothing_else(self, store: Store, other: Store) -> None:
        marks = [mark_of(store)]
        store.write_now(put(b"key"))
        assert mark_of(other) == marks[0]
        for number in range(300):
            (store, other)[number % 2].write_now(lambda transaction: transaction.advance_watermark())
            marks.append(mark_of(store))
            assert mark_of(other) == marks[-1]
        assert len(set(marks)) == 301

    def test_the_watermark_of_a_work_that_failed_is_seen_by_nobody(self, store: Store) -> None:
        mark = mark_of(store)

        def fails(transaction: Transaction) -> None:
            transaction.advance_watermark()
            assert transaction.watermark() != mark
            raise Refused("no")

        async def scene() -> list[object]:
            writes = (store.write(work) for work in (fails, lambda transaction: transaction.watermark()))
            return await asyncio.gather(*writes, return_exceptions=True)

        for _ in range(20):
            assert asyncio.run(scene())[1] == mark
        assert mark_of(store) == mark

    # Long scans

    def test_a_long_scan_yields_everything_under_its_prefix_once_and_in_order(self, store: Store) -> None:
        keys = [pack("k", n) for n in range(777)]
        store.write_now(lambda transaction: [transaction.put(key, b"v") for key in (*keys, pack("j"), pack("l"))])
        assert [entry.key for entry in store.long_scan(pack("k"))] == keys
        assert len(list(store.long_scan(b""))) == 779

    def test_a_long_scan_left_half_way_holds_nothing_back(self, store: Store) -> None:
        store.write_now(lambda transaction: [transaction.put(pack("k", n), b"v") for n in range(777)])
        scanning = store.long_scan(pack("k"))
        next(scanning)
        store.write_now(lambda transaction: transaction.delete(pack("k", 776)))
        assert len(list(scanning)) == 775
