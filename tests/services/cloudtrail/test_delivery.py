"""Delivery: what a trail wants, once, in files that are named and made as CloudTrail's, also after a crash."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access.world import ACCOUNT, START, World
from tests.services.cloudtrail.test_trails import bucket_policy

from rolecall.buckets.bucket import Bucket, change_bucket, create_bucket
from rolecall.buckets.segments import read_inline
from rolecall.buckets.versions import current, decode_version
from rolecall.objects.local import LocalObjects
from rolecall.services.cloudtrail import delivery as room
from rolecall.services.cloudtrail.delivery import Delivery
from rolecall.store.keys import pack
from rolecall.trail import Trail
from rolecall.trail.configured import (
    AdvancedSelector,
    ConfiguredTrail,
    DataResource,
    EventSelector,
    FieldSelector,
    configured_trail,
    put_trail,
)

POLICY = bucket_policy("logs").replace("123456789012", ACCOUNT)
PREFIX = f"AWSLogs/{ACCOUNT}/CloudTrail/"


class House:
    """A trail, a bucket, and workers that deliver."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.objects = LocalObjects(folder, sync=False)
        self.trail = Trail(world.store, clock=world.clock)
        self.who = world.user("alice")
        bucket = Bucket(name="logs", account=ACCOUNT, created=START, policy=POLICY)
        world.change(lambda transaction: create_bucket(transaction, bucket))
        self.number = 0

    def configure(self, **more: Any) -> ConfiguredTrail:
        now = self.world.clock.now()
        given = {"region": "eu-central-1", "logging": True, "started": now, "delivered": now, **more}
        made = ConfiguredTrail(name="audit", account=ACCOUNT, bucket="logs", **given)
        self.world.change(lambda transaction: put_trail(transaction, made))
        self.world.wait(seconds=1)
        return made

    def note(self, count: int = 1, **facts: Any) -> list[str]:
        ids = []
        for _ in range(count):
            self.number += 1
            happened = self.world.happened(self.who, self.number, **facts)
            self.trail.record(happened)
            ids.append(happened.request_id)
            self.world.wait(seconds=1)
        self.trail.flush()
        return ids

    def deliver(self, worker: Delivery | None = None) -> int:
        worker = worker or self.worker()
        return asyncio.run(worker.once())

    def worker(self) -> Delivery:
        return Delivery(self.world.store, self.objects, self.trail, self.world.clock)

    def files(self) -> dict[str, list[dict[str, Any]]]:
        with self.world.store.view() as view:
            keys = [decode_version(entry.value).key for entry in view.scan(pack("current", "logs"))]
            found = {}
            for key in keys:
                version = current(view, "logs", key)
                assert version is not None
                (segment,) = version.segments
                content = read_inline(view, segment) if segment.inline else _blob(self.objects, segment)
                found[key] = json.loads(gzip.decompress(content))["Records"]
        return found

    def delivered(self) -> list[str]:
        return sorted(record["requestID"] for records in self.files().values() for record in records)

    def state(self) -> ConfiguredTrail:
        with self.world.store.view() as view:
            found = configured_trail(view, ACCOUNT, "eu-central-1", "audit")
        assert found is not None
        return found


def _blob(objects: LocalObjects, segment: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in objects.read(segment.source, 0, segment.length)])

    return asyncio.run(read())


@pytest.fixture
def house(world: World, tmp_path: Path) -> House:
    return House(world, tmp_path / "objects")


def test_events_lie_where_cloudtrail_puts_them(house: House) -> None:
    house.configure()
    wanted = house.note(3)
    house.world.wait(seconds=20)
    assert house.deliver() == 1
    ((key, records),) = house.files().items()
    end = house.state().delivered
    assert end is not None
    folder, _, name = key.rpartition("/")
    assert folder == f"{PREFIX}us-east-1/{end:%Y/%m/%d}"
    assert name.startswith(f"{ACCOUNT}_CloudTrail_us-east-1_{end:%Y%m%dT%H%MZ}_")
    assert name.endswith(".json.gz")
    assert [record["requestID"] for record in records] == wanted
    assert {"eventVersion", "userIdentity", "eventTime", "eventSource", "awsRegion", "eventID"} <= records[0].keys()
    with house.world.store.view() as view:
        version = current(view, "logs", key)
    assert version is not None
    assert version.headers == {"content_type": "application/json", "content_encoding": "gzip"}


def test_nothing_is_delivered_twice_and_nothing_is_left_out(house: House) -> None:
    house.configure()
    ids = house.note(4)
    house.world.wait(seconds=20)
    house.deliver()
    assert house.deliver() == 0
    ids += house.note(3)
    assert house.deliver() == 0, "events are delivered only once every worker has written down its own"
    house.world.wait(seconds=20)
    house.deliver()
    assert house.delivered() == ids


