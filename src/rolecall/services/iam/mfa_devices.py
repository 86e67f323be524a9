"""Virtual MFA devices."""

from __future__ import annotations

import base64
import io
from urllib.parse import quote

import msgspec
import segno

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory import devices
from rolecall.directory.devices import DEVICES, ROOT, Device, create_device, device, devices_of
from rolecall.directory.principals import User, user
from rolecall.directory.records import NameTaken, fold
from rolecall.identifiers import iam_arn, root_arn
from rolecall.message import ServiceError
from rolecall.services.iam.access import (
    Keys,
    arn_check,
    making,
    on_self,
    on_user,
    tag_keys_in_request,
    tags_in_request,
)
from rolecall.services.iam.finding import the_user, user_or_self
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfSelf, OfUser, Tag
from rolecall.services.iam.refusals import delete_conflict, exists_already, no_such_entity, quota_exceeded
from rolecall.services.iam.shown import shown_tags, whole_user
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import listed, new_tags, with_tags, without_tags
from rolecall.services.operation import Parameters, Result
from rolecall.store.interface import Snapshot, Transaction

DEVICES_PER_USER = 8


class NewDevice(Parameters, frozen=True, kw_only=True):
    """Of CreateVirtualMFADevice."""

    virtual_mfa_device_name: str
    path: str = "/"
    tags: list[Tag] | None = None


class OfDevice(Parameters, frozen=True, kw_only=True):
    """Of operations on a device, whose serial number is its ARN."""

    serial_number: str


class DeviceAndTags(OfDevice, frozen=True, kw_only=True):
    """Of TagMFADevice."""

    tags: list[Tag]


class DeviceAndTagKeys(OfDevice, frozen=True, kw_only=True):
    """Of UntagMFADevice."""

    tag_keys: list[str]


class DeviceTags(OfDevice, frozen=True, kw_only=True):
    """Of ListMFADeviceTags."""

    marker: str | None = None
    max_items: int | None = None


class UserAndCodes(OfUser, frozen=True, kw_only=True):
    """Of EnableMFADevice and ResyncMFADevice."""

    serial_number: str
    authentication_code1: str
    authentication_code2: str


class SelfAndDevice(OfSelf, frozen=True, kw_only=True):
    """Of DeactivateMFADevice and GetMFADevice."""

    serial_number: str


class DevicesOfSelf(OfSelf, frozen=True, kw_only=True):
    """Of ListMFADevices."""

    marker: str | None = None
    max_items: int | None = None


class AllDevices(Parameters, frozen=True, kw_only=True):
    """Of ListVirtualMFADevices."""

    assignment_status: str = "Any"
    marker: str | None = None
    max_items: int | None = None


def _create_check(ask: Ask[NewDevice]) -> list[Check]:
    parameters = ask.parameters
    arn = iam_arn(ask.caller.account, "mfa", parameters.path, parameters.virtual_mfa_device_name)
    return making("CreateVirtualMFADevice", "TagMFADevice", arn, parameters.tags)


def _check(ask: Ask[OfDevice], action: str, keys: Keys | None = None) -> list[Check]:
    found = device(ask.view, ask.parameters.serial_number)
    return [arn_check(ask, action, ask.parameters.serial_number, found.tags if found else {}, keys or {})]


def on_device(action: str) -> Access[OfDevice]:
    """Declare an operation on a device."""
    return Access(lambda ask: _check(ask, action))


def _tag_check(ask: Ask[DeviceAndTags]) -> list[Check]:
    return _check(ask, "TagMFADevice", tags_in_request(ask.parameters.tags))


def _untag_check(ask: Ask[DeviceAndTagKeys]) -> list[Check]:
    return _check(ask, "UntagMFADevice", tag_keys_in_request(ask.parameters.tag_keys))


def _list_check(ask: Ask[Parameters]) -> list[Check]:
    return [Check("iam:ListVirtualMFADevices", f"arn:aws:iam::{ask.caller.account}:mfa/")]


