"""The work: a world to work in, and for each row of the table thousands of requests, no two the same."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from bench import wrk
from bench.signing import FORM, Key, Target, signed

SMALL, MEDIUM, LARGE, RANGE = 1024, 100 * 1024, 10 * 1024 * 1024, 1024 * 1024
OBJECTS = 4000
"""How many small objects there are to be read."""
LISTED = 100_000
"""How many keys the listed bucket has, where a server can be filled quickly enough."""
PAGE = 1000
DOOMED = 24
"""How many thousands of objects there are to be deleted."""
MANY, SOME, FEW = 60_000, 20_000, 1000
ROLE = "arn:aws:iam::123456789012:role/bench"


@dataclass(frozen=True)
class World:
    """A server with the bench's objects in it, and those who may use them."""

    address: str
    caller: Key
    """Who assumes the role."""
    session: Key
    """Who reads and writes."""
    bodies: Path
    """A folder for files of requests and bodies."""
    role: str = ROLE
    listed: int = LISTED
    """How many keys the listed bucket has, called `object-0000000` and so on."""
    doomed: int = DOOMED
    """How many thousands of objects there are to be deleted."""
    read: str = "small"
    """The bucket whose small objects are read."""
    readable: int = OBJECTS
    """How many of them there are."""
    made: dict[str, wrk.Prepared] = field(default_factory=dict, compare=False)

    def requests(self, row: str) -> wrk.Prepared:
        """Return the requests of a row, signed now if they are not yet."""
        if row not in self.made:
            size = ROWS[row].body
            body = body_of(self.bodies, size) if size else None
            name = f"{self.address.rpartition(':')[2]}-{row.replace(' ', '-')}"
            self.made[row] = wrk.prepare(self.bodies / name, ROWS[row].make(self), body)
        return self.made[row]


@dataclass(frozen=True)
class Work:
    """A row: how its requests are made, and what is particular about it."""

    make: Callable[[World], Iterator[bytes]]
    moved: int = 0
    """How many bytes of an object a request moves, where bytes are what matters."""
    body: int = 0
    """The size of the one body that all requests send, where it is not in them."""
    alone: bool = False
    """Sent one by one, a few only: each request takes away what it needs."""
    static: bool = False
    """A server of files can answer it."""


