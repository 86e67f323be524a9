from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow
from tests.services.iam.refused import refused

from rolecall.directory.devices import STEP, code_at

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/team/phone"


class Phone:
    def __init__(self, iam: Any) -> None:
        made = iam.create_virtual_mfa_device(Path="/team/", VirtualMFADeviceName="phone")["VirtualMFADevice"]
        assert made["SerialNumber"] == SERIAL
        assert made["QRCodePNG"].startswith(b"\x89PNG")
        self.seed = base64.b32decode(made["Base32StringSeed"])

    def codes(self, ahead: int = 0) -> dict[str, str]:
        step = int(time.time()) // STEP + ahead
        return {"AuthenticationCode1": code_at(self.seed, step - 1), "AuthenticationCode2": code_at(self.seed, step)}


@pytest.fixture
def phone(iam: Any) -> Phone:
    iam.create_user(UserName="a", Tags=[{"Key": "k", "Value": "v"}])
    return Phone(iam)


def test_a_device_goes_to_a_user_and_comes_back(iam: Any, phone: Phone) -> None:
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == [
        {"SerialNumber": SERIAL}
    ]
    iam.enable_mfa_device(UserName="a", SerialNumber=SERIAL, **phone.codes())
    (held,) = iam.list_mfa_devices(UserName="a")["MFADevices"]
    assert (held["UserName"], held["SerialNumber"]) == ("a", SERIAL)
    assert iam.get_mfa_device(UserName="a", SerialNumber=SERIAL)["EnableDate"] == held["EnableDate"]
    (listed,) = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert (listed["User"]["UserName"], listed["EnableDate"]) == ("a", held["EnableDate"])
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["MFADevices"], summary["MFADevicesInUse"]) == (1, 1)
    said = refused(iam.delete_virtual_mfa_device, SerialNumber=SERIAL)
    assert said == ("DeleteConflict", 409, "MFA VirtualDevice in use. Must deactivate first.")
    assert refused(iam.delete_user, UserName="a")[0] == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="a", SerialNumber=SERIAL)
    assert iam.list_mfa_devices(UserName="a")["MFADevices"] == []
    iam.delete_virtual_mfa_device(SerialNumber=SERIAL)
    text = f"VirtualMFADevice with serial number {SERIAL} doesn't exist."
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=SERIAL) == ("NoSuchEntity", 404, text)


def test_wrong_codes_enable_nothing(iam: Any, phone: Phone) -> None:
    wrong = ("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
    codes = phone.codes()
    swapped = {"AuthenticationCode1": codes["AuthenticationCode2"], "AuthenticationCode2": codes["AuthenticationCode1"]}
    assert refused(iam.enable_mfa_device, UserName="a", SerialNumber=SERIAL, **swapped) == wrong
    assert iam.list_mfa_devices(UserName="a")["MFADevices"] == []
    iam.enable_mfa_device(UserName="a", SerialNumber=SERIAL, **codes)
    assert refused(iam.resync_mfa_device, UserName="a", SerialNumber=SERIAL, **swapped) == wrong
    iam.resync_mfa_device(UserName="a", SerialNumber=SERIAL, **phone.codes(5))


def test_a_device_is_held_by_one(iam: Any, phone: Phone) -> None:
    iam.create_user(UserName="b")
    iam.enable_mfa_device(UserName="a", SerialNumber=SERIAL, **phone.codes())
    said = refused(iam.enable_mfa_device, UserName="b", SerialNumber=SERIAL, **phone.codes(2))
    assert said[0] == "EntityAlreadyExists"
    assert refused(iam.deactivate_mfa_device, UserName="b", SerialNumber=SERIAL)[0] == "NoSuchEntity"
    assert len(iam.list_mfa_devices(UserName="a")["MFADevices"]) == 1


def test_nobody_deactivates_a_device_through_a_right_on_somebody_else(account: ServedAccount, iam: Any) -> None:
    """CVE-2024-24747: changed by naming something one has the right on."""
    who = account.client(
        who=account.user("mine", allow("iam:DeactivateMFADevice", f"arn:aws:iam::{ACCOUNT}:user/mine"))
    )
    iam.create_user(UserName="a")
    phone = Phone(iam)
    iam.enable_mfa_device(UserName="a", SerialNumber=SERIAL, **phone.codes())
    assert refused(who.deactivate_mfa_device, UserName="a", SerialNumber=SERIAL)[0] == "AccessDenied"
    assert refused(who.deactivate_mfa_device, UserName="mine", SerialNumber=SERIAL)[0] == "NoSuchEntity"
    assert refused(who.deactivate_mfa_device, SerialNumber=SERIAL)[0] == "NoSuchEntity"


def test_a_name_is_taken_below_its_path(iam: Any, phone: Phone) -> None:
    said = refused(iam.create_virtual_mfa_device, Path="/team/", VirtualMFADeviceName="phone")
    assert said == ("EntityAlreadyExists", 409, "MFADevice entity at the same path and name already exists.")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    assert len(iam.list_virtual_mfa_devices()["VirtualMFADevices"]) == 2


def test_a_name_too_long_for_a_serial_number_is_refused_and_no_failure(iam: Any) -> None:
    assert len(f"arn:aws:iam::{ACCOUNT}:mfa/{'n' * 226}") == 256
    iam.create_virtual_mfa_device(VirtualMFADeviceName="n" * 226)
    for size in (227, 20_000):
        said = refused(iam.create_virtual_mfa_device, VirtualMFADeviceName="n" * size)
        assert said[:2] == ("ValidationError", 400)
