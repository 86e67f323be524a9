"""Token buckets: who sends too much is told so in AWS's words, and nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rolecall.access.caller import Caller
from rolecall.access.limits import BURST_SECONDS, NUMBERS, Buckets, Limits, Rates, slow_down
from rolecall.message import Request, ServiceError
from rolecall.policy.request import ANONYMOUS, Principal, PrincipalKind

ACCOUNT = "123456789012"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class NoBody:
    """No body."""

    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


def _request(client: str = "192.0.2.1", *headers: tuple[str, str], query: bytes = b"") -> Request:
    return Request("GET", b"/", query, headers, NoBody(), client=client)


def _caller(key: str, unique_id: str, owner_id: str = "") -> Caller:
    kind = PrincipalKind.ROLE_SESSION if owner_id else PrincipalKind.USER
    principal = Principal(kind, arn="arn", account=ACCOUNT, unique_id=unique_id, owner_id=owner_id)
    return Caller(principal, ACCOUNT, key)


ALICE, BOB = _caller("AKIAALICE", "AIDAALICE"), _caller("AKIABOB", "AIDABOB")
NOBODY = Caller(ANONYMOUS, "")


def _limits(clock: Clock, rates: Rates, numbers: memoryview[float] | None = None) -> Limits:
    return Limits(rates, Buckets(numbers, clock))


def _passed(limits: Limits, caller: Caller, times: int, request: Request | None = None) -> int:
    """Return how many of so many requests pass."""
    refusals = []
    for _ in range(times):
        try:
            limits.admit("sts", caller, request or _request())
        except ServiceError as error:
            refusals.append(error.code)
    assert set(refusals) <= {"Throttling"}
    return times - len(refusals)


def test_a_burst_passes_and_then_as_many_as_the_rate_says() -> None:
    clock = Clock()
    limits = _limits(clock, Rates(principal=10))
    assert _passed(limits, ALICE, 100) == 10 * BURST_SECONDS
    clock.now += 1
    assert _passed(limits, ALICE, 100) == 10
    clock.now += 0.1
    assert _passed(limits, ALICE, 100) == 1
    clock.now += 3600
    assert _passed(limits, ALICE, 100) == 10 * BURST_SECONDS


def test_a_slow_rate_still_lets_one_pass() -> None:
    clock = Clock()
    limits = _limits(clock, Rates(principal=0.1))
    assert _passed(limits, ALICE, 5) == 1
    clock.now += 10
    assert _passed(limits, ALICE, 5) == 1


def test_one_senders_flood_takes_nothing_from_another() -> None:
    limits = _limits(Clock(), Rates(principal=10))
    _passed(limits, ALICE, 1000)
    assert _passed(limits, BOB, 10) == 10


def test_all_sessions_of_a_role_and_all_keys_of_a_user_are_one_sender() -> None:
    limits = _limits(Clock(), Rates(principal=10))
    sessions = [_caller(f"ASIA{number}", f"AROA1:s{number}", "AROA1") for number in range(40)]
    assert sum(_passed(limits, session, 1) for session in sessions) == 20
    other_key = _caller("AKIAALICE2", "AIDAALICE")
    assert _passed(limits, ALICE, 15) + _passed(limits, other_key, 15) == 20


def test_workers_share_what_a_sender_has_left() -> None:
    clock, numbers = Clock(), memoryview(bytearray(NUMBERS * 8)).cast("d")
    one, two = (_limits(clock, Rates(principal=10), numbers) for _ in range(2))
    assert _passed(one, ALICE, 12) + _passed(two, ALICE, 12) == 20


def test_unsigned_requests_are_limited_by_address_and_apart_from_signed_ones() -> None:
    limits = _limits(Clock(), Rates(principal=10, anonymous=5))
    assert _passed(limits, NOBODY, 50, _request("192.0.2.1")) == 10
    assert _passed(limits, NOBODY, 50, _request("192.0.2.2")) == 10
    assert _passed(limits, ALICE, 50, _request("192.0.2.1")) == 20


def test_wrong_signatures_are_answered_as_such_until_there_are_too_many() -> None:
    clock = Clock()
    limits = _limits(clock, Rates(unproved=5))
    wrong = ServiceError("SignatureDoesNotMatch", "no", 403)
    codes = [limits.unproved("s3", _request(), wrong).code for _ in range(30)]
    assert codes == ["SignatureDoesNotMatch"] * 10 + ["SlowDown"] * 20
    assert limits.unproved("s3", _request("192.0.2.9"), wrong) is wrong
    assert _passed(limits, ALICE, 30) == 30


def test_without_rates_nobody_is_limited() -> None:
    limits = Limits()
    assert _passed(limits, ALICE, 1000) == _passed(limits, NOBODY, 1000) == 1000


def test_a_hundred_thousand_senders_take_no_more_memory_and_one_of_them_is_still_limited() -> None:
    clock, numbers = Clock(), memoryview(bytearray(NUMBERS * 8)).cast("d")
    buckets = Buckets(numbers, clock)
    for number in range(100_000):
        clock.now += 1e-6
        assert buckets.take(f"sender {number}", 5)
    taken = [buckets.take("one of them", 5) for _ in range(20)]
    assert taken == [True] * 10 + [False] * 10


@pytest.mark.parametrize(
    ("service", "code", "status", "message"),
    [
        ("s3", "SlowDown", 503, "Please reduce your request rate."),
        ("sts", "Throttling", 400, "Rate exceeded"),
        ("iam", "Throttling", 400, "Rate exceeded"),
        ("cloudtrail", "ThrottlingException", 400, "Rate exceeded"),
    ],
)
def test_each_service_says_it_in_aws_words(service: str, code: str, status: int, message: str) -> None:
    refused = slow_down(service)
    assert (refused.code, refused.status, refused.message) == (code, status, message)


def test_a_turn_is_that_of_a_key_which_was_proved_from_the_same_address() -> None:
    limits = Limits()
    signed = ("authorization", "AWS4-HMAC-SHA256 Credential=AKIAALICE/20261125/us-east-1/s3/aws4_request, Signature=0")
    limits.admit("s3", _caller("AKIAALICE", "AIDAALICE"), _request("192.0.2.1", signed))
    assert limits.sender_of(_request("192.0.2.1", signed)) == "principal AIDAALICE"
    assert limits.sender_of(_request("192.0.2.6", signed)) == "192.0.2.6"
    made_up = ("authorization", "AWS4-HMAC-SHA256 Credential=AKIAMADEUP/20261125/us-east-1/s3/aws4_request")
    assert limits.sender_of(_request("192.0.2.1", made_up)) == "192.0.2.1"
    assert limits.sender_of(_request("192.0.2.1")) == "192.0.2.1"
    key = "AKIA" + "A" * 16
    limits.admit("s3", _caller(key, "AIDAURL"), _request("192.0.2.1"))
    query = b"X-Amz-Credential=" + key.encode() + b"%2F20261125%2Fus-east-1"
    assert limits.sender_of(_request("192.0.2.1", query=query)) == "principal AIDAURL by link"
