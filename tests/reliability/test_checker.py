"""The checker accepts what a register can have answered, and catches every kind of lie."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reliability.checker import ANYTHING, NEVER, Operation, Step, impossible, read, swapped, was_not, wrote

GONE = "gone"


def op(invoked: float, returned: float, step: Step) -> Operation:
    return Operation(invoked, returned, "", step)


STALE = {
    "a read after an acknowledged write finds what was before": [op(0, 1, wrote("a")), op(2, 3, wrote("b")), op(4, 5, read("a"))],
    "a deleted object is found again": [op(0, 1, wrote("a")), op(2, 3, wrote(GONE)), op(4, 5, read("a"))],
    "a new object is not listed": [op(0, 1, wrote("a")), op(2, 3, read(GONE))],
    "two readers see two writes in opposite orders": [
        op(0, 9, wrote("a")),
        op(0, 9, wrote("b")),
        op(1, 2, read("a")),
        op(3, 4, read("b")),
        op(5, 6, read("a")),
    ],
    "a conditional write has two winners": [
        op(0, 5, swapped(GONE, "a")),
        op(1, 6, swapped(GONE, "b")),
        op(7, 8, read("b")),
    ],
    "a conditional write has no winner": [op(0, 5, was_not(GONE)), op(1, 6, was_not(GONE)), op(7, 8, read(GONE))],
    "a write replaces what it should not have found": [op(0, 1, wrote("a")), op(2, 3, swapped("b", "c"))],
    "a write in doubt is seen and then unseen": [
        op(0, NEVER, wrote("a")),
        op(1, 2, read("a")),
        op(3, 4, read(GONE)),
    ],
    "a value comes from nowhere": [op(0, 1, wrote("a")), op(0, 3, read("c"))],
}  # fmt: skip

HONEST = {
    "nothing": [],
    "a read beside a write finds the old": [op(0, 5, wrote("a")), op(1, 2, read(GONE)), op(6, 7, read("a"))],
    "a read beside a write finds the new": [op(0, 5, wrote("a")), op(1, 2, read("a"))],
    "a write in doubt is never seen": [op(0, NEVER, wrote("a")), op(1, 2, read(GONE)), op(3, 4, read(GONE))],
    "a write in doubt is seen late": [op(0, NEVER, wrote("a")), op(1, 2, read(GONE)), op(3, 4, read("a"))],
    "one wins and one loses": [op(0, 5, swapped(GONE, "a")), op(0, 5, was_not(GONE)), op(6, 7, read("a"))],
    "the answers come in the other order": [op(0, 9, wrote("a")), op(1, 8, wrote("b")), op(10, 11, read("a"))],
    "what says nothing fits": [op(0, 1, wrote("a")), op(2, 3, ANYTHING)],
}


@pytest.mark.parametrize("lie", STALE)
def test_a_stale_history_is_caught(lie: str) -> None:
    assert impossible(STALE[lie], GONE)


@pytest.mark.parametrize("story", HONEST)
def test_an_honest_history_is_accepted(story: str) -> None:
    assert impossible(HONEST[story], GONE) is None


def _played(seed: int, size: int, clients: int) -> list[Operation]:
    """Play on a register: each operation happens at a moment between its question and its answer."""
    chance = random.Random(seed)
    happens = sorted(chance.uniform(0, size) for _ in range(size))
    state, history = GONE, []
    for number, moment in enumerate(happens):
        kind = chance.choice(["write", "write", "read", "read", "read", "read", "swap", "swap", "lost"])
        before, after = (chance.uniform(0, clients) for _ in range(2))
        returned: float = moment + after
        if kind == "write":
            state, step = str(number), wrote(str(number))
        elif kind == "read":
            step = read(state)
        elif kind == "swap":
            expected = chance.choice([state, "other"])
            step = swapped(state, str(number)) if expected == state else was_not("other")
            state = str(number) if expected == state else state
        else:
            step, returned = wrote(str(number)), NEVER
            state = str(number) if chance.random() < 0.5 else state
        history.append(Operation(moment - before, returned, f"{kind} {number}", step))
    return history


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 5))
def test_whatever_a_register_answers_is_accepted(seed: int, size: int, clients: int) -> None:
    assert impossible(_played(seed, size, clients), GONE) is None


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 5))
def test_one_stale_read_among_all_that_is_caught(seed: int, size: int, clients: int) -> None:
    history = _played(seed, size, clients)
    honest = [operation for operation in history if operation.returned != NEVER]
    end = max((operation.returned for operation in honest), default=0.0)
    lie = [(1, wrote("last")), (3, wrote("the very last")), (5, read("last"))]
    assert impossible([*honest, *(op(end + after, end + after + 1, step) for after, step in lie)], GONE)


def test_a_long_history_of_many_clients_is_decided() -> None:
    assert impossible(_played(5, 600, 6), GONE) is None
