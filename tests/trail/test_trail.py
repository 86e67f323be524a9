"""The trail: every event is kept, found by what it is about, in order, and expires; none is lost in silence."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolecall.clock import FixedClock
from rolecall.store.interface import StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import ATTRIBUTES, Event, Question, Resource, Trail, segments

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OURS = "111122223333"


@dataclass(frozen=True)
class Noted:
    """An event to be, whose facts follow from its number."""

    number: int
    changes: tuple[tuple[str, Any], ...] = ()

    def event(self, completed: datetime) -> Event:
        facts: dict[str, Any] = {
            "time": completed,
            "event_id": f"{self.number:08x}-0000-4000-8000-000000000000",
            "request_id": f"request-{self.number}",
            "account": OURS,
            "source": "iam.amazonaws.com" if self.number % 2 else "sts.amazonaws.com",
            "name": f"Operation{self.number % 5}",
            "read_only": self.number % 3 == 0,
            "username": f"user-{self.number % 7}",
            "access_key_id": f"AKIA{self.number}",
            "resources": (Resource("AWS::IAM::Role", f"role-{self.number % 11}"),),
            "record": "{}",
        }
        return Event(**(facts | dict(self.changes)))


class Broken:
    def event(self, completed: datetime) -> Event:
        raise RuntimeError("cannot be built")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def trail(store: SqliteStore, clock: FixedClock) -> Trail:
    return Trail(store, clock=clock)


def fill(trail: Trail, clock: FixedClock, count: int, step: timedelta = timedelta(milliseconds=10)) -> list[Event]:
    made = []
    for number in range(count):
        made.append(Noted(number).event(clock.now()))
        trail.record(Noted(number))
        clock.advance(step)
    trail.flush()
    return made


def newest_first(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.event_id), reverse=True)


def test_events_come_back_whole_and_newest_first(trail: Trail, clock: FixedClock) -> None:
    made = fill(trail, clock, 1000)
    assert trail.find(Question(OURS), 5000) == newest_first(made)


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize("attribute", sorted(ATTRIBUTES))
def test_events_are_found_by_each_attribute(trail: Trail, clock: FixedClock, attribute: str, count: int) -> None:
    made = fill(trail, clock, count)
    for value in {value for event in made[::97] + made[:3] for value in ATTRIBUTES[attribute](event)}:
        expected = [event for event in newest_first(made) if value in ATTRIBUTES[attribute](event)]
        assert trail.find(Question(OURS, attribute=attribute, value=value), 5000) == expected
    assert trail.find(Question(OURS, attribute=attribute, value="nothing has this"), 5000) == []


def test_events_of_another_account_are_not_found(trail: Trail, clock: FixedClock) -> None:
    trail.record(Noted(1, (("account", "444455556666"),)))
    trail.flush()
    assert trail.find(Question(OURS), 10) == []
    assert trail.find(Question(OURS, attribute="EventId", value="request-1"), 10) == []
    assert len(trail.find(Question("444455556666"), 10)) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(since=st.none() | st.integers(0, 900), until=st.none() | st.integers(0, 900), limit=st.integers(0, 400))
def test_a_span_of_time_has_all_its_events_and_no_others(
    filled: tuple[Trail, list[Event]], since: int | None, until: int | None, limit: int
) -> None:
    trail, made = filled
    first = None if since is None else made[since].time
    last = None if until is None else made[until].time
    expected = [
        event
        for event in newest_first(made)
        if (first is None or event.time >= first) and (last is None or event.time <= last)
    ]
    assert trail.find(Question(OURS, since=first, until=last), limit) == expected[:limit]


@pytest.fixture
def filled(trail: Trail, clock: FixedClock) -> tuple[Trail, list[Event]]:
    return trail, fill(trail, clock, 901)


@pytest.mark.parametrize("attribute", [None, "EventSource", "AccessKeyId"])
def test_pages_join_without_gap_or_repetition(filled: tuple[Trail, list[Event]], attribute: str | None) -> None:
    trail, made = filled
    value = {"EventSource": "iam.amazonaws.com", "AccessKeyId": "AKIA400"}.get(attribute or "", "")
    question = Question(OURS, attribute=attribute, value=value)
    found: list[Event] = []
    while page := trail.find(question, 50):
        found += page
        question = replace(question, before=(page[-1].time, page[-1].event_id))
    assert found == [
        event
        for event in newest_first(made)
        if question.attribute is None or Question(OURS, attribute=attribute, value=value).fits(event)
    ]


def test_events_of_the_same_moment_are_paged_by_id(trail: Trail, clock: FixedClock) -> None:
    made = fill(trail, clock, 600, step=timedelta(0))
    first = trail.find(Question(OURS), 300)
    rest = trail.find(Question(OURS, before=(first[-1].time, first[-1].event_id)), 5000)
    assert first + rest == newest_first(made)


def test_two_processes_write_into_one_order(tmp_path: Path, clock: FixedClock) -> None:
    keys = MasterKeys.in_memory()
    stores = [SqliteStore(tmp_path / "trail.db", master_keys=keys, sync=False) for _ in range(2)]
    trails = [Trail(store, clock=clock) for store in stores]
    made = []
    for number in range(500):
        made.append(Noted(number).event(clock.now()))
        trails[number % 2].record(Noted(number))
        clock.advance(timedelta(milliseconds=7))
    for trail in trails:
        trail.flush()
    assert trails[0].find(Question(OURS), 5000) == newest_first(made)
    for store in stores:
        store.close()


def test_an_event_is_kept_within_a_fifth_of_a_second_without_being_asked(store: SqliteStore) -> None:
    trail = Trail(store)
    trail.record(Noted(1))
    wait_until(lambda: bool(trail.find(Question(OURS), 1)), 0.5)
    trail.close()


def test_closing_keeps_what_waits(store: SqliteStore) -> None:
    trail = Trail(store)
    for number in range(1000):
        trail.record(Noted(number))
    trail.close()
    assert len(trail.find(Question(OURS), 5000)) == 1000


def test_events_from_many_threads_are_all_kept(store: SqliteStore) -> None:
    trail = Trail(store)

    def work(begin: int) -> None:
        for number in range(begin, begin + 500):
            trail.record(Noted(number))
            if number % 100 == 0:
                time.sleep(0.02)

    threads = [threading.Thread(target=work, args=(begin,)) for begin in range(0, 2000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail.close()
    found = Counter(event.request_id for event in trail.find(Question(OURS), 5000))
    assert found == Counter(f"request-{number}" for number in range(2000))


def test_beyond_the_bound_events_are_lost_but_counted_and_said(
    store: SqliteStore, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    trail = Trail(store, clock=clock, queued=10)
    with caplog.at_level(logging.ERROR):
        for number in range(15):
            trail.record(Noted(number))
    trail.flush()
    kept = trail.find(Question(OURS), 100)
    assert len(kept) + trail.lost == 15
    assert trail.lost > 0
    assert "lost" in caplog.text


def test_an_event_that_cannot_be_made_takes_no_other_with_it(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    trail.record(Noted(1))
    trail.record(Broken())
    trail.record(Noted(2))
    trail.flush()
    assert {event.request_id for event in trail.find(Question(OURS), 10)} == {"request-1", "request-2"}
    assert trail.lost == 1
    assert "could not be made" in caplog.text


def test_an_event_is_made_before_its_answer_leaves(trail: Trail) -> None:
    """What happened may be changed or forgotten afterwards; the event holds on to nothing of it."""
    makers: set[str] = set()

    class Watched(Noted):
        def event(self, completed: datetime) -> Event:
            makers.add(threading.current_thread().name)
            return super().event(completed)

    trail.record(Watched(1))
    assert makers == {threading.current_thread().name}


class _Unwilling:
    """A store that refuses to write until it is told to."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.willing = False
        self.view = store.view

    def write_now(self, work: Callable[[Any], Any]) -> Any:
        if not self.willing:
            raise StoreUnavailable("the disk is full")
        return self._store.write_now(work)


