"""Loss of power under all that the server does: two workers' disks are recorded, and lost, as in tests/store/powerloss.

What is asked for and what was acknowledged goes into the same log. At random points of it a worker is opened on what
the loss leaves, as a server that starts, and asked for what must be there.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.reliability import mix
from tests.reliability.asking import Answer, Asked, Key
from tests.reliability.in_process import InProcess, begin, live, open_house, root_of, watched
from tests.reliability.ledger import Change, Ledger, Subject
from tests.store.powerloss import Disk, Event, Recorder

from rolecall.store.interface import StoreError
from rolecall.store.keys import pack
from rolecall.trail.segments import events_in

RECENT, OTHERS = 12, 8
"""How many subjects are looked at after each loss: the last ones changed, and any."""
TRAIL_WRITES = 3
"""What the trail may lack: the events since so many of its last writes began, of which there are ten a second."""

Left = dict[str, Callable[[], bytes]]


class Said(msgspec.Struct):
    """What a worker told the ledger, as the log keeps it."""

    begun: bool
    process: int
    becomes: list[tuple[list[str], str]]
    request_id: str = ""
    key: tuple[str, str, str | None] | None = None


class Telling(Ledger):
    """A ledger that writes what it is told into the log."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def begin(self, change: Change) -> None:
        super().begin(change)
        self._tell(Said(True, os.getpid(), [(list(subject), value) for subject, value in change.becomes.items()]))

    def end(self, change: Change, answer: Answer) -> None:
        super().end(change, answer)
        told = {**change.becomes, **(change.then(answer) if change.then else {})}
        given = answer.credentials
        self._tell(
            Said(
                False,
                os.getpid(),
                [(list(subject), value) for subject, value in told.items()],
                answer.request_id,
                (given.access_key_id, given.secret, given.token) if given.secret else None,
            )
        )

    def _tell(self, said: Said) -> None:
        self._recorder.acknowledged(msgspec.msgpack.encode(said))


async def work_much(one: InProcess, recorder: Recorder, actor: Key, process: int, changes: int) -> None:
    """Do everything that the server does, from several sides at once."""
    ledger, keys = Telling(recorder), dict[str, Key]()
    works = [
        mix.objects(f"small-{process}", mix.SMALL),
        mix.objects(f"large-{process}", mix.LARGE),
        mix.uploads(f"upload-{process}"),
        mix.versions(f"version-{process}"),
        mix.users(f"user-{process}", keys),
        mix.roles(f"role-{process}", actor, keys),
        mix.buckets(f"bucket-{process}"),
    ]
    await asyncio.gather(*(live(work, ledger, one.ask, changes) for work in works))
    await one.worker.stop()


def record(folder: Path, *, processes: int, changes: int) -> Path:
    """Let workers on a new data folder work at once; return the log."""
    data = folder / "data"
    recorder = Recorder(folder / "log")
    with watched(recorder):
        begin(data)
        one = open_house(data)
        actor = asyncio.run(_prepare(one))
    command = [sys.executable, "-m", "tests.reliability.powerloss", str(folder)]
    key = [actor.access_key_id, actor.secret]
    running = [subprocess.Popen([*command, str(number), str(changes), *key]) for number in range(processes)]
    try:
        assert [process.wait(120) for process in running] == [0] * processes
    finally:
        for process in running:
            process.kill()
    return folder / "log"


async def _prepare(one: InProcess) -> Key:
    loop = asyncio.get_running_loop()
    actor = await asyncio.to_thread(
        mix.prepare, lambda asked: asyncio.run_coroutine_threadsafe(one.ask(asked), loop).result()
    )
    await one.worker.stop()
    return actor


