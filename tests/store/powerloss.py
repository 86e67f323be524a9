"""Loss of power, simulated: processes record what they do to the disk, a replayer loses what was not synced.

`kill -9` keeps what the system holds in memory and so proves nothing about syncs. Here every write, size, name and
sync of store and objects, and every acknowledgement, is appended to one log. The replayer walks the log once; at random
points it keeps what was synced and a random subset of the rest, torn at 512 bytes, and looks whether all that was
acknowledged by then is there. Each kind of sync can be dropped from the replay, to see that its loss is caught.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from tests.store.watched import WatchedFiles, WatchedVFS, Watcher

from rolecall.objects.local import LocalObjects
from rolecall.store.interface import Transaction
from rolecall.store.keys import pack, unpack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

SECTOR = 512
LOG_PAGES = 60
WRITERS = 4


class Event(msgspec.Struct, array_like=True, frozen=True):
    """A line of the log."""

    kind: str
    path: str = ""
    inode: int = 0
    number: int = 0
    content: bytes = b""


# Recording


class Recorder(Watcher):
    """Appends what it is told to a log that several processes share.

    Writes are appended when they have been done, syncs when they begin and when they are done: so whatever the log has
    before a sync's beginning was certainly covered by it.
    """

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._tokens = itertools.count(os.getpid() << 32)

    def note(self, event: Event) -> None:
        line = msgspec.msgpack.encode(event)
        os.write(self._log, struct.pack("<I", len(line)) + line)

    def made(self, path: str, inode: int) -> None:
        self.note(Event("made", path, inode))

    def wrote(self, inode: int, offset: int, content: bytes) -> None:
        self.note(Event("wrote", inode=inode, number=offset, content=content))

    def cut(self, inode: int, size: int) -> None:
        self.note(Event("cut", inode=inode, number=size))

    def renamed(self, source: str, target: str) -> None:
        self.note(Event("renamed", target, content=source.encode()))

    def linked(self, source: str, target: str) -> None:
        self.note(Event("linked", target, content=source.encode()))

    def unlinked(self, path: str) -> None:
        self.note(Event("unlinked", path))

    def sync_begins(self) -> int:
        token = next(self._tokens)
        self.note(Event("begins", number=token))
        return token

    def synced(self, token: int, kind: str, inode: int) -> None:
        self.note(Event("synced", kind, inode, token))

    def synced_folder(self, token: int, path: str) -> None:
        self.note(Event("synced folder", path, number=token))

    def acknowledged(self, name: bytes) -> None:
        self.note(Event("acknowledged", content=name))


def put_pair(process: int, writer: int, count: int, blob: str, digest: bytes) -> Callable[[Transaction], None]:
    """Two records that belong together, and a number that only grows."""

    def work(transaction: Transaction) -> None:
        transaction.put(pack("left", process, writer, count), os.urandom(300))
        transaction.put(pack("right", process, writer, count), pack(blob, digest))
        transaction.put(pack("last", process, writer), str(count).encode())

    return work


async def write_much(store: SqliteStore, objects: LocalObjects, recorder: Recorder, process: int, writes: int) -> None:
    async def writer(number: int) -> None:
        for count in range(writes):
            blob, digest = "", b""
            if count % 5 == number % 5:
                content = os.urandom(random.Random(count).choice([700, 5000, 40_000]))
                upload = objects.create()
                await upload.write(content)
                blob, digest = await upload.commit(), hashlib.sha256(content).digest()
            await store.write(put_pair(process, number, count, blob, digest), brief=count % 3 == 0)
            recorder.acknowledged(pack(process, number, count))

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))


def record(folder: Path, process: int, writes: int) -> None:
    """Do what one process does, under the recorder's eyes."""
    recorder = Recorder(folder / "log")
    vfs = WatchedVFS("watched", recorder)
    files = WatchedFiles(recorder)
    keys = MasterKeys.load(folder / "keyring")
    store = SqliteStore(folder / "data" / "store.db", master_keys=keys, vfs="watched", files=files, log_pages=LOG_PAGES)
    objects = LocalObjects(folder / "data" / "objects", files=files)
    asyncio.run(write_much(store, objects, recorder, process, writes))
    store.close()
    objects.close()
    del vfs


def record_in_processes(folder: Path, *, processes: int, writes: int) -> Path:
    """Let several processes write at once; return the log."""
    MasterKeys.create(folder / "keyring")
    command = [sys.executable, "-m", "tests.store.powerloss", str(folder)]
    running = [subprocess.Popen([*command, str(number), str(writes)]) for number in range(processes)]
    try:
        assert [process.wait(60) for process in running] == [0] * processes
    finally:
        for process in running:
            process.kill()
    return folder / "log"