def s3(world: World, number: int = 0) -> Target:
    """Return the target for requests on objects; ever `OBJECTS` numbers are signed for another second."""
    moment = datetime.now(UTC) - timedelta(seconds=number // OBJECTS)
    return Target(world.address, "s3", world.session, moment)


def assume_role(world: World) -> Iterator[bytes]:
    """Yield AssumeRole for ever another session name."""
    target = Target(world.address, "sts", world.caller, datetime.now(UTC))
    role = quote(world.role, safe="")
    for number in range(MANY):
        form = f"Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=session-{number}"
        yield signed(target, "POST", "/", body=form.encode(), kind=FORM)


def get_small(world: World) -> Iterator[bytes]:
    """Yield GETs of the small objects, each round signed for another second, neighbours far from each other."""
    for number in range(MANY):
        key = number * 7919 % world.readable
        yield signed(s3(world, number), "GET", f"/{world.read}/object-{key:07}")


def put_small(world: World) -> Iterator[bytes]:
    """Yield PUTs of 1 KiB to ever another key, with ever other bytes."""
    target = s3(world)
    for number in range(MANY):
        yield signed(target, "PUT", f"/inbox/object-{number}", body=small_body(number))


def _gets(bucket: str, objects: int, count: int, **headers: str) -> Callable[[World], Iterator[bytes]]:
    """Return the work of reading a bucket's few objects again and again, each time signed for another second."""

    def work(world: World) -> Iterator[bytes]:
        now = datetime.now(UTC)
        for number in range(count):
            target = replace(s3(world), moment=now - timedelta(seconds=number // objects % 600))
            yield signed(target, "GET", f"/{bucket}/object-{number % objects}", extra=headers)

    return work


def _puts(bucket: str, size: int, count: int) -> Callable[[World], Iterator[bytes]]:
    """Return the work of writing to ever another key; the body, the same for all, is sent from elsewhere."""

    def work(world: World) -> Iterator[bytes]:
        digest = hashlib.sha256(body_of(world.bodies, size).read_bytes()).hexdigest()
        target = s3(world)
        for number in range(count):
            yield signed(target, "PUT", f"/{bucket}/object-{number}", digest=digest, length=size)

    return work


def list_first(world: World) -> Iterator[bytes]:
    """Yield listings of 1,000 keys at the beginning of the bucket, each beginning behind another one."""
    yield from _listings(world, 0)


def list_last(world: World) -> Iterator[bytes]:
    """Yield listings of 1,000 keys at the end of the bucket."""
    yield from _listings(world, world.listed - 2 * PAGE)


def _listings(world: World, place: int) -> Iterator[bytes]:
    for number in range(SOME):
        query = f"list-type=2&max-keys={PAGE}&start-after=object-{place + number % PAGE:07}"
        yield signed(s3(world, number), "GET", "/many/", query=query)


def delete_many(world: World) -> Iterator[bytes]:
    """Yield calls that each delete 1,000 objects."""
    for call in range(world.doomed):
        keys = (f"<Object><Key>object-{call * 1000 + number:07}</Key></Object>" for number in range(1000))
        body = f"<Delete><Quiet>true</Quiet>{''.join(keys)}</Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        yield signed(s3(world), "POST", "/doomed", query="delete=", body=body, extra={"content-md5": md5})


def hello(world: World) -> Iterator[bytes]:
    """Yield requests that are answered `hello`, by the baseline alone."""
    for number in range(SOME):
        yield f"GET /hello/{number} HTTP/1.1\r\nhost: {world.address}\r\n\r\n".encode()


ROWS: Mapping[str, Work] = {
    "AssumeRole": Work(assume_role),
    "GET 1 KiB": Work(get_small),
    "GET 100 KiB": Work(_gets("medium", 64, SOME), static=True),
    "GET 10 MiB": Work(_gets("large", 4, FEW * 4), moved=LARGE, static=True),
    "GET 1 MiB of 10": Work(_gets("ranged", 4, SOME, range="bytes=1048576-2097151"), moved=RANGE, static=True),
    "PUT 1 KiB": Work(put_small),
    "PUT 100 KiB": Work(_puts("depot", MEDIUM, SOME), body=MEDIUM),
    "PUT 10 MiB": Work(_puts("vault", LARGE, FEW), moved=LARGE, body=LARGE),
    "LIST first page": Work(list_first),
    "LIST last page": Work(list_last),
    "DELETE 1,000 keys": Work(delete_many, alone=True),
}
HELLO = "hello"
BUCKETS = ("small", "inbox", "medium", "depot", "large", "ranged", "vault", "many", "doomed")


def small_body(number: int) -> bytes:
    """Return 1 KiB that no other number has."""
    return (b"%08d" % number) * (SMALL // 8)


def body_of(folder: Path, size: int) -> Path:
    """Return a file of this size."""
    file = folder / f"{size}-bytes"
    if not file.exists():
        file.write_bytes(os.urandom(size))
    return file


def fill_keys(world: World, *, seconds: int = 120) -> World:
    """Put the objects that are listed and deleted, for so long at most; return the world with as many as there are."""
    target = s3(world)
    doomed = (signed(target, "PUT", f"/doomed/object-{n:07}", body=b"x") for n in range(world.doomed * PAGE))
    listed = (signed(target, "PUT", f"/many/object-{n:07}", body=b"x" * 100) for n in range(world.listed))
    prepared = wrk.prepare(world.bodies / "keys", chain(doomed, listed))
    put = 0
    for _ in range(0, seconds, _A_WHILE):
        wrk.run(prepared, world.address, connections=16, seconds=_A_WHILE)
        put = prepared.begun.get(world.address, 0)
        if put >= prepared.count:
            return world
    return replace(world, listed=max(2 * PAGE, put - world.doomed * PAGE))


_A_WHILE = 5


def fill(world: World) -> None:
    """Put the objects that are read. Raises RuntimeError where the server refuses one."""
    target = s3(world)
    large = body_of(world.bodies, LARGE).read_bytes()
    medium = body_of(world.bodies, MEDIUM).read_bytes()
    requests = chain(
        (signed(target, "PUT", f"/small/object-{n:07}", body=small_body(n)) for n in range(OBJECTS)),
        (signed(target, "PUT", f"/medium/object-{n}", body=medium) for n in range(64)),
        (
            signed(target, "PUT", f"/{bucket}/object-{n}", body=large)
            for n in range(4)
            for bucket in ("large", "ranged")
        ),
    )

    def send(lane: list[bytes]) -> list[wrk.Answer]:
        return wrk.send(world.address, lane)

    with ThreadPoolExecutor(8) as senders:
        while batch := [request for _, request in zip(range(2000), requests, strict=False)]:
            for answer in chain.from_iterable(senders.map(send, (batch[lane::8] for lane in range(8)))):
                if answer.status != 200:
                    said = answer.body.decode(errors="replace")
                    raise RuntimeError(f"cannot fill {world.address}: {answer.status} {said}")
