"""A disk that fails or stutters while it is read: what an answer says is so, or the answer is 503 or visibly cut short."""

from __future__ import annotations

import errno
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest
from tests.edge.served import Served, served
from tests.reliability import mix
from tests.reliability.asking import Answer, Asked, assume, complete, content, iam, mark_of, s3
from tests.reliability.in_process import HOST, open_house, watched
from tests.reliability.test_disk_faults import FolderFaults, Gateway
from tests.store.test_faults import sqlite_fault, system_fault

# SQLite meets some faults where it can tell nobody, and apsw then says so on the side.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

MIB = 1024 * 1024
OBJECTS = {"small": mix.SMALL, "held": 60_000, "large": 3 * MIB, "parts": 6 * MIB}
"""Kept in the store; a file that is held against its checksum; a file that the kernel sends; two files one after the other."""
IN_FILES = ("held", "large", "parts")


class Unread(FolderFaults):
    """A disk that has nothing of its files in memory, gives a few bytes at a time, and fails after so many reads."""

    def __init__(self) -> None:
        super().__init__()
        self.is_cold = False
        self.most = 0
        self.left: dict[str, int] = {}

    def before(self, operation: str, path: str) -> None:
        super().before(operation, path)
        if operation == "read at once" and self.is_cold:
            raise BlockingIOError
        for name, left in self.left.items():
            if operation == "read" and (f"/{name}/" in path or path.endswith(name)):
                if left == 0:
                    raise apsw.exception_for(apsw.SQLITE_IOERR_READ) if "db" in name else system_fault(errno.EIO)()
                self.left[name] -= 1

    def readable(self, path: str, size: int) -> int:
        return min(size, self.most) if self.most and "/objects/" in path else size

    def heal(self) -> None:
        super().heal()
        self.left.clear()
        self.is_cold, self.most = False, 0


class Said(NamedTuple):
    """An answer as a client sees it."""

    answer: Answer
    is_whole: bool
    """Whether the client had as many bytes as it was told, or saw the answer's end."""


class Over:
    """A gateway behind sockets."""

    def __init__(self, gateway: Gateway, disk: Unread, server: Served) -> None:
        self.gateway = gateway
        self.disk = disk
        self._port = server.port

    def ask(self, asked: Asked) -> Said:
        sent = asked.signed(self.gateway.one.root, HOST)
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection.putrequest(sent.method, f"{sent.path}?{sent.query}", skip_host=True, skip_accept_encoding=True)
        for name, value in sent.headers:
            connection.putheader(name, value)
        connection.endheaders(sent.body)
        with closing(connection), connection.getresponse() as got:
            headers = {name.lower(): value for name, value in got.getheaders()}
            try:
                return Said(Answer(got.status, headers, got.read()), True)
            except (HTTPException, ConnectionError):
                return Said(Answer(got.status, headers), False)


@pytest.fixture
def over(tmp_path: Path) -> Iterator[Over]:
    disk = Unread()
    gateway = Gateway(tmp_path / "data", disk)
    for key, size in OBJECTS.items():
        if key != "parts":
            assert gateway.ask(s3("PUT", mix.PLAIN, key, body=content(key, 1, size))).is_success
    body = content("parts", 1, OBJECTS["parts"])
    upload = gateway.ask(s3("POST", mix.PLAIN, "parts", {"uploads": ""})).text("UploadId")
    etags = [
        gateway.ask(
            s3("PUT", mix.PLAIN, "parts", {"partNumber": str(number), "uploadId": upload}, body[start:end])
        ).headers["etag"]
        for number, start, end in ((1, 0, 5 * MIB), (2, 5 * MIB, 6 * MIB))
    ]
    assert gateway.ask(complete(mix.PLAIN, "parts", upload, etags)).is_success
    with served(gateway.one.worker.gateway.answer) as server:
        yield Over(gateway, disk, server)
    gateway.close()


@contextmanager
def cold(monkeypatch: pytest.MonkeyPatch, over: Over, left: int) -> Iterator[None]:
    """Have nothing of the objects in memory, and the disk fail after so many reads; the kernel's own included."""
    over.disk.is_cold, over.disk.left["objects"] = True, left
    reads = itertools.count()

    def fails(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(reads) >= left:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments)

        return call

    def nothing_in_memory(*_: object) -> int:
        raise BlockingIOError

    with monkeypatch.context() as patch:
        patch.setattr(os, "sendfile", fails(os.sendfile))
        patch.setattr("rolecall.edge.writer.os.pread", fails(os.pread))
        patch.setattr(os, "preadv", nothing_in_memory)
        yield
    over.disk.heal()


def assert_well(over: Over) -> None:
    for key in OBJECTS:
        said = over.ask(s3("GET", mix.PLAIN, key))
        assert (said.answer.status, said.is_whole, mark_of(key, said.answer.body)) == (200, True, "1")