def read_log(log: Path) -> list[Event]:
    content = log.read_bytes()
    events: list[Event] = []
    place = 0
    while place < len(content):
        (length,) = struct.unpack_from("<I", content, place)
        events.append(msgspec.msgpack.decode(content[place + 4 : place + 4 + length], type=Event))
        place += 4 + length
    return events


# Replaying


@dataclass
class File:
    """A file's bytes: what is durable, and what was done to it since, oldest first."""

    durable: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, Event]] = field(default_factory=list)

    def sync(self, begun: int) -> None:
        kept = []
        for place, event in self.since:
            if place < begun:
                _apply(self.durable, event)
            else:
                kept.append((place, event))
        self.since = kept

    def after_a_crash(self, chance: random.Random, keep: float) -> bytes:
        if not self.since:
            return bytes(self.durable)
        content = bytearray(self.durable)
        for _, event in self.since:
            if event.kind == "cut" or chance.random() < 0.7:
                if chance.random() < keep:
                    _apply(content, event)
            else:
                for start in range(0, len(event.content), SECTOR):
                    if chance.random() < keep:
                        piece = event.content[start : start + SECTOR]
                        _apply(content, Event("wrote", number=event.number + start, content=piece))
        return bytes(content)


def _apply(content: bytearray, event: Event) -> None:
    end = event.number + (len(event.content) if event.kind == "wrote" else 0)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if event.kind == "wrote":
        content[event.number : end] = event.content
    else:
        del content[event.number :]


@dataclass(eq=False)
class Naming:
    """A change of a name in a folder. The old name of a renamed file goes only if the new one is there."""

    place: int
    name: str
    inode: int | None
    partner: Naming | None = None
    is_durable: bool = False


@dataclass
class Names:
    """A folder's names: what is durable, and what was done since, oldest first."""

    durable: dict[str, int] = field(default_factory=dict)
    since: list[Naming] = field(default_factory=list)

    def sync(self, begun: int) -> None:
        kept = []
        for naming in self.since:
            if naming.place < begun and (naming.partner is None or naming.partner.is_durable):
                naming.is_durable = True
                _name(self.durable, naming)
            else:
                kept.append(naming)
        self.since = kept


def _name(names: dict[str, int], naming: Naming) -> None:
    if naming.inode is None:
        names.pop(naming.name, None)
    else:
        names[naming.name] = naming.inode


class Disk:
    """The model of a disk that the log is walked over."""

    def __init__(self, dropped: str | None) -> None:
        self._dropped = dropped
        self._files: dict[int, File] = {}
        self._folders: dict[str, Names] = {}
        self._live: dict[str, int] = {}
        self._begun: dict[int, int] = {}
        self._identities = itertools.count(1)
        self._inodes: dict[int, int] = {}
        self.acknowledged: list[bytes] = []

    def take(self, place: int, event: Event) -> None:
        getattr(self, "_" + event.kind.replace(" ", "_"))(place, event)

    def _made(self, place: int, event: Event) -> None:
        identity = next(self._identities)
        if event.inode:
            self._inodes[event.inode] = identity
            self._files[identity] = File()
        self._live[event.path] = identity
        self._change(place, event.path, identity)

    def _wrote(self, place: int, event: Event) -> None:
        self._files[self._inodes[event.inode]].since.append((place, event))

    _cut = _wrote

    def _renamed(self, place: int, event: Event) -> None:
        source = event.content.decode()
        identity = self._live.pop(source)
        self._live[event.path] = identity
        partner = self._change(place, event.path, identity)
        self._change(place, source, None, partner)
        self._follow(self._folders, source, event.path)
        self._follow(self._live, source, event.path)

    def _follow(self, known: dict[str, Any], source: str, target: str) -> None:
        """Know what lies in a folder under the folder's new name too: which name it has is for its own parent."""
        for path in [one for one in known if one == source or one.startswith(f"{source}/")]:
            known[target + path.removeprefix(source)] = known[path]

    def _linked(self, place: int, event: Event) -> None:
        identity = self._live[event.path] = self._live[event.content.decode()]
        self._change(place, event.path, identity)

    def _unlinked(self, place: int, event: Event) -> None:
        self._live.pop(event.path, None)
        self._change(place, event.path, None)

    def _begins(self, place: int, event: Event) -> None:
        self._begun[event.number] = place

    def _synced(self, place: int, event: Event) -> None:
        if event.path != self._dropped:
            self._files[self._inodes[event.inode]].sync(self._begun[event.number])

    def _synced_folder(self, place: int, event: Event) -> None:
        is_shard = Path(event.path).parent.name == "objects"
        if self._dropped != "blob's folder" or not is_shard:
            self._folders.setdefault(event.path, Names()).sync(self._begun[event.number])

    def _acknowledged(self, place: int, event: Event) -> None:
        self.acknowledged.append(event.content)

    def _change(self, place: int, path: str, identity: int | None, partner: Naming | None = None) -> Naming:
        folder, name = os.path.split(path)
        naming = Naming(place, name, identity, partner)
        self._folders.setdefault(folder, Names()).since.append(naming)
        return naming

    def after_a_crash(self, chance: random.Random, root: str) -> dict[str, Callable[[], bytes]]:
        """Return the files under `root` that a loss of power leaves, by path, each with a way to its bytes."""
        keep = chance.choice([0.0, 0.2, 0.5, 0.8, 1.0])
        kept: set[Naming] = set()
        names: dict[str, dict[str, int]] = {}
        for folder, state in self._folders.items():
            names[folder] = dict(state.durable)
            if state.since:
                kept.update(state.since[: chance.randint(0, len(state.since)) if 0 < keep < 1 else int(keep) * 10**9])
        for folder, state in self._folders.items():
            for naming in state.since:
                partner = naming.partner
                if naming in kept and (partner is None or partner.is_durable or partner in kept):
                    _name(names[folder], naming)
        found: dict[str, Callable[[], bytes]] = {}
        self._walk(root, names, lambda path, file: found.update({path: lambda: file.after_a_crash(chance, keep)}))
        return found

    def _walk(self, folder: str, names: dict[str, dict[str, int]], found: Callable[[str, File], None]) -> None:
        for name, identity in names.get(folder, {}).items():
            path = f"{folder}/{name}"
            if identity in self._files:
                found(path, self._files[identity])
            else:
                self._walk(path, names, found)


