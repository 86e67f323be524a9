"""No answer is older than an acknowledged change, whichever worker gives it; a conditional write has one winner."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from tests import soaking
from tests.reliability import mix, registers
from tests.reliability.asking import Asked, complete, content, mark_of, s3
from tests.reliability.checker import ANYTHING, swapped, was_not
from tests.reliability.in_process import InProcess, begin, open_house
from tests.reliability.ledger import GONE
from tests.reliability.over_http import Connection, connection_to, workers
from tests.reliability.registers import Ask, History, Register, all_registers, an_object, change, look, play
from tests.serving import ACCOUNT, Server, serving

from rolecall.store.sqlite.reading import Reads, View

CLIENTS_A_WORKER = 3

T = TypeVar("T")

_names = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("linearizable") / "data", "--account", ACCOUNT) as server:
        mix.prepare(Connection(server).ask)
        yield server


def clients(server: Server, of_each: int) -> list[Connection]:
    """Return so many connections to each worker, the workers in turn."""
    return [connection_to(server, worker) for _ in range(of_each) for worker in workers(server)]


def for_seconds(seconds: float) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() > ends


def for_operations(most: int) -> Callable[[], bool]:
    done = itertools.count(1)
    return lambda: next(done) > most


def played(server: Server, until: Callable[[], bool], seed: int) -> History:
    name = f"play-{next(_names)}"
    things = all_registers(name, Connection(server).ask)
    asks = [client.ask for client in clients(server, CLIENTS_A_WORKER)]
    return play(things, asks, until, prefix=name, seed=seed)


def written_here_read_there(server: Server, turns: int) -> tuple[int, list[str]]:
    """Change through one worker, look through the other at once; return how often, and what was stale."""
    things = all_registers(f"there-{next(_names)}", Connection(server).ask)
    here, there = clients(server, 1)
    stale = []
    for turn in range(turns):
        register = things[turn % len(things)]
        value = str(turn) if not register.values else register.values[turn // len(things) % 2]
        history = History()
        assert change(register, value, here.ask, history).is_success
        seen = look(register, there.ask, history)
        if seen != value:
            stale.append(f"turn {turn}: {register.name} was made {value} and is {seen}")
        here, there = there, here
    return turns, stale


def gone_here_dead_there(server: Server, turns: int) -> list[str]:
    """Take away through one worker what a key or session lives by, and use it through the other; return who lived on."""
    here, there = clients(server, 1)
    alive = []
    for turn in range(turns):
        name = f"short-{next(_names)}"
        user, role = registers.short_lived_user(name, here.ask), registers.short_lived_role(name, here.ask)
        for key, endings in ((user, registers.END_OF_KEY), (role, registers.END_OF_SESSION)):
            assert registers.lives(key, there.ask)
            ending = endings[turn % len(endings)](name, key)
            for asked in ending[:-1]:
                assert here.ask(asked).is_success, asked
            assert here.ask(ending[-1]).is_success, ending[-1]
            if registers.lives(key, there.ask):
                alive.append(f"{key.access_key_id} after {ending[-1].body!r}")
        here, there = there, here
    return alive


Maker = Callable[[Ask, str, str], Asked]
"""Prepares a request that gives a key a value, if nothing is there."""


def put_if_none(ask: Ask, key: str, value: str) -> Asked:
    return s3("PUT", mix.PLAIN, key, body=content(key, value, 700), if_none_match="*")


def large_put_if_none(ask: Ask, key: str, value: str) -> Asked:
    return s3("PUT", mix.PLAIN, key, body=content(key, value, 60_000), if_none_match="*")


def complete_if_none(ask: Ask, key: str, value: str) -> Asked:
    upload = ask(s3("POST", mix.PLAIN, key, {"uploads": ""})).text("UploadId")
    part = s3("PUT", mix.PLAIN, key, {"partNumber": "1", "uploadId": upload}, content(key, value, 700))
    return complete(mix.PLAIN, key, upload, [ask(part).headers["etag"]], if_none_match="*")


MAKERS: Sequence[Maker] = (put_if_none, large_put_if_none, complete_if_none)
NOT_WON = {"PreconditionFailed", "ConditionalRequestConflict"}


def race(asks: Sequence[Ask], maker: Maker, history: History) -> int:
    """Let everybody write the same new key on the condition that it is new; return how many were told they did."""
    key = f"race-{next(_names)}/700"
    an = an_object(key.removesuffix("/700"), 700)
    register = Register(key, GONE, [], an.change, an.look, an.tell)
    ready = threading.Barrier(len(asks))

    def run(ask: Ask, value: str) -> bool:
        asked = maker(ask, key, value)
        ready.wait(30)
        invoked = time.monotonic()
        answer = ask(asked)
        assert answer.is_success or answer.code in NOT_WON, answer
        step = swapped(GONE, value) if answer.is_success else ANYTHING
        if answer.code == "PreconditionFailed":
            step = was_not(GONE)
        history.note(register, invoked, f"{value} tried: {answer.code or 'won'}", step)
        look(register, ask, history)
        return answer.is_success

    return sum(at_once(asks, run))


def swap(asks: Sequence[Ask], key: str, turn: int) -> int:
    """Let everybody replace an object if it is still what they saw; return how many were told they did."""
    seen = asks[turn % len(asks)](s3("GET", mix.PLAIN, key)).headers["etag"]

    def run(ask: Ask, value: str) -> str:
        answer = ask(s3("PUT", mix.PLAIN, key, body=content(key, f"{turn}-{value}", 700), if_match=seen))
        assert answer.is_success or answer.code in NOT_WON, answer
        return answer.headers["etag"] if answer.is_success else ""

    won = [etag for etag in at_once(asks, run) if etag]
    now = asks[(turn + 1) % len(asks)](s3("GET", mix.PLAIN, key))
    assert won == [now.headers["etag"]]
    assert mark_of(key, now.body).startswith(f"{turn}-")
    return len(won)


def at_once(asks: Sequence[Ask], act: Callable[[Ask, str], T]) -> list[T]:
    """Let everybody act at once, each on a thread; return what came of it, or raise."""
    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(act, asks, map(str, range(1, len(asks) + 1))))


def winners(server: Server, rounds: int) -> tuple[History, list[int]]:
    """Run so many races of each kind; return what was seen and the number of winners of each."""
    asks = [client.ask for client in clients(server, CLIENTS_A_WORKER)]
    history = History()
    won = [race(asks, maker, history) for maker in MAKERS for _ in range(rounds)]
    key = f"swap-{next(_names)}"
    assert asks[0](s3("PUT", mix.PLAIN, key, body=content(key, "0", 700))).is_success
    return history, won + [swap(asks, key, turn) for turn in range(rounds)]


def test_no_answer_is_older_than_an_acknowledged_change(running: Server) -> None:
    history = played(running, for_operations(2000), seed=1)
    assert history.wrong() == []
    assert len(history.operations) == 11
    assert all(len({op.what for op in done}) >= 3 for done in history.operations.values())


def test_what_one_worker_acknowledged_the_other_knows_at_once(running: Server) -> None:
    _, stale = written_here_read_there(running, 440)
    assert stale == []


def test_keys_and_sessions_die_everywhere_with_what_they_live_by(running: Server) -> None:
    assert gone_here_dead_there(running, 12) == []


def test_a_conditional_write_has_one_winner(running: Server) -> None:
    history, won = winners(running, 6)
    assert history.wrong() == []
    assert won == [1] * 24


class Pair:
    """Two workers in this process, each on a thread of its own: what a real server is, but can be broken."""

    def __init__(self, data: Path) -> None:
        begin(data)
        self.houses = [open_house(data), open_house(data)]
        self.loops = [asyncio.new_event_loop() for _ in self.houses]
        for loop in self.loops:
            threading.Thread(target=loop.run_forever, daemon=True).start()

    def asks(self) -> list[Ask]:
        return [self._ask(one, loop) for one, loop in zip(self.houses, self.loops, strict=True)]

    def _ask(self, one: InProcess, loop: asyncio.AbstractEventLoop) -> Ask:
        return lambda asked: asyncio.run_coroutine_threadsafe(one.ask(asked), loop).result(30)

    def close(self) -> None:
        for one, loop in zip(self.houses, self.loops, strict=True):
            asyncio.run_coroutine_threadsafe(one.worker.stop(), loop).result(30)
            loop.call_soon_threadsafe(loop.stop)


@pytest.mark.parametrize("is_broken", [False, True], ids=["as it is", "with caches that nothing empties"])
def test_a_server_that_kept_what_it_looked_up_would_be_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_broken: bool
) -> None:
    pair = Pair(tmp_path / "data")
    try:
        mix.prepare(pair.asks()[0])
        things = all_registers("pair", pair.asks()[0])
        if is_broken:
            for reading in (Reads, View):
                monkeypatch.setattr(reading, "watermark", lambda view: bytes(16))
        history = play(things, pair.asks() * 2, for_operations(800), prefix="pair", seed=3)
        assert bool(history.wrong()) is is_broken
    finally:
        pair.close()


@pytest.mark.soak
def test_no_answer_is_older_than_an_acknowledged_change_for_long(running: Server) -> None:
    operations = turns = races = 0
    for episode in soaking.turns(minutes=14, what="episodes of linearizability"):
        history = played(running, for_seconds(6), seed=episode)
        assert history.wrong() == []
        operations += history.size
        done, stale = written_here_read_there(running, 550)
        assert stale == []
        assert gone_here_dead_there(running, 20) == []
        turns += done
        history, won = winners(running, 8)
        assert (history.wrong(), set(won)) == ([], {1})
        races += len(won)
    soaking.progress(
        f"linearizable: {operations} operations in an order, {turns} changes read at once from the other worker,"
        f" {races} races with one winner each"
    )
