"""Full, read-only and failing disks under the whole server: writes are refused with 503 and a reason, reads go on,
nothing half-written is seen, and work goes on when the disk does, without a restart.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from tests.reliability import mix
from tests.reliability.asking import Answer, Asked, assume, complete, content, iam, policy, s3
from tests.reliability.in_process import InProcess, begin, open_house, watched
from tests.reliability.ledger import GONE
from tests.store.test_faults import Faults, sqlite_fault, system_fault

from rolecall.trail import Question

# SQLite meets some faults where it can tell nobody, and apsw then says so on the side.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Fault = Callable[[], Exception]
STORE, BLOBS, TRAIL = "rolecall.db-wal", "objects", "trail.db-wal"
FAULTS = {
    "ENOSPC": (sqlite_fault(apsw.SQLITE_FULL), system_fault(errno.ENOSPC), "the disk is full"),
    "EROFS": (sqlite_fault(apsw.SQLITE_READONLY), system_fault(errno.EROFS), "read-only"),
    "EIO": (sqlite_fault(apsw.SQLITE_IOERR_WRITE), system_fault(errno.EIO), "input/output error"),
}


class FolderFaults(Faults):
    """Also fails for whatever lies in a folder."""

    def before(self, operation: str, path: str) -> None:
        super().before(operation, path)
        for (failing, folder), fault in self._faults.items():
            if failing == operation and f"/{folder}/" in path:
                raise fault()


class Gateway:
    """The whole server in this process, on a disk that can be made to fail."""

    def __init__(self, data: Path, disk: FolderFaults | None = None) -> None:
        self.disk = disk or FolderFaults()
        self.loop = asyncio.new_event_loop()
        with watched(self.disk):
            begin(data)
            self.one: InProcess = open_house(data)
        self.actor = mix.prepare(self.ask)
        for asked in BEFORE:
            assert self.ask(asked).is_success

    def ask(self, asked: Asked) -> Answer:
        return self.loop.run_until_complete(self.one.ask(asked))

    def value(self, *subject: str) -> str:
        return mix.ask_value(subject, {}, self.ask)

    def close(self) -> None:
        self.disk.heal()
        self.loop.run_until_complete(self.one.worker.stop())
        self.loop.close()


BEFORE = (
    s3("PUT", mix.PLAIN, "small", body=content("small", 1, mix.SMALL)),
    s3("PUT", mix.PLAIN, "large", body=content("large", 1, mix.LARGE)),
    iam("CreateUser", UserName="there"),
    iam(
        "CreateRole",
        RoleName="open",
        AssumeRolePolicyDocument=policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource=""),
    ),
)

CHANGES: dict[str, Asked] = {
    "PutObject": s3("PUT", mix.PLAIN, "small", body=content("small", 2, mix.SMALL)),
    "DeleteObject": s3("DELETE", mix.PLAIN, "small"),
    "CopyObject": s3("PUT", mix.PLAIN, "copied", **{"x-amz-copy-source": f"/{mix.PLAIN}/small"}),
    "CreateMultipartUpload": s3("POST", mix.PLAIN, "new", {"uploads": ""}),
    "CreateBucket": s3("PUT", "another-bucket"),
    "CreateUser": iam("CreateUser", UserName="new"),
    "DeleteUser": iam("DeleteUser", UserName="there"),
    "CreateAccessKey": iam("CreateAccessKey", UserName="there"),
}
LARGE_CHANGES: dict[str, Asked] = {
    "PutObject": s3("PUT", mix.PLAIN, "large", body=content("large", 2, mix.LARGE)),
    "a large PutObject": s3("PUT", mix.PLAIN, "large", body=content("large", 2, 3_000_000)),
    "CopyObject": s3("PUT", mix.PLAIN, "copied", **{"x-amz-copy-source": f"/{mix.PLAIN}/large"}),
}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = Gateway(tmp_path / "data")
    yield opened
    opened.close()


def assert_refused(answer: Answer, reason: str) -> None:
    assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
    assert reason.lower() in answer.text("Message").lower(), answer


def assert_as_before(gateway: Gateway) -> None:
    assert gateway.value("object", mix.PLAIN, "small") == "1"
    assert gateway.value("object", mix.PLAIN, "large") == "1"
    assert gateway.value("object", mix.PLAIN, "copied") == GONE
    assert sorted(mix.all_keys(mix.PLAIN, gateway.ask)) == ["large", "small"]
    assert (gateway.value("user", "there"), gateway.value("user", "new")) == ("there", GONE)
    assert gateway.ask(iam("ListAccessKeys", UserName="there")).texts("AccessKeyId") == []
    assert gateway.value("bucket", "another-bucket") == GONE
    assert gateway.ask(s3("GET", mix.PLAIN, query={"uploads": ""})).texts("UploadId") == []


def test_every_change_is_refused_with_a_reason_and_reads_go_on(gateway: Gateway) -> None:
    for by_sqlite, _, reason in FAULTS.values():
        gateway.disk.fail("write", STORE, by_sqlite)
        for asked in CHANGES.values():
            assert_refused(gateway.ask(asked), reason)
        assert_as_before(gateway)
        assert gateway.ask(assume("open", gateway.actor)).is_success  # issuing a session writes nothing
    gateway.disk.heal()
    assert {name: gateway.ask(asked).code for name, asked in CHANGES.items()} == dict.fromkeys(CHANGES, "") | {
        "CopyObject": "NoSuchKey",  # what it would copy is deleted by now
        "CreateAccessKey": "NoSuchEntity",
    }


@pytest.mark.parametrize("operation", ["open", "write", "sync", "rename", "sync_folder"])
def test_object_bytes_that_cannot_be_kept_are_refused_and_leave_nothing(
    gateway: Gateway, tmp_path: Path, operation: str
) -> None:
    blobs = set((tmp_path / "data" / "objects").glob("*/*"))
    for _, by_system, reason in FAULTS.values():
        gateway.disk.fail(operation, "incoming" if operation == "open" else BLOBS, by_system)
        for asked in LARGE_CHANGES.values():
            assert_refused(gateway.ask(asked), reason)
        assert gateway.ask(s3("PUT", mix.PLAIN, "inline", body=b"kept in the store")).is_success
        assert gateway.ask(s3("DELETE", mix.PLAIN, "inline")).is_success
        assert_as_before(gateway)
    gateway.disk.heal()
    assert set((tmp_path / "data" / "objects").glob("*/*")) == blobs
    assert {gateway.ask(asked).code for asked in LARGE_CHANGES.values()} == {""}
    assert gateway.value("object", mix.PLAIN, "large") == "2"


def test_a_part_that_cannot_be_kept_is_sent_again_and_the_upload_completed(gateway: Gateway) -> None:
    upload = gateway.ask(s3("POST", mix.PLAIN, "new", {"uploads": ""})).text("UploadId")
    body = content("new", 7, mix.LARGE)
    part = s3("PUT", mix.PLAIN, "new", {"partNumber": "1", "uploadId": upload}, body)
    gateway.disk.fail("write", BLOBS, system_fault(errno.ENOSPC))
    assert_refused(gateway.ask(part), "the disk is full")
    gateway.disk.heal()
    etag = gateway.ask(part).headers["etag"]
    gateway.disk.fail("write", STORE, sqlite_fault(apsw.SQLITE_FULL))
    assert_refused(gateway.ask(complete(mix.PLAIN, "new", upload, [etag])), "the disk is full")
    assert gateway.value("upload", mix.PLAIN, "new", upload) == "open, parts 1"
    gateway.disk.heal()
    assert gateway.ask(complete(mix.PLAIN, "new", upload, [etag])).is_success
    assert gateway.value("upload", mix.PLAIN, "new", upload) == "7"


def test_a_change_whose_sync_failed_is_told_to_be_in_doubt(gateway: Gateway) -> None:
    gateway.disk.fail("sync", STORE, system_fault(errno.EIO))
    assert_refused(gateway.ask(CHANGES["PutObject"]), "may have been made")
    gateway.disk.heal()
    assert gateway.value("object", mix.PLAIN, "small") in {"1", "2"}
    assert gateway.ask(CHANGES["CreateUser"]).is_success


def test_a_trail_that_cannot_be_written_stops_nobody_and_loses_nothing_that_it_can_hold(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Decided in docs/decisions/trail-full-disk.md: requests are answered, events wait, those too many are counted."""
    trail = gateway.one.worker.trail
    trail.flush()
    ids = []
    for kind, (by_sqlite, _, _) in FAULTS.items():
        gateway.disk.fail("write", TRAIL, by_sqlite)
        for number in range(10):
            answer = gateway.ask(iam("CreateUser", UserName=f"new-{kind}-{number}"))
            assert answer.is_success
            ids.append(answer.request_id)
    trail._queued = 30
    with caplog.at_level(logging.ERROR, "rolecall.trail"):
        assert gateway.ask(iam("GetUser", UserName="there")).is_success
    assert trail.lost == 1
    assert "lost 1 events" in caplog.text
    gateway.disk.heal()
    trail.flush()
    question = Question(mix.ACCOUNT, attribute="EventName", value="CreateUser")
    assert set(ids) <= {event.request_id for event in trail.find(question, 100)}


