"""The mix over sockets, from many threads at once, while somebody kills processes; and what is looked for afterwards."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reliability import mix
from tests.reliability.asking import Key
from tests.reliability.ledger import Ledger, Work
from tests.reliability.over_http import Connection, holder_of_lock, is_alive, workers
from tests.serving import Server

from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail.segments import events_in

PART = 5 * 1024 * 1024
"""The smallest part that need not be the last."""


Maker = Callable[[str], Work]
"""Begins a work under a name of its own."""


def everything(actor: Key, keys: dict[str, Key]) -> list[Maker]:
    """Return what leaves much behind, for short storms."""
    return [
        lambda me: mix.objects(f"small-{me}", mix.SMALL),
        lambda me: mix.objects(f"large-{me}", 300_000),
        lambda me: mix.uploads(f"upload-{me}"),
        lambda me: mix.uploads(f"parts-{me}", PART),
        lambda me: mix.versions(f"version-{me}"),
        lambda me: mix.users(f"user-{me}", keys),
        lambda me: mix.roles(f"role-{me}", actor, keys),
        lambda me: mix.buckets(f"bucket-{me}"),
        lambda me: mix.objects(f"little-{me}", 100),
    ]


def for_an_hour(actor: Key, keys: dict[str, Key]) -> list[Maker]:
    """Return what does the same and leaves no more than it found."""
    return [
        lambda me: mix.objects(f"small-{me}", mix.SMALL),
        lambda me: mix.objects(f"large-{me}", mix.LARGE),
        lambda me: mix.uploads(f"upload-{me}", tidy=True),
        lambda me: mix.versions(f"version-{me}", at_most=30),
        lambda me: mix.users(f"user-{me}", keys, tidy=True),
        lambda me: mix.roles(f"role-{me}", actor, keys, tidy=True),
        lambda me: mix.buckets(f"bucket-{me}", tidy=True),
    ]


class Storm:
    """Threads that work, each over its own connection, and begin something new after a change that is in doubt."""

    def __init__(
        self, server: Server, ledger: Ledger, makers: Iterable[Maker], name: str, *, pause: float = 0.0
    ) -> None:
        self._server = server
        self._ledger = ledger
        self._pause = pause
        self._over = threading.Event()
        self.trouble: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self._run, args=(maker, f"{name}-{number}"), daemon=True)
            for number, maker in enumerate(makers)
        ]

    def _run(self, maker: Callable[[str], Work], name: str) -> None:
        connection = Connection(self._server)
        turn = 0
        try:
            while not self._over.is_set():
                turn += 1
                mix.drive(maker(f"{name}-{turn}"), self._ledger, connection.ask, self._is_over)
                self._over.wait(0.05)
        except BaseException as error:
            self.trouble.append(error)
        finally:
            connection.close()

    def _is_over(self) -> bool:
        return self._over.wait(self._pause) if self._pause else self._over.is_set()

    def end(self) -> None:
        """Let everybody finish what they are at. Raises what one of them met."""
        self._over.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads)
        for trouble in self.trouble:
            raise trouble


@contextmanager
def storm(server: Server, ledger: Ledger, makers: Iterable[Maker], name: str, *, pause: float = 0.0) -> Iterator[Storm]:
    """Let the storm blow for as long as the block runs; everybody waits `pause` seconds between two changes."""
    blowing = Storm(server, ledger, makers, name, pause=pause)
    for thread in blowing.threads:
        thread.start()
    try:
        yield blowing
    finally:
        blowing.end()


def kill_worker(server: Server) -> None:
    """Kill one worker, whatever it is doing."""
    os.kill(random.choice(workers(server)), signal.SIGKILL)


def kill_writer(server: Server) -> bool:
    """Kill the worker whose writer has a batch under way; tell whether one was caught at it."""
    holder = _writing(server)
    os.kill(holder or random.choice(workers(server)), signal.SIGKILL)
    return holder is not None


def kill_server(server: Server) -> bool:
    """Kill all of the server's processes at once, with a batch under way; tell whether there was one."""
    holder = _writing(server)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(30)
    return holder is not None


def kill_master(server: Server) -> bool:
    """Kill the process that started the workers, and wait for them to follow it."""
    holder, orphans = _writing(server), workers(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(30)
    deadline = time.monotonic() + 30
    while any(is_alive(pid) for pid in orphans):
        assert time.monotonic() < deadline, "the workers live on without the server"
        time.sleep(0.05)
    return holder is not None


def await_workers(server: Server, gone: set[int]) -> None:
    """Return when as many workers serve as before, none of them among `gone`."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended with one of its workers"
        if len(set(workers(server)) - gone) >= 2:
            return
        time.sleep(0.05)
    raise AssertionError("no worker came in place of the one that was killed")


def wrong_now(server: Server, ledger: Ledger, keys: dict[str, Key], *, everything: bool = False) -> list[str]:
    """Return what is not as it was acknowledged: of what changed since the last look, or of everything."""
    connection = Connection(server)
    ask = mix.patient(connection.ask)
    subjects = ledger.touched()
    wrong = mix.what_is_wrong(ledger, ledger.subjects() if everything else subjects, keys, ask)
    wrong += mix.wrongly_listed(ledger, ask)
    connection.close()
    return wrong


def trail_requests(data: Path) -> set[str]:
    """Return the ids of the requests whose events are in the trail of a server that does not run."""
    store = SqliteStore(data / "trail.db", master_keys=MasterKeys.load(data / "keyring"), sync=False)
    try:
        return {event.request_id for entry in store.long_scan(pack("segment")) for event in events_in(entry.value)}
    finally:
        store.close()


def _writing(server: Server) -> int | None:
    lock = server.data / "rolecall.db.lock"
    serving = set(workers(server))
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        holder = holder_of_lock(lock)
        if holder in serving:
            return holder
    return None
