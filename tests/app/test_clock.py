"""A clock that jumps by hours, forth and back: what was promised by time holds by the time there is, and order by no clock."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.access.world import ACCOUNT, START, World, allow
from tests.sigv4.signer import Signer

from rolecall.access.uses import Uses
from rolecall.app.housekeeping import Housekeeping
from rolecall.app.removals import Removals
from rolecall.app.services import registry
from rolecall.buckets.garbage import GRACE
from rolecall.clock import Steadiness
from rolecall.config import Settings
from rolecall.directory.sessions import KEY_LIFE, ensure_session_keys, revoke, session_keys
from rolecall.directory.uses import LastUse, last_use, note_use
from rolecall.gateway import Gateway
from rolecall.message import FileBody
from rolecall.objects.local import LocalObjects
from rolecall.services.cloudtrail import Delivery
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Question, Trail

HOURS = timedelta(hours=5)


class Served:
    """A gateway under a clock that the test moves; clients have the same clock, as those on the same machine."""

    def __init__(self, folder: Path) -> None:
        keys = MasterKeys.in_memory()
        self.store = SqliteStore(folder / "store.db", master_keys=keys, sync=False)
        self.world = World(self.store)
        self.clock = self.world.clock
        self.trail_store = SqliteStore(folder / "trail.db", master_keys=keys, sync=False)
        self.trail = Trail(self.trail_store, clock=self.clock)
        self.objects = LocalObjects(folder / "objects", sync=False)
        self.uses = Uses()
        self.gateway = Gateway(
            registry(self.trail),
            self.store,
            self.objects,
            self.trail,
            self.uses,
            self.clock,
            Settings(data=folder),
            ACCOUNT,
        )
        self.housekeeping = Housekeeping(
            self.store,
            self.objects,
            self.uses,
            self.clock,
            Removals(folder / "lock"),
            Delivery(self.store, self.objects, self.trail, self.clock),
        )
        self.loop = asyncio.new_event_loop()
        self.root = Signer(self.world.root.access_key_id, "secret" * 6, START)

    def close(self) -> None:
        self.trail.close()
        self.trail_store.close()
        self.store.close()
        self.objects.close()
        self.loop.close()

    def ask(
        self, method: str, path: str, body: bytes = b"", *, who: Signer | None = None, query: str = ""
    ) -> tuple[int, str]:
        service = "s3" if path != "/" or method == "GET" else "sts"
        signer = replace(who or self.root, service=service, now=self.clock.now())
        pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
        headers = {"content-type": "application/x-www-form-urlencoded"} if service == "sts" else {}
        return self.loop.run_until_complete(self._answered(signer.send(method, path, pairs, headers, body)))

    async def _answered(self, sent: object) -> tuple[int, str]:
        answer = await self.gateway.answer(sent.request())  # type: ignore[attr-defined]
        if isinstance(answer.body, FileBody):
            return answer.status, Path(answer.body.path).read_text()  # noqa: ASYNC240
        if isinstance(answer.body, bytes):
            return answer.status, answer.body.decode()
        return answer.status, b"".join([piece async for piece in answer.body]).decode()

    def session(self, who: Signer | None = None, seconds: int = 3600) -> Signer:
        body = f"Action=GetSessionToken&Version=2011-06-15&DurationSeconds={seconds}".encode()
        status, answer = self.ask("POST", "/", body, who=who)
        assert status == 200, answer
        found = {
            name: re.search(f"<{name}>([^<]+)<", answer)[1]  # type: ignore[index]
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
        }
        return replace(
            self.root,
            access_key_id=found["AccessKeyId"],
            secret=found["SecretAccessKey"],
            token=found["SessionToken"],
        )

    def world_user(self) -> Signer:
        """Return a user who may do everything."""
        some = self.world.user(f"user-{self.clock.now():%f%S}", allow("*"))
        return replace(self.root, access_key_id=some.access_key_id)

    def works(self, who: Signer) -> bool:
        status, answer = self.ask("GET", "/", who=who)
        assert status == 200 or "<Code>ExpiredToken</Code>" in answer or "<Code>InvalidToken</Code>" in answer, answer
        return status == 200

    def tidy(self) -> None:
        self.loop.run_until_complete(self.housekeeping.once())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def test_versions_keep_the_order_they_were_made_in_whatever_the_clock_does(served: Served) -> None:
    assert served.ask("PUT", "/bucket")[0] == 200
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert served.ask("PUT", "/bucket", enabled, query="versioning=")[0] == 200
    made = []
    for number, jump in enumerate((timedelta(0), -HOURS, 2 * HOURS, -3 * HOURS, timedelta(0))):
        served.clock.advance(jump)
        assert served.ask("PUT", "/bucket/key", str(number).encode())[0] == 200
        made.append(str(number))
        assert served.ask("GET", "/bucket/key")[1] == made[-1]
    _, listed = served.ask("GET", "/bucket", query="versions=")
    ids = re.findall("<VersionId>([^<]+)<", listed)
    contents = [served.ask("GET", "/bucket/key", query=f"versionId={one}")[1] for one in ids]
    assert contents == made[::-1]
    assert served.ask("DELETE", "/bucket/key", query=f"versionId={ids[0]}")[0] == 204
    served.clock.advance(-HOURS)
    assert served.ask("GET", "/bucket/key")[1] == made[-2]
    assert served.ask("PUT", "/bucket/key", b"last")[0] == 200
    assert served.ask("GET", "/bucket/key")[1] == "last"


def test_the_upload_that_was_begun_before_the_clock_went_back_is_completed_after_it(served: Served) -> None:
    served.ask("PUT", "/bucket")
    _, begun = served.ask("POST", "/bucket/key", query="uploads=")
    upload = re.search("<UploadId>([^<]+)<", begun)[1]  # type: ignore[index]
    served.clock.advance(-HOURS)
    assert served.ask("PUT", "/bucket/key", b"part", query=f"partNumber=1&uploadId={upload}")[0] == 200
    etag = hashlib.md5(b"part").hexdigest()
    part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
    assert served.ask("POST", "/bucket/key", body, query=f"uploadId={upload}")[0] == 200
    assert served.ask("GET", "/bucket/key")[1] == "part"


def test_a_session_ends_when_the_clock_says_so_and_not_before(served: Served) -> None:
    session = served.session(served.world_user())
    served.clock.advance(timedelta(minutes=59))
    assert served.works(session)
    served.clock.advance(-timedelta(minutes=70))  # back to 11 minutes before it was issued: within the skew
    assert served.works(session)
    served.clock.advance(timedelta(minutes=71))
    assert not served.works(session)
    served.clock.advance(-timedelta(minutes=2))
    assert served.works(session)


@pytest.mark.parametrize("ahead", [HOURS, timedelta(days=3650)])
def test_a_session_that_a_clock_ahead_issued_does_not_outlive_its_hour(ahead: timedelta, served: Served) -> None:
    user = served.world_user()
    served.clock.advance(ahead)
    session = served.session(user)
    assert served.works(session)
    served.clock.advance(-ahead)
    assert not served.works(session)
    served.clock.advance(timedelta(hours=2))
    assert not served.works(session)
    assert served.works(served.session(user))


def test_sessions_outlive_a_jump_that_is_taken_back(served: Served) -> None:
    user = served.world_user()
    served.tidy()
    session = served.session(user, seconds=129600)
    served.clock.advance(timedelta(days=30))
    served.tidy()
    assert not served.works(session)
    served.clock.advance(-timedelta(days=30))
    served.tidy()
    assert served.works(session)


def test_a_revoked_session_stays_revoked_over_a_jump_that_is_taken_back(served: Served) -> None:
    user = served.world_user()
    served.tidy()
    session = served.session(user)
    until = served.clock.now() + timedelta(hours=1)
    served.store.write_now(lambda transaction: revoke(transaction, session.access_key_id.encode(), until))
    assert not served.works(session)
    for jump in (timedelta(days=60), -timedelta(days=60)):
        served.clock.advance(jump)
        served.tidy()
    assert not served.works(session)


def test_what_was_replaced_is_not_removed_early_because_the_clock_jumped(served: Served, tmp_path: Path) -> None:
    served.ask("PUT", "/bucket")
    served.tidy()
    served.ask("PUT", "/bucket/key", bytes(200_000))
    served.ask("PUT", "/bucket/key", b"new")
    blobs = list((tmp_path / "objects").glob("[0-9a-f][0-9a-f]/*"))
    assert len(blobs) == 1
    served.clock.advance(HOURS)
    served.tidy()
    assert blobs[0].exists()
    assert GRACE < HOURS


def test_the_newest_session_key_is_replaced_where_a_clock_ahead_made_it(served: Served) -> None:
    def newest() -> datetime:
        with served.store.view() as view:
            return session_keys(view).newest.made

    ahead = START + timedelta(days=400)
    served.store.write_now(lambda transaction: ensure_session_keys(transaction, ahead))
    assert newest() == ahead
    now = START + KEY_LIFE
    served.store.write_now(lambda transaction: ensure_session_keys(transaction, now))
    assert newest() == now


def test_a_last_use_dated_by_a_clock_ahead_gives_way_to_the_next_one(served: Served) -> None:
    key = served.root.access_key_id

    def used(when: datetime) -> datetime | None:
        use = LastUse(date=when, service="s3", region="us-east-1")
        served.store.write_now(lambda transaction: note_use(transaction, key, use))
        with served.store.view() as view:
            found = last_use(view, key)
        return found.date if found else None

    assert used(START + HOURS) == START + HOURS
    assert used(START) == START
    assert used(START - timedelta(minutes=1)) == START  # another worker, a little late


def test_the_trail_outlives_a_jump_that_is_taken_back_and_tells_it_in_order(served: Served) -> None:
    served.ask("PUT", "/bucket")
    served.trail.flush()
    served.trail._expire_sometimes()
    served.clock.advance(timedelta(days=400))
    served.trail._next_expiry = 0.0
    served.trail._expire_sometimes()
    served.clock.advance(-timedelta(days=400) - HOURS)
    served.ask("PUT", "/another")
    served.trail.flush()
    names = [event.name for event in served.trail.find(Question(ACCOUNT), 10)]
    assert names == ["CreateBucket", "CreateBucket"]
    times = [event.time for event in served.trail.find(Question(ACCOUNT), 10)]
    assert times == [START, START - HOURS]  # the newest first, by the time they were told with


def test_what_jumps_and_what_does_not() -> None:
    steadiness = Steadiness(tolerance=timedelta(minutes=5), calm=timedelta(hours=1))
    assert steadiness.jump(START, 0.0) == timedelta(0)
    assert steadiness.jump(START + timedelta(minutes=64), 3600.0) == timedelta(0)
    assert steadiness.is_steady(3600.0)
    assert steadiness.jump(START + timedelta(hours=4), 7200.0) == timedelta(hours=1, minutes=56)
    assert not steadiness.is_steady(7200.0)
    assert steadiness.jump(START + timedelta(hours=5), 10800.0) == timedelta(0)
    assert steadiness.is_steady(10800.0)
    assert steadiness.jump(START, 10860.0) < -timedelta(hours=5)
    assert not steadiness.is_steady(10860.0)