def test_two_workers_deliver_an_event_once(house: House) -> None:
    house.configure()
    ids = house.note(5)
    house.world.wait(seconds=20)

    async def both() -> list[int]:
        return list(await asyncio.gather(house.worker().once(), house.worker().once()))

    assert sorted(asyncio.run(both())) == [0, 1]
    assert house.delivered() == ids


@pytest.mark.parametrize("step", ["_sized", "_write", "_finish"])
def test_who_takes_over_after_a_crash_delivers_the_same_files(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    house.configure()
    ids = house.note(3)
    house.world.wait(seconds=20)
    dying = house.worker()

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(dying, step, die)
        with pytest.raises(RuntimeError):
            house.deliver(dying)
    before = house.files()
    ids_after = house.note(2)
    assert house.deliver() == 0, "the span is claimed until its time is over"
    house.world.wait(minutes=6)
    house.deliver()
    assert house.delivered() == ids, "the same span, whatever has happened since"
    assert before.keys() <= house.files().keys()
    house.deliver()
    assert house.delivered() == ids + ids_after


def test_a_crowded_span_is_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 4)
    monkeypatch.setattr(room, "_PAGE", 2)
    house.configure()
    ids = house.note(11)
    house.world.wait(seconds=20)
    while house.deliver():
        pass
    for _ in range(8):
        house.deliver()
    assert sorted(house.delivered()) == sorted(ids)
    assert all(len(records) <= 4 for records in house.files().values())


def test_large_files_are_blobs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_INLINE", 10)
    house.configure()
    ids = house.note(3)
    house.world.wait(seconds=20)
    house.deliver()
    assert house.delivered() == ids
    assert len(list(house.objects.ids())) == 1


def test_after_stopping_only_what_was_before_is_delivered(house: House) -> None:
    house.configure()
    ids = house.note(2)
    stopped = msgspec.structs.replace(house.state(), logging=False, stopped=house.world.clock.now())
    house.world.change(lambda transaction: put_trail(transaction, stopped))
    house.world.wait(seconds=1)
    house.note(2)
    house.world.wait(seconds=60)
    house.deliver()
    house.deliver()
    assert house.delivered() == ids


def test_a_bucket_that_shuts_cloudtrail_out_gets_its_events_when_it_opens(house: House) -> None:
    house.configure()
    ids = house.note(2)
    shut = Bucket(name="logs", account=ACCOUNT, created=START)
    house.world.change(lambda transaction: change_bucket(transaction, shut))
    house.world.wait(seconds=20)
    assert house.deliver() == 0
    assert (house.state().last_error, house.delivered()) == ("AccessDenied", [])
    house.world.change(lambda transaction: change_bucket(transaction, msgspec.structs.replace(shut, policy=POLICY)))
    house.deliver()
    assert (house.state().last_error, house.delivered()) == ("", ids)


WANTED: dict[str, tuple[dict[str, Any], Callable[[list[str]], list[str]]]] = {
    "management events of its region, and global ones": ({}, lambda ids: ids[:3]),
    "no global events": ({"global_events": False}, lambda ids: ids[2:3]),
    "all regions": ({"multi_region": True}, lambda ids: ids[:4]),
    "writes": ({"selectors": (EventSelector(read_write_type="WriteOnly"),)}, lambda ids: ids[1:2]),
    "reads": ({"selectors": (EventSelector(read_write_type="ReadOnly"),)}, lambda ids: [ids[0], ids[2]]),
    "one source": (
        {
            "advanced": (
                AdvancedSelector(
                    field_selectors=(
                        FieldSelector(field="eventCategory", equals=("Management",)),
                        FieldSelector(field="eventSource", not_equals=("iam.amazonaws.com",)),
                    )
                ),
            )
        },
        lambda ids: ids[2:3],
    ),
    "no data of another bucket": (
        {
            "selectors": (
                EventSelector(
                    include_management_events=False,
                    data_resources=(DataResource(type="AWS::S3::Object", values=("arn:aws:s3:::other/",)),),
                ),
            )
        },
        lambda _: [],
    ),
}


@pytest.mark.parametrize("claim", WANTED)
def test_a_trail_gets_what_it_wants(house: House, claim: str) -> None:
    more, chosen = WANTED[claim]
    house.configure(**more)
    ids = house.note() + house.note(operation="CreateUser")
    ids += house.note(service="cloudtrail", operation="LookupEvents")
    house.world.wait(seconds=20)
    house.deliver()
    assert sorted(house.delivered()) == sorted(chosen([*ids]))
