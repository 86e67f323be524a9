"""A worker as the server runs it, in this process: asked without sockets, its disk under a watcher's eyes."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from tests.reliability.asking import Answer, Asked, Key
from tests.reliability.ledger import Ledger, Work
from tests.serving import ACCOUNT, read_credentials
from tests.store.watched import WatchedFiles, WatchedVFS, Watcher

from rolecall.app import founding, house
from rolecall.app.folder import ROOT_CREDENTIALS, DataFolder
from rolecall.config import Settings
from rolecall.message import FileBody, Response
from rolecall.objects.interface import BlobDamaged
from rolecall.objects.local import LocalObjects
from rolecall.store.sqlite import SqliteStore

HOST = "127.0.0.1:4500"
LOG_PAGES = 60
"""A short log, so that there are many checkpoints."""

_numbers = itertools.count()


class InProcess:
    """A worker on a data folder, and the root user's key."""

    def __init__(self, worker: house.Worker, root: Key) -> None:
        self.worker = worker
        self.root = root

    async def ask(self, asked: Asked, now: datetime | None = None) -> Answer:
        """Have a request answered, as edge would hand it on."""
        sent = asked.signed(self.root, HOST, now)
        response = await self.worker.gateway.answer(sent.request())
        try:
            return Answer(response.status, dict(response.headers), await _body(response))
        except BlobDamaged:  # the connection is cut: the client sees that the answer is not whole
            return Answer(503, {}, b"")


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Let everything that is opened meanwhile go through the watcher, with short logs."""
    name = f"watched-{next(_numbers)}"
    vfs = WatchedVFS(name, watcher)
    files = WatchedFiles(watcher)
    store = _upon(SqliteStore, vfs=name, files=files, log_pages=LOG_PAGES)
    with (
        mock.patch.object(house, "SqliteStore", store),
        mock.patch.object(founding, "SqliteStore", store),
        mock.patch.object(house, "LocalObjects", _upon(LocalObjects, files=files)),
    ):
        yield
    # What was opened goes on through it, so it must not be collected before the process ends.
    _kept.append(vfs)


_kept: list[WatchedVFS] = []


def _upon(engine: Callable[..., Any], **beneath: object) -> Callable[..., Any]:
    """Return what opens an engine as it is asked to, but upon this."""
    return lambda *arguments, **options: engine(*arguments, **{**options, **beneath})


def begin(data: Path) -> None:
    """Do what a first start does."""
    folder = DataFolder(data)
    folder.create()
    founding.found(folder, _settings(data))


def open_house(data: Path, *, root: Key | None = None) -> InProcess:
    """Open a worker on the folder, as a server that starts. Raises StoreError, ObjectsError where it would not."""
    return InProcess(house.Worker(_settings(data)), root or root_of(data))


def root_of(data: Path) -> Key:
    key = read_credentials(data / ROOT_CREDENTIALS, "root")
    return Key(key.access_key_id, key.secret_access_key)


async def live(work: Work, ledger: Ledger, ask: Callable[[Asked], Awaitable[Answer]], changes: int) -> None:
    """Let a work make so many changes, all of which must succeed."""
    change = next(work)
    for _ in range(changes):
        ledger.begin(change)
        answer = await ask(change.asked)
        ledger.end(change, answer)
        change = work.send(answer)


def _settings(data: Path) -> Settings:
    return Settings(data=data, account=ACCOUNT)


async def _body(response: Response) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    if isinstance(response.body, FileBody):
        return Path(response.body.path).read_bytes()  # noqa: ASYNC240 - nobody else waits here
    return b"".join([piece async for piece in response.body])
