"""Forms that are large and never end: what they take is bounded for all strangers together, and for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rolecall.access import room as place
from rolecall.access.payload import read_all
from rolecall.access.room import Room
from rolecall.message import Request, ServiceError

MIB = 1024 * 1024


class Unending:
    """A body of which a piece comes whenever it is told to."""

    def __init__(self, size: int, go_on: asyncio.Event) -> None:
        self._size = size
        self._go_on = go_on

    async def chunks(self) -> AsyncIterator[bytes]:
        yield bytes(self._size - 1)
        await self._go_on.wait()
        yield b"x"


def _request(size: int, go_on: asyncio.Event, client: str, *headers: tuple[str, str]) -> Request:
    return Request("POST", b"/", b"", headers, Unending(size, go_on), client=client)


async def _sent(room: Room, request: Request) -> str:
    try:
        return str(len(await read_all(room.body_of(request, "sts"), 2 * MIB)))
    except ServiceError as error:
        return error.code


def test_ten_thousand_forms_of_a_megabyte_do_not_take_ten_gigabytes() -> None:
    async def scene() -> tuple[list[str], list[str], list[str]]:
        room, go_on = Room(), asyncio.Event()
        one = [asyncio.create_task(_sent(room, _request(MIB, go_on, "192.0.2.1"))) for _ in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        other = [asyncio.create_task(_sent(room, _request(MIB, go_on, "192.0.2.2"))) for _ in range(3)]
        small = [asyncio.create_task(_sent(room, _request(place.SMALL, go_on, "192.0.2.1"))) for _ in range(3)]
        await asyncio.sleep(0.01)
        go_on.set()
        first = await asyncio.gather(*one), await asyncio.gather(*other), await asyncio.gather(*small)
        assert await _sent(room, _request(MIB, go_on, "192.0.2.1")) == str(MIB), "what ended gave its room back"
        return first

    one, other, small = asyncio.run(scene())
    assert one.count("Throttling") == 100 - place.MOST_EACH // MIB
    assert other == [str(MIB)] * 3, "somebody else's"
    assert small == [str(place.SMALL)] * 3, "and whatever is small"


@pytest.mark.parametrize("declared", ["5000", "9999"])
def test_a_small_form_takes_no_way_round(declared: str) -> None:
    request = _request(10, asyncio.Event(), "192.0.2.1", ("content-length", declared))
    assert Room().body_of(request, "sts") is request.body
