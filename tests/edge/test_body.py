"""A request's body between the connection and the handler: taken in one go where all of it has come."""

from __future__ import annotations

import asyncio

import pytest

from rolecall.edge.body import HELD, IncomingBody
from rolecall.message import ServiceError


class Connection:
    """Notes what a body says."""

    def __init__(self) -> None:
        self.full: list[bool] = []

    def wanted(self) -> None:
        raise AssertionError("nobody waits")

    def held(self, full: bool) -> None:
        self.full.append(full)


def pieces(body: IncomingBody) -> list[bytes]:
    async def read() -> list[bytes]:
        return [piece async for piece in body.chunks()]

    return asyncio.run(read())


@pytest.mark.parametrize("sent", [[], [b"all"], [b"in ", b"two"]])
def test_a_body_that_has_come_is_taken_once(sent: list[bytes]) -> None:
    body = IncomingBody(Connection())
    for piece in sent:
        body.feed(piece)
    body.end()
    assert body.at_hand() == b"".join(sent)
    assert body.begun
    assert body.at_hand() is None
    assert pieces(body) == []


def test_nothing_is_taken_before_all_of_it_has_come() -> None:
    body = IncomingBody(Connection())
    body.feed(b"half")
    assert body.at_hand() is None
    assert not body.begun
    body.feed(b", whole")
    body.end()
    assert pieces(body) == [b"half", b", whole"]


def test_a_body_that_broke_off_is_not_taken_for_whole() -> None:
    body = IncomingBody(Connection())
    body.feed(b"half")
    body.fail(ServiceError("IncompleteBody", "It broke off.", 400))
    assert body.at_hand() is None
    with pytest.raises(ServiceError, match="It broke off"):
        pieces(body)


def test_a_connection_that_was_held_back_goes_on_once_the_body_is_taken() -> None:
    connection = Connection()
    body = IncomingBody(connection)
    body.feed(bytes(HELD))
    body.end()
    assert connection.full == [True]
    assert body.at_hand() == bytes(HELD)
    assert connection.full == [True, False]
