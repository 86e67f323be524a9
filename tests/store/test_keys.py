"""Packed keys sort as their parts do, whatever bytes the parts hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.store.keys import after, descending, just_after, micros, open_ended, pack, unpack

tricky_bytes = st.lists(st.sampled_from([b"\x00", b"\x01", b"\x02", b"\xfe", b"\xff", b"a"]), max_size=8).map(b"".join)
parts = st.lists(st.binary(max_size=8) | tricky_bytes, max_size=5).map(tuple)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=365 * 200)).map(lambda since: EPOCH + since)
numbers = st.integers(min_value=0, max_value=2**64 - 1)


@given(parts, parts)
def test_keys_sort_as_their_parts(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    assert (pack(*one) < pack(*other)) == (one < other)


@given(parts)
def test_the_parts_of_a_key_can_be_read_back(one: tuple[bytes, ...]) -> None:
    assert unpack(pack(*one)) == one


@given(parts, parts)
def test_a_packed_key_is_the_prefix_of_exactly_the_keys_that_begin_with_its_parts(
    one: tuple[bytes, ...], other: tuple[bytes, ...]
) -> None:
    assert pack(*other).startswith(pack(*one)) == (other[: len(one)] == one)


@given(parts.filter(bool), parts.filter(bool))
def test_an_open_ended_key_is_the_prefix_of_exactly_the_keys_whose_next_part_begins_so(
    one: tuple[bytes, ...], other: tuple[bytes, ...]
) -> None:
    # An empty beginning is the beginning of a missing part too.
    next_part = other[len(one) - 1] if len(other) >= len(one) else b""
    begins = other[: len(one) - 1] == one[:-1] and next_part.startswith(one[-1])
    assert pack(*other).startswith(open_ended(*one)) == begins


@given(numbers, numbers)
def test_numbers_sort_as_numbers_and_descending_ones_the_other_way(one: int, other: int) -> None:
    assert (pack("n", one) < pack("n", other)) == (one < other)
    assert (pack("n", descending(one)) < pack("n", descending(other))) == (one > other)


@given(moments, moments)
def test_moments_sort_as_they_follow_each_other(one: datetime, other: datetime) -> None:
    assert (pack(micros(one)) < pack(micros(other))) == (one < other)
    assert EPOCH + timedelta(microseconds=micros(one)) == one


@given(st.binary(), st.binary())
def test_nothing_lies_between_a_key_and_what_is_just_after_it(key: bytes, other: bytes) -> None:
    assert not key < other < just_after(key)


@given(st.text())
def test_text_is_packed_as_utf_8(text: str) -> None:
    name = text.encode("utf-8", "ignore").decode()
    assert unpack(pack(name)) == (name.encode(),)


@given(st.binary())
def test_names_that_are_not_utf_8_keep_their_bytes(name: bytes) -> None:
    assert unpack(pack(name.decode("utf-8", "surrogateescape"))) == (name,)


@given(st.binary(min_size=1), st.binary())
def test_what_comes_after_a_prefix_is_the_first_key_behind_it(prefix: bytes, rest: bytes) -> None:
    if not prefix.strip(b"\xff"):
        with pytest.raises(ValueError, match="no key"):
            after(prefix)
        return
    assert prefix + rest < after(prefix)
    assert not after(prefix).startswith(prefix)
    shorter = after(prefix)[:-1] + bytes([after(prefix)[-1] - 1])
    assert prefix.startswith(shorter)
    assert prefix[len(shorter) :].strip(b"\xff") == b""