CREATE: Access[NewDevice] = Access(_create_check)
TAG: Access[DeviceAndTags] = Access(_tag_check)
UNTAG: Access[DeviceAndTagKeys] = Access(_untag_check)
LIST: Access[Parameters] = Access(_list_check)


def _the_device(view: Snapshot, account: str, serial_number: str) -> Device:
    found = device(view, serial_number)
    if found is None or found.account != account:
        raise no_such_entity(f"VirtualMFADevice with serial number {serial_number} doesn't exist.")
    return found


def _held(view: Snapshot, allowed: Allowed, name: str | None, serial_number: str) -> tuple[Device, User | None]:
    """Return a device with the user that holds it, who must be the one that the right was asked for."""
    holder = user_or_self(view, allowed.caller, name)
    found = _the_device(view, allowed.caller.account, serial_number)
    if found.holder != (holder.user_id if holder else ROOT):
        raise no_such_entity(f"MFA device with serial number {serial_number} is not enabled for this user.")
    return found, holder


def _wrong_code() -> ServiceError:
    return ServiceError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


@operations.write("CreateVirtualMFADevice", NewDevice, CREATE)
def create_virtual_mfa_device(allowed: Allowed, parameters: NewDevice, transaction: Transaction) -> Result:
    """Make a device that nobody holds yet. Its seed is told here and never again, also as a picture to scan."""
    account = allowed.caller.account
    new = Device(
        account=account,
        name=f"{parameters.path}{parameters.virtual_mfa_device_name}".lstrip("/"),
        created=allowed.now.replace(microsecond=0),
        tags=new_tags(parameters.tags, fold_keys=False),
    )
    try:
        seed = base64.b32encode(create_device(transaction, new))
    except NameTaken:
        raise exists_already("MFADevice entity at the same path and name already exists.") from None
    return {
        "virtual_mfa_device": {
            "serial_number": new.arn,
            "base32_string_seed": seed,
            "qr_code_png": _picture(new, seed.decode()),
            "tags": shown_tags(new.tags) or None,
        }
    }


def _picture(new: Device, seed: str) -> bytes:
    label = quote(f"Amazon Web Services:{new.name.rpartition('/')[2]}@{new.account}")
    code = segno.make(f"otpauth://totp/{label}?secret={seed}&issuer=Amazon%20Web%20Services", error="m")
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=4)
    return picture.getvalue()


@operations.write("EnableMFADevice", UserAndCodes, on_user("EnableMFADevice"))
def enable_mfa_device(allowed: Allowed, parameters: UserAndCodes, transaction: Transaction) -> Result:
    """Give a device to a user, if it shows two codes in a row."""
    account = allowed.caller.account
    holder = the_user(transaction, account, parameters.user_name)
    found = _the_device(transaction, account, parameters.serial_number)
    if found.holder is not None:
        raise exists_already("MFA Device is already in use.")
    if len(devices_of(transaction, account, holder.user_id)) >= DEVICES_PER_USER:
        raise quota_exceeded("MFADevicesPerUser", DEVICES_PER_USER)
    codes = (parameters.authentication_code1, parameters.authentication_code2)
    if not devices.enable(transaction, found, holder.user_id, codes, allowed.now):
        raise _wrong_code()
    return {}


@operations.write("ResyncMFADevice", UserAndCodes, on_user("ResyncMFADevice"))
def resync_mfa_device(allowed: Allowed, parameters: UserAndCodes, transaction: Transaction) -> Result:
    """Bring a device whose clock is off into step again."""
    found, _ = _held(transaction, allowed, parameters.user_name, parameters.serial_number)
    codes = (parameters.authentication_code1, parameters.authentication_code2)
    if not devices.bring_into_step(transaction, found, codes, allowed.now):
        raise _wrong_code()
    return {}


@operations.write("DeactivateMFADevice", SelfAndDevice, on_self("DeactivateMFADevice"))
def deactivate_mfa_device(allowed: Allowed, parameters: SelfAndDevice, transaction: Transaction) -> Result:
    """Take a device from the user that holds it."""
    found, _ = _held(transaction, allowed, parameters.user_name, parameters.serial_number)
    devices.disable(transaction, found)
    return {}