@dataclass(frozen=True)
class Loss:
    """What was lost at a point of the log."""

    place: int
    what: str


def lose_power(
    events: list[Event], folder: Path, *, points: int, seed: int, dropped: str | None = None, first_only: bool = False
) -> list[Loss]:
    """Lose power at `points` places of the log, and return what was lost that should not have been."""
    chance = random.Random(seed)
    # The log is full of what follows a commit; a point right behind an acknowledgement asks the most.
    acknowledgements = [place for place, event in enumerate(events) if event.kind == "acknowledged"]
    places = set(chance.choices(acknowledgements, k=points // 2)) | set(
        chance.choices(range(len(events)), k=points - points // 2)
    )
    disk = Disk(dropped)
    keys = MasterKeys.load(folder / "keyring")
    losses: list[Loss] = []
    # In memory where there is such a folder: what lies on a disk here is only looked at.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as copy:
        for place, event in enumerate(events):
            disk.take(place, event)
            if place in places:
                left = disk.after_a_crash(chance, f"{folder}/data")
                losses.extend(
                    Loss(place, what) for what in _look(left, disk.acknowledged, f"{folder}/data", copy, keys)
                )
                if losses and first_only:
                    break
    return losses


def _look(
    left: dict[str, Callable[[], bytes]], acknowledged: list[bytes], data: str, folder: str, keys: MasterKeys
) -> Iterator[str]:
    copy = Path(folder)
    for name in ("store.db", "store.db-wal", "store.db-journal", "store.db-shm"):
        (copy / name).unlink(missing_ok=True)
        if f"{data}/{name}" in left:
            (copy / name).write_bytes(left[f"{data}/{name}"]())
    try:
        store = SqliteStore(copy / "store.db", master_keys=keys, sync=False)
    except Exception as error:
        yield f"the store does not open: {error}"
        return
    try:
        yield from _missing(store, acknowledged, left, f"{data}/objects")
    except Exception as error:
        yield f"the store cannot be read: {error!r}"
    finally:
        store.close()


def _missing(
    store: SqliteStore, acknowledged: list[bytes], left: dict[str, Callable[[], bytes]], objects: str
) -> Iterator[str]:
    with store.view() as view:
        lefts = {entry.key[len(pack("left")) :] for entry in view.scan(pack("left"))}
        rights = {entry.key[len(pack("right")) :]: entry.value for entry in view.scan(pack("right"))}
        last = {entry.key[len(pack("last")) :]: int(entry.value) for entry in view.scan(pack("last"))}
    if lefts != rights.keys():
        yield "half a transaction"
    for name in acknowledged:
        if name not in lefts:
            yield f"acknowledged record {unpack(name)}"
        process, writer, count = unpack(name)
        if last.get(pack(process, writer), -1) < int.from_bytes(count, "big"):
            yield f"acknowledged change {unpack(name)}"
    for name, value in rights.items():
        blob, digest = unpack(value)
        if blob and not _is_whole(left.get(f"{objects}/{blob[:2].decode()}/{blob.decode()}"), digest):
            yield f"blob of record {unpack(name)}"


def _is_whole(content: Callable[[], bytes] | None, digest: bytes) -> bool:
    return content is not None and hashlib.sha256(content()).digest() == digest


if __name__ == "__main__":
    record(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