@dataclass
class Known:
    """What the log told so far."""

    ledger: Ledger = field(default_factory=Ledger)
    keys: dict[str, Key] = field(default_factory=dict)
    recent: list[Subject] = field(default_factory=list)
    events: list[tuple[str, int, int]] = field(default_factory=list)
    """Of each acknowledged request: its id, the process that answered, and where in the log."""
    trail_logs: set[int] = field(default_factory=set)
    trail_synced: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Where in the log each process had synced its trail."""

    def follow(self, place: int, event: Event) -> None:
        """Take note of what concerns the trail, and of what was said."""
        if event.kind == "made":
            (self.trail_logs.add if event.path.endswith("trail.db-wal") else self.trail_logs.discard)(event.inode)
        elif event.kind == "synced" and event.path == "log" and event.inode in self.trail_logs:
            self.trail_synced[event.number >> 32].append(place)
        elif event.kind == "acknowledged":
            self.take(place, event.content)

    def safe_events(self) -> set[str]:
        """Return the ids of the requests whose events must be in the trail."""
        return {
            request
            for request, process, place in self.events
            if len(self.trail_synced[process]) >= TRAIL_WRITES and place < self.trail_synced[process][-TRAIL_WRITES]
        }

    def take(self, place: int, content: bytes) -> None:
        said = msgspec.msgpack.decode(content, type=Said)
        becomes = {tuple(subject): value for subject, value in said.becomes}
        change = Change(Asked("", ""), becomes)
        if said.begun:
            self.ledger.begin(change)
            return
        self.ledger.begin(change)
        self.ledger.end(change, Answer(200))
        self.events.append((said.request_id, said.process, place))
        self.recent = [*self.recent[-RECENT:], *becomes][-RECENT:]
        if said.key is not None:
            self.keys[said.key[0]] = Key(*said.key)


@dataclass(frozen=True)
class Loss:
    """What was lost at a point of the log."""

    place: int
    what: str


def lose_power(
    events: list[Event],
    folder: Path,
    *,
    points: int,
    seed: int,
    dropped: str | None = None,
    first_only: bool = False,
    tell: Callable[[int], None] = lambda looked: None,
) -> list[Loss]:
    """Lose power at `points` places of the log, and return what was lost that should not have been."""
    chance = random.Random(seed)
    acknowledgements = [place for place, event in enumerate(events) if event.kind == "acknowledged"]
    begins = acknowledgements[0]
    places = sorted(
        chance.choices(acknowledgements, k=points // 2)
        + chance.choices(range(begins, len(events)), k=points - points // 2)
    )
    disk, known, losses, root = Disk(dropped), Known(), [], root_of(folder / "data")
    looked = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as copy:
        _copy_keys(folder / "data", Path(copy))
        for place, event in enumerate(events):
            disk.take(place, event)
            known.follow(place, event)
            while looked < len(places) and places[looked] == place:
                looked += 1
                tell(looked)
                left = disk.after_a_crash(chance, f"{folder}/data")
                losses += [Loss(place, what) for what in _look(left, known, f"{folder}/data", Path(copy), root, chance)]
                if losses and first_only:
                    return losses
    return losses


def _copy_keys(data: Path, copy: Path) -> None:
    """Take over what a first start wrote before everything else, and which is not under test here."""
    for path in data.iterdir():
        if path.is_file() and ".db" not in path.name:
            shutil.copy(path, copy / path.name)


def _look(left: Left, known: Known, data: str, copy: Path, root: Key, chance: random.Random) -> Iterator[str]:
    for path in [*copy.glob("*.db*"), *copy.glob("objects/*/*")]:
        path.unlink()
    for name, read in left.items():
        there = copy / Path(name).relative_to(data)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(read())
    try:
        one = open_house(copy, root=root)
    except StoreError as error:
        yield f"the server does not start: {error}"
        return
    everything = known.ledger.subjects()
    subjects = dict.fromkeys(known.recent + chance.sample(everything, min(OTHERS, len(everything))))
    yield from asyncio.run(_ask(one, known, list(subjects)))


async def _ask(one: InProcess, known: Known, subjects: list[Subject]) -> list[str]:
    wrong = []
    try:
        for subject in subjects:
            value = await _value(one, subject, known.keys)
            wrong.append(known.ledger.wrong(subject, value))
        wrong += _missing_events(one, known)
        answer = await one.ask(mix.put("after the loss", 1, mix.LARGE).asked)
        wrong.append(None if answer.is_success else f"nothing can be written: {answer}")
    except StoreError as error:
        wrong.append(f"the server cannot work: {error}")
    finally:
        await one.worker.stop()
    return [one for one in wrong if one]


async def _value(one: InProcess, subject: Subject, keys: dict[str, Key]) -> str:
    observation = mix.observe(subject, keys)
    try:
        asked = next(observation)
        while True:
            asked = observation.send(await one.ask(asked))
    except StopIteration as told:
        value: str = told.value
        return value


def _missing_events(one: InProcess, known: Known) -> list[str]:
    old = known.safe_events()
    try:
        entries = list(one.worker.trail._store.long_scan(pack("segment")))
        there = {event.request_id for entry in entries for event in events_in(entry.value)}
    except StoreError as error:
        return [f"the trail cannot be read: {error}"]
    return [f"{len(old - there)} of {len(old)} old events"] if old - there else []


def main() -> None:
    folder, process, changes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    recorder = Recorder(folder / "log")
    with watched(recorder):
        one = open_house(folder / "data")
    asyncio.run(work_much(one, recorder, Key(sys.argv[4], sys.argv[5]), process, changes))


if __name__ == "__main__":
    main()