@operations.write("DeleteVirtualMFADevice", OfDevice, on_device("DeleteVirtualMFADevice"))
def delete_virtual_mfa_device(allowed: Allowed, parameters: OfDevice, transaction: Transaction) -> Result:
    """Forget a device that nobody holds."""
    gone = _the_device(transaction, allowed.caller.account, parameters.serial_number)
    if gone.holder is not None:
        raise delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
    devices.delete_device(transaction, gone)
    return {}


@operations.read("ListMFADevices", DevicesOfSelf, on_self("ListMFADevices"))
def list_mfa_devices(allowed: Allowed, parameters: DevicesOfSelf, view: Snapshot) -> Result:
    """List the devices that a user holds."""
    holder = user_or_self(view, allowed.caller, parameters.user_name)
    found = devices_of(view, allowed.caller.account, holder.user_id if holder else ROOT)
    page, more = page_of(found, lambda one: fold(one.name), parameters)
    name = holder.name if holder else None
    shown = [{"user_name": name, "serial_number": one.arn, "enable_date": one.enabled} for one in page]
    return {"mfa_devices": shown, **more}


@operations.read("GetMFADevice", SelfAndDevice, on_self("GetMFADevice"))
def get_mfa_device(allowed: Allowed, parameters: SelfAndDevice, view: Snapshot) -> Result:
    """Return a device that a user holds."""
    found, holder = _held(view, allowed, parameters.user_name, parameters.serial_number)
    name = holder.name if holder else None
    return {"user_name": name, "serial_number": found.arn, "enable_date": found.enabled}


@operations.read("ListVirtualMFADevices", AllDevices, LIST)
def list_virtual_mfa_devices(allowed: Allowed, parameters: AllDevices, view: Snapshot) -> Result:
    """List the account's devices, held or not, as asked for."""
    account = allowed.caller.account
    chosen = {"Assigned": (True,), "Unassigned": (False,)}.get(parameters.assignment_status, (True, False))
    found = [one for one in DEVICES.each(view, account) if (one.holder is not None) in chosen]
    page, more = page_of(found, lambda one: fold(one.name), parameters)
    return {"virtual_mfa_devices": [_shown(view, one) for one in page], **more}


def _shown(view: Snapshot, one: Device) -> dict[str, object]:
    shown: dict[str, object] = {"serial_number": one.arn}
    if one.holder is None:
        return shown
    if one.holder == ROOT:
        owner: dict[str, object] | None = {"user_id": one.account, "arn": root_arn(one.account)}
    else:
        holder = user(view, one.account, one.holder)
        owner = whole_user(holder) if holder else None
    return shown | {"user": owner, "enable_date": one.enabled}


@operations.write("TagMFADevice", DeviceAndTags, TAG)
def tag_mfa_device(allowed: Allowed, parameters: DeviceAndTags, transaction: Transaction) -> Result:
    """Set tags of a device."""
    old = _the_device(transaction, allowed.caller.account, parameters.serial_number)
    DEVICES.replace(
        transaction, old, msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=False))
    )
    return {}


@operations.write("UntagMFADevice", DeviceAndTagKeys, UNTAG)
def untag_mfa_device(allowed: Allowed, parameters: DeviceAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off a device."""
    old = _the_device(transaction, allowed.caller.account, parameters.serial_number)
    tags = without_tags(old.tags, parameters.tag_keys, fold_keys=False)
    DEVICES.replace(transaction, old, msgspec.structs.replace(old, tags=tags))
    return {}


@operations.read("ListMFADeviceTags", DeviceTags, on_device("ListMFADeviceTags"))
def list_mfa_device_tags(allowed: Allowed, parameters: DeviceTags, view: Snapshot) -> Result:
    """List the tags of a device."""
    found = _the_device(view, allowed.caller.account, parameters.serial_number)
    return listed(found.tags, parameters)
