"""The work: a world to work in, and for each row of the table thousands of requests, no two the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from bench import wrk
from bench.signing import FORM, Key, Target, signed

SMALL, LARGE = 1024, 10 * 1024 * 1024
OBJECTS = 4000
"""How many small objects there are to be read and listed."""
MANY, FEW = 40_000, 1000
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
    made: dict[str, wrk.Prepared] = field(default_factory=dict, compare=False)

    def requests(self, row: str) -> wrk.Prepared:
        """Return the requests of a row, signed now if they are not yet."""
        if row not in self.made:
            body = large_body(self.bodies) if row == "PUT 10 MiB" else None
            name = f"{self.address.rpartition(':')[2]}-{row.replace(' ', '-')}"
            self.made[row] = wrk.prepare(self.bodies / name, ROWS[row](self), body)
        return self.made[row]


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
    """Yield GETs of the small objects, each round signed for another second."""
    for number in range(MANY):
        yield signed(s3(world, number), "GET", f"/small/object-{number % OBJECTS:05}")


def put_small(world: World) -> Iterator[bytes]:
    """Yield PUTs of 1 KiB to ever another key, with ever other bytes."""
    target = s3(world)
    for number in range(MANY // 2):
        yield signed(target, "PUT", f"/inbox/object-{number}", body=small_body(number))


def get_large(world: World) -> Iterator[bytes]:
    """Yield GETs of the large objects."""
    for number in range(FEW):
        target = s3(world)
        target = replace(target, moment=target.moment - timedelta(seconds=number // 4 % 600))
        yield signed(target, "GET", f"/large/object-{number % 4}")


def put_large(world: World) -> Iterator[bytes]:
    """Yield PUTs of 10 MiB to ever another key, without the body, which is the same for all."""
    digest = hashlib.sha256(large_body(world.bodies).read_bytes()).hexdigest()
    target = s3(world)
    for number in range(FEW):
        yield signed(target, "PUT", f"/vault/object-{number}", digest=digest, length=LARGE)


def list_page(world: World) -> Iterator[bytes]:
    """Yield listings of 1,000 keys, each beginning behind another one."""
    for number in range(MANY // 4):
        start = number % (OBJECTS - 1000)
        query = f"list-type=2&max-keys=1000&start-after=object-{start:05}"
        yield signed(s3(world, number), "GET", "/small/", query=query)


ROWS = {
    "AssumeRole": assume_role,
    "GET 1 KiB": get_small,
    "PUT 1 KiB": put_small,
    "LIST 1,000 keys": list_page,
    "GET 10 MiB": get_large,
    "PUT 10 MiB": put_large,
}
MOVED: Mapping[str, int] = {"GET 10 MiB": LARGE, "PUT 10 MiB": LARGE}
"""How many bytes of an object a request of a row moves, where bytes are what matters."""
BUCKETS = ("small", "inbox", "large", "vault")


def small_body(number: int) -> bytes:
    """Return 1 KiB that no other number has."""
    return (b"%08d" % number) * (SMALL // 8)


def large_body(folder: Path) -> Path:
    """Return a file of 10 MiB."""
    file = folder / "ten-mebibytes"
    if not file.exists():
        file.write_bytes(os.urandom(LARGE))
    return file


def fill(world: World) -> None:
    """Put the objects that are read and listed. Raises RuntimeError where the server refuses one."""
    target = s3(world)
    large = large_body(world.bodies).read_bytes()
    requests = [
        *(signed(target, "PUT", f"/small/object-{n:05}", body=small_body(n)) for n in range(OBJECTS)),
        *(signed(target, "PUT", f"/large/object-{n}", body=large) for n in range(4)),
    ]
    with ThreadPoolExecutor(8) as senders:
        answers = senders.map(lambda lane: wrk.send(world.address, requests[lane::8]), range(8))
    for answer in chain.from_iterable(answers):
        if answer.status != 200:
            raise RuntimeError(f"cannot fill {world.address}: {answer.status} {answer.body.decode(errors='replace')}")