def test_what_could_not_be_written_is_written_later(store: SqliteStore, clock: FixedClock) -> None:
    unwilling = _Unwilling(store)
    trail = Trail(unwilling, clock=clock)  # type: ignore[arg-type]
    trail.record(Noted(1))
    with pytest.raises(StoreUnavailable):
        trail.flush()
    unwilling.willing = True
    trail.flush()
    assert [event.request_id for event in trail.find(Question(OURS), 10)] == ["request-1"]


def test_old_events_expire_with_every_trace_of_them(store: SqliteStore, clock: FixedClock) -> None:
    trail = Trail(store, clock=clock, kept=timedelta(days=1))
    old = fill(trail, clock, 600)
    clock.advance(timedelta(days=1, seconds=-3))
    new = fill(trail, clock, 5)
    clock.advance(timedelta(seconds=1))
    assert trail.expire() > 0
    left = trail.find(Question(OURS), 5000)
    assert {event.time for event in left} >= {event.time for event in new}
    assert len(left) < len(old)
    clock.advance(timedelta(days=2))
    trail.expire()
    with store.view() as view:
        assert view.scan(b"") == []


def test_a_segment_is_bounded_in_number_and_in_time(store: SqliteStore, clock: FixedClock) -> None:
    trail = Trail(store, clock=clock)
    fill(trail, clock, 20, step=timedelta(seconds=1))
    with store.view() as view:
        kept = [segments.events_in(entry.value) for entry in view.scan(segments._SEGMENTS)]
    assert all(events[-1].time - events[0].time <= segments.SPAN for events in kept)
    assert sum(map(len, kept)) == 20


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "too late"
        time.sleep(0.01)


def test_an_event_that_cannot_be_written_takes_no_other_with_it(trail: Trail) -> None:
    """A thread that died of it would have left all later ones unwritten, without a word."""
    for number in range(20):
        trail.record(Noted(number, (("username", "\ud800"),) if number == 7 else ()))
    deadline = time.monotonic() + 30
    while len(found := trail.find(Question(OURS), 100)) < 19 and time.monotonic() < deadline:
        time.sleep(0.01)
    trail.record(Noted(20))
    trail.close()
    assert sorted(event.request_id for event in found) == sorted(
        f"request-{number}" for number in range(20) if number != 7
    )
    assert len(trail.find(Question(OURS), 100)) == 20
    assert trail.lost == 1