def test_housekeeping_waits_for_the_disk(gateway: Gateway) -> None:
    """Faults in what runs beside the requests end neither it nor them."""
    gateway.disk.fail("write", STORE, sqlite_fault(apsw.SQLITE_FULL))
    gateway.disk.fail("unlink", BLOBS, system_fault(errno.EROFS))
    with pytest.raises(Exception, match="the disk is full"):
        gateway.loop.run_until_complete(gateway.one.worker._housekeeping.once())
    gateway.disk.heal()
    gateway.loop.run_until_complete(gateway.one.worker._housekeeping.once())
    assert_as_before(gateway)


def test_housekeeping_outlives_whatever_happens_to_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Session keys are renewed by it: a task that ended with its first surprise would end the server a day later."""
    monkeypatch.setattr("rolecall.app.housekeeping.EVERY_SECONDS", 0.001)
    times: list[int] = []
    enough = asyncio.Event()

    async def failing() -> None:
        times.append(len(times))
        if len(times) == 3:
            enough.set()
        raise OSError(errno.EIO, "a folder cannot be listed")

    async def scene() -> None:
        housekeeping = gateway.one.worker._housekeeping
        monkeypatch.setattr(housekeeping, "once", failing)
        housekeeping.start()
        await asyncio.wait_for(enough.wait(), 30)
        await housekeeping.stop()

    gateway.loop.run_until_complete(scene())
