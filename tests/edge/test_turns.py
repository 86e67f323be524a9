"""Whose turn it is: a client with one request waits for one of each other client, not for all of them."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from rolecall.edge import turns as waiting_room
from rolecall.edge.turns import Turns


class Loop:
    """An event loop whose next step is taken by hand."""

    def __init__(self) -> None:
        self.due = 0

    def call_soon(self, call: object) -> None:
        del call
        self.due += 1


def _turns(monkeypatch: pytest.MonkeyPatch, each: float = 0.0) -> tuple[Turns, Loop]:
    """Return turns on a clock of which reading it takes `each` seconds."""
    moments = iter(range(10_000_000))
    monkeypatch.setattr(waiting_room, "monotonic", lambda: next(moments) * each)
    loop = Loop()
    return Turns(loop), loop  # type: ignore[arg-type]


def test_a_flood_is_interleaved_with_whoever_else_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, _ = _turns(monkeypatch)
    begun: list[str] = []
    for _ in range(256):
        turns.enter("flood", partial(begun.append, "flood"))
    turns.enter("one", partial(begun.append, "one"))
    turns.enter("two", partial(begun.append, "two"))
    turns.enter("one", partial(begun.append, "one"))
    turns.run()
    assert begun[:6] == ["flood", "one", "two", "flood", "one", "flood"]
    assert len(begun) == 259
    assert len(turns) == 0


def test_who_comes_while_others_wait_waits_for_one_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, loop = _turns(monkeypatch, each=1.0)  # one request, and the sockets are looked at again
    begun: list[str] = []
    for _ in range(100):
        turns.enter("flood", partial(begun.append, "flood"))
    turns.run()
    turns.enter("late", partial(begun.append, "late"))
    turns.run()
    turns.run()
    assert begun == ["flood", "flood", "late"]
    assert loop.due == 4


def test_the_sockets_are_looked_at_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, loop = _turns(monkeypatch, each=0.0003)
    begun: list[int] = []
    for number in range(100):
        turns.enter("flood", partial(begun.append, number))
    turns.run()
    assert len(begun) < 10
    assert loop.due == 2
    while len(turns):
        turns.run()
    assert begun == list(range(100))


def test_a_request_that_begins_another_does_not_lose_it() -> None:
    async def run() -> list[str]:
        turns = Turns(asyncio.get_running_loop())
        begun: list[str] = []

        def again() -> None:
            begun.append("first")
            turns.enter("a", partial(begun.append, "second"))

        turns.enter("a", again)
        await asyncio.sleep(0.01)
        return begun

    assert asyncio.run(run()) == ["first", "second"]