@pytest.mark.parametrize("key", IN_FILES)
def test_an_object_whose_first_bytes_cannot_be_read_is_answered_503(
    over: Over, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    for how in ({}, {"range": "bytes=10-50000"}):
        with cold(monkeypatch, over, 0):
            answer, is_whole = over.ask(s3("GET", mix.PLAIN, key, **how))
        assert is_whole
        assert (answer.status, answer.code) == (503, "ServiceUnavailable")
        assert "etag" not in answer.headers
        assert answer.text("RequestId") == answer.request_id != ""
        assert f"the answer to request {answer.request_id} cannot begin" in caplog.text
        assert "Input/output error" in caplog.text
    assert_well(over)


@pytest.mark.parametrize("key", ["large", "parts"])
def test_an_object_whose_bytes_fail_in_the_middle_does_not_look_whole(
    over: Over, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    for left in (1, 2, 3):
        with cold(monkeypatch, over, left):
            answer, is_whole = over.ask(s3("GET", mix.PLAIN, key))
        assert (answer.status, is_whole) == (200, False)
        assert f"the answer to request {answer.request_id} broke off" in caplog.text
    assert_well(over)


def test_an_object_that_cannot_be_read_is_not_copied(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, left in (("held", 0), ("large", 0), ("large", 3), ("parts", 21)):
        source = {"x-amz-copy-source": f"/{mix.PLAIN}/{key}"}
        upload = over.ask(s3("POST", mix.PLAIN, "copied", {"uploads": ""})).answer.text("UploadId")
        part = {"partNumber": "1", "uploadId": upload}
        for asked in (s3("PUT", mix.PLAIN, "copied", **source), s3("PUT", mix.PLAIN, "copied", part, **source)):
            with cold(monkeypatch, over, left):
                answer = over.ask(asked).answer
            assert (answer.status, answer.code) == (503, "ServiceUnavailable")
            assert "input/output error" in answer.text("Message").lower()
        assert over.ask(s3("GET", mix.PLAIN, "copied", {"uploadId": upload})).answer.texts("PartNumber") == []
    assert over.ask(s3("GET", mix.PLAIN, "copied")).answer.code == "NoSuchKey"
    assert_well(over)


def test_a_disk_that_gives_a_few_bytes_at_a_time_is_read_to_the_end(over: Over) -> None:
    for is_cold in (False, True):
        over.disk.is_cold, over.disk.most = is_cold, 4099
        assert_well(over)
        copied = over.ask(s3("PUT", mix.PLAIN, "copied", **{"x-amz-copy-source": f"/{mix.PLAIN}/held"}))
        etag = over.ask(s3("HEAD", mix.PLAIN, "held")).answer.headers["etag"]
        assert copied.answer.text("ETag").replace("&quot;", '"') == etag


ASKED: dict[str, Asked] = {
    "GetObject": s3("GET", mix.PLAIN, "small"),
    "HeadObject": s3("HEAD", mix.PLAIN, "large"),
    "ListObjectsV2": s3("GET", mix.PLAIN, query={"list-type": "2"}),
    "GetUser": iam("GetUser", UserName="there"),
    "ListRoles": iam("ListRoles"),
    "PutObject": s3("PUT", mix.PLAIN, "small", body=content("small", 1, mix.SMALL)),
    "DeleteObject": s3("DELETE", mix.PLAIN, "absent"),
    "UpdateUser": iam("UpdateUser", UserName="there", NewPath="/"),
}


@pytest.mark.parametrize("name", ["rolecall.db", "rolecall.db-wal"])
def test_a_database_that_fails_while_it_is_read_gives_503_or_the_truth(tmp_path: Path, name: str) -> None:
    """At every read, of a worker that has nothing in memory yet."""
    disk = Unread()
    gateway = Gateway(tmp_path / "data", disk)
    asked = {**ASKED, "AssumeRole": assume("open", gateway.actor)}
    told = {which: _shown(gateway.ask(one)) for which, one in asked.items()}
    outcomes: Counter[int] = Counter()
    for left in range(12):
        with watched(disk):
            cold_one = open_house(tmp_path / "data", root=gateway.one.root)
        for which, one in asked.items():
            disk.left[name] = left
            answer = gateway.loop.run_until_complete(cold_one.ask(one))
            disk.heal()
            outcomes[answer.status] += 1
            if answer.status == 503:
                assert which.startswith("Head") or answer.code in {"ServiceUnavailable", "ServiceFailure"}, answer
            else:
                assert _shown(answer) == told[which]
        assert {
            which: _shown(gateway.loop.run_until_complete(cold_one.ask(one))) for which, one in asked.items()
        } == told
        gateway.loop.run_until_complete(cold_one.worker.stop())
    gateway.close()
    assert outcomes[503] > 5
    assert outcomes.keys() <= {200, 204, 503}


def _shown(answer: Answer) -> tuple[int, str | None, bytes]:
    """Return what must be the same whenever the same is asked."""
    varies = rb"<(RequestId|Credentials|AssumedRoleUser|LastModified)>.*?</\1>"
    return answer.status, answer.headers.get("etag"), re.sub(varies, b"", answer.body, flags=re.DOTALL)


def test_a_trail_that_cannot_be_read_refuses_who_asks_for_it_and_nobody_else(over: Over) -> None:
    over.gateway.one.worker.trail.flush()
    over.disk.fail("read", "trail.db", sqlite_fault(apsw.SQLITE_IOERR_READ))
    over.disk.fail("read", "trail.db-wal", sqlite_fault(apsw.SQLITE_IOERR_READ))
    over.gateway.one.worker.trail._store._idle.clear()
    asked = Asked(
        "cloudtrail",
        "POST",
        headers={
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        },
        body=b"{}",
    )
    answer = over.ask(asked).answer
    assert (answer.status, b"ServiceUnavailable" in answer.body) == (503, True)
    assert over.ask(ASKED["GetObject"]).answer.status == 200
    over.disk.heal()
    found = over.ask(asked).answer
    assert (found.status, b"CreateUser" in found.body) == (200, True)
