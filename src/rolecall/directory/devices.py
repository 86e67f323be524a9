"""Virtual MFA devices: seeds, the codes they make, and who holds them. A code is good once.

RFC 6238 with SHA-1, six digits and steps of thirty seconds, which is what authenticator programs speak.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime

import msgspec

from rolecall.directory.records import Kind, Relation
from rolecall.identifiers import iam_arn, parse_arn
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack

ROOT = "root"
"""The holder of a device that belongs to the account's root user."""
SEED_SIZE = 40
STEP = 30
NEAR = 1
"""How many steps a code may lie beside the present one."""
FAR = 60
"""How many steps a device's clock may be off when it is enabled or brought into step again."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual MFA device. `name` is its path and name (`team/phone`), as in its ARN."""

    account: str
    name: str
    created: datetime
    tags: dict[str, str] = {}
    holder: str | None = None
    """The unique id of the user that it is enabled for, `ROOT`, or None."""
    enabled: datetime | None = None
    drift: int = 0
    """How many steps its clock is ahead of ours."""
    last_step: int = -1
    """The step of the last code that was taken; earlier ones are never taken again."""

    @property
    def path(self) -> str:
        """The path that the device was created below."""
        head = self.name.rpartition("/")[0]
        return f"/{head}/" if head else "/"

    @property
    def unique_id(self) -> str:
        """A device has no id but its name, which never changes."""
        return self.name

    @property
    def arn(self) -> str:
        """The device's serial number."""
        return iam_arn(self.account, "mfa", "/", self.name)


DEVICES = Kind("mfa", Device)

_HELD = Relation("iam-devices-of", "iam-device-holder")


def device(view: Snapshot, serial_number: str) -> Device | None:
    """Return the device with exactly this serial number, or None."""
    parsed = parse_arn(serial_number)
    if parsed is None or parsed.service != "iam" or not parsed.resource.startswith("mfa/"):
        return None
    found = DEVICES.get(view, parsed.account, parsed.resource.removeprefix("mfa/"))
    return found if found is not None and found.arn == serial_number else None


def devices_of(view: Snapshot, account: str, holder: str) -> list[Device]:
    """Return the devices that are enabled for a user (by unique id) or for `ROOT`."""
    found = [DEVICES.get(view, account, name) for name in _HELD.rights(view, account, holder)]
    return [one for one in found if one is not None]


def create_device(transaction: Transaction, new: Device) -> bytes:
    """Keep a new device and return its seed, which is told here and never again. Raises NameTaken."""
    DEVICES.add(transaction, new)
    seed = os.urandom(SEED_SIZE)
    transaction.put_secret(_seed_key(new), seed)
    return seed


def delete_device(transaction: Transaction, gone: Device) -> None:
    """Forget a device and its seed. Raises NotThere."""
    DEVICES.remove(transaction, gone)
    transaction.delete(_seed_key(gone))


def enable(transaction: Transaction, old: Device, holder: str, codes: tuple[str, str], now: datetime) -> bool:
    """Give a device to its holder if it shows two codes in a row; False where it does not."""
    step = _two_in_a_row(transaction, old, codes, now)
    if step is None:
        return False
    drift = step - _step_of(now)
    new = msgspec.structs.replace(old, holder=holder, enabled=now.replace(microsecond=0), drift=drift, last_step=step)
    DEVICES.replace(transaction, old, new)
    _HELD.add(transaction, old.account, holder, old.name)
    return True


def bring_into_step(transaction: Transaction, old: Device, codes: tuple[str, str], now: datetime) -> bool:
    """Learn how far a device's clock is off from two codes in a row; False where they are none."""
    step = _two_in_a_row(transaction, old, codes, now)
    if step is None:
        return False
    DEVICES.replace(transaction, old, msgspec.structs.replace(old, drift=step - _step_of(now), last_step=step))
    return True


def disable(transaction: Transaction, old: Device) -> None:
    """Take a device from its holder."""
    DEVICES.replace(transaction, old, msgspec.structs.replace(old, holder=None, enabled=None))
    if old.holder is not None:
        _HELD.remove(transaction, old.account, old.holder, old.name)


def step_shown(view: Snapshot, held: Device, code: str, now: datetime) -> int | None:
    """Return the step for which `code` is one that an enabled device shows now and never showed here, or None."""
    seed = _seed(view, held)
    if seed is None or held.holder is None:
        return None
    middle = _step_of(now) + held.drift
    for step in range(middle - NEAR, middle + NEAR + 1):
        if step > held.last_step and hmac.compare_digest(code_at(seed, step), code):
            return step
    return None


def take_code(transaction: Transaction, held: Device, code: str, now: datetime) -> bool:
    """Tell whether `code` is one that an enabled device shows now, and see to it that it is never taken again.

    The watermark stays: nobody's rights have changed.
    """
    step = step_shown(transaction, held, code, now)
    if step is None:
        return False
    DEVICES.note(transaction, msgspec.structs.replace(held, last_step=step))
    return True


def code_at(seed: bytes, step: int) -> str:
    """Return the six digits that a seed makes in a step."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def _two_in_a_row(view: Snapshot, held: Device, codes: tuple[str, str], now: datetime) -> int | None:
    """Return the step of the second of two codes in a row that were never taken, or None."""
    seed = _seed(view, held)
    if seed is None:
        return None
    middle = _step_of(now) + held.drift
    for step in sorted(range(middle - FAR, middle + FAR + 1), key=lambda step: abs(step - middle)):
        if (
            step > held.last_step
            and hmac.compare_digest(code_at(seed, step - 1), codes[0])
            and hmac.compare_digest(code_at(seed, step), codes[1])
        ):
            return step
    return None


def _step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP


def _seed_key(held: Device) -> bytes:
    return pack("iam-mfa-seed", held.account, held.name)


def _seed(view: Snapshot, held: Device) -> bytes | None:
    return view.get_secret(_seed_key(held))
