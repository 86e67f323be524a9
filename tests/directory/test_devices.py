from __future__ import annotations

from datetime import timedelta

import pytest
from tests.directory.conftest import ACCOUNT, NOW

from rolecall.directory.devices import (
    FAR,
    STEP,
    Device,
    bring_into_step,
    code_at,
    create_device,
    delete_device,
    device,
    devices_of,
    disable,
    enable,
    take_code,
)
from rolecall.store.sqlite import SqliteStore

NEW = Device(account=ACCOUNT, name="team/phone", created=NOW)
NOW_STEP = int(NOW.timestamp()) // STEP


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(second: int, code: str) -> None:
    """RFC 6238, appendix B, the last six digits."""
    assert code_at(b"12345678901234567890", second // STEP) == code


class Phone:
    """The other half: an authenticator whose clock may be off."""

    def __init__(self, store: SqliteStore, drift: int = 0) -> None:
        self.store = store
        self.drift = drift
        self.seed = store.write_now(lambda transaction: create_device(transaction, NEW))

    def code(self, step: int = 0) -> str:
        return code_at(self.seed, NOW_STEP + self.drift + step)

    def enabled(self, first: int = -1) -> bool:
        codes = (self.code(first), self.code(first + 1))
        return self.store.write_now(lambda transaction: enable(transaction, self.kept(), "AIDAX", codes, NOW))

    def kept(self) -> Device:
        with self.store.view() as view:
            found = device(view, NEW.arn)
        assert found is not None
        return found

    def takes(self, code: str, seconds: int = 0) -> bool:
        moment = NOW + timedelta(seconds=seconds)
        return self.store.write_now(lambda transaction: take_code(transaction, self.kept(), code, moment))


def test_a_device_is_enabled_by_two_codes_in_a_row(directory: SqliteStore) -> None:
    phone = Phone(directory)
    assert phone.enabled()
    with directory.view() as view:
        assert [one.arn for one in devices_of(view, ACCOUNT, "AIDAX")] == [f"arn:aws:iam::{ACCOUNT}:mfa/team/phone"]


def test_codes_that_are_not_in_a_row_enable_nothing(directory: SqliteStore) -> None:
    phone = Phone(directory)
    for codes in (("000000", phone.code()), (phone.code(), phone.code()), (phone.code(), phone.code(-1)), ("", "")):
        assert not directory.write_now(
            lambda transaction, codes=codes: enable(transaction, phone.kept(), "AIDAX", codes, NOW)
        )


def test_a_code_is_taken_once_and_none_before_it(directory: SqliteStore) -> None:
    phone = Phone(directory)
    assert phone.enabled()
    assert not phone.takes(phone.code(0)), "already shown when the device was enabled"
    assert phone.takes(phone.code(1), STEP)
    assert not phone.takes(phone.code(1), STEP)
    assert not phone.takes(phone.code(0), STEP)
    assert phone.takes(phone.code(2), STEP)


def test_a_code_of_another_time_is_not_taken(directory: SqliteStore) -> None:
    phone = Phone(directory)
    assert phone.enabled()
    for step in (5, 100, -5):
        assert not phone.takes(phone.code(step))
    assert not phone.takes("")
    assert not phone.takes("1234567")


def test_a_clock_that_is_off_is_learnt(directory: SqliteStore) -> None:
    phone = Phone(directory, drift=7)
    assert phone.enabled()
    assert phone.takes(phone.code(1), STEP)
    phone.drift = 30
    assert not phone.takes(phone.code(2), STEP * 2)
    codes = (phone.code(2), phone.code(3))
    later = NOW + timedelta(seconds=STEP * 3)
    assert directory.write_now(lambda transaction: bring_into_step(transaction, phone.kept(), codes, later))
    assert phone.takes(phone.code(4), STEP * 4)


def test_a_clock_that_is_off_by_too_much_is_not(directory: SqliteStore) -> None:
    assert not Phone(directory, drift=FAR + 2).enabled()


def test_a_device_that_nobody_holds_proves_nothing(directory: SqliteStore) -> None:
    phone = Phone(directory)
    assert not phone.takes(phone.code())
    assert phone.enabled()
    directory.write_now(lambda transaction: disable(transaction, phone.kept()))
    assert not phone.takes(phone.code(1), STEP)
    with directory.view() as view:
        assert devices_of(view, ACCOUNT, "AIDAX") == []


def test_a_deleted_device_leaves_no_seed(directory: SqliteStore) -> None:
    phone = Phone(directory)
    directory.write_now(lambda transaction: delete_device(transaction, phone.kept()))
    with directory.view() as view:
        assert device(view, NEW.arn) is None
    assert all(b"mfa" not in entry.key or b"count" in entry.key for entry in directory.long_scan(b""))


def test_taking_a_code_leaves_the_watermark(directory: SqliteStore) -> None:
    phone = Phone(directory)
    assert phone.enabled()
    with directory.view() as view:
        before = view.watermark()
    assert phone.takes(phone.code(1), STEP)
    with directory.view() as view:
        assert view.watermark() == before
