"""Multi-factor authentication proved in a call: by the code that a device of the calling user shows.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html

The access declaration proves the code, since policies may ask for it; the handler takes it in the transaction that
hands out the session, so that of two calls with one code, on whatever worker, one is refused.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rolecall.access.caller import Caller
from rolecall.directory.devices import ROOT, Device, device, step_shown, take_code
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.services.sts.parameters import WithCode
from rolecall.store.interface import Snapshot, Transaction

MOST_WRONG = 5
"""How many wrong codes a process hears of one device in one `SPELL`."""
SPELL = 600
"""In seconds. Three codes hold at a time: in steps of thirty seconds a day's guesses of two processes would find one of
them once in a dozen days, in spells of ten minutes not in half a year.
"""


class _Guesses:
    """The wrong codes of the present spell, by the device's serial number."""

    def __init__(self) -> None:
        self._spell = 0
        self._wrong: Counter[str] = Counter()

    def exhausted(self, serial_number: str, now: datetime) -> bool:
        """Tell whether codes of a device are not looked at before the next spell."""
        self._turn(now)
        return self._wrong[serial_number] >= MOST_WRONG

    def note(self, serial_number: str, now: datetime) -> None:
        """Count a wrong code."""
        self._turn(now)
        self._wrong[serial_number] += 1

    def _turn(self, now: datetime) -> None:
        spell = int(now.timestamp()) // SPELL
        if spell != self._spell:
            self._spell = spell
            self._wrong.clear()


_guesses = _Guesses()


def carries_code(parameters: WithCode) -> bool:
    """Tell whether a call claims MFA, be it half a claim."""
    return parameters.serial_number is not None or parameters.token_code is not None


def prove(view: Snapshot, caller: Caller, parameters: WithCode, now: datetime) -> None:
    """Raise ServiceError where a claim is not whole, or its code is not one that a device of the caller shows now."""
    held, code = _claim(view, caller, parameters)
    if _guesses.exhausted(held.arn, now):
        raise _wrong_code("too many wrong codes of this device")
    if step_shown(view, held, code, now) is None:
        _guesses.note(held.arn, now)
        raise _wrong_code("not a code of this device now, or one that was taken before")


def take(transaction: Transaction, caller: Caller, parameters: WithCode, now: datetime) -> None:
    """Take the code of a claim, so that it never holds again. Raises ServiceError where it does not hold any more."""
    held, code = _claim(transaction, caller, parameters)
    if not take_code(transaction, held, code, now):
        raise _wrong_code("another call has taken this code meanwhile")


def _claim(view: Snapshot, caller: Caller, parameters: WithCode) -> tuple[Device, str]:
    """Return the device and the code of a claim. Raises ServiceError for half a claim, and a device of others."""
    serial_number, code = parameters.serial_number, parameters.token_code
    if serial_number is None or code is None:
        raise _refused(", must provide both MFA serial number and one time pass code.")
    held, holder = device(view, serial_number), _holder(caller)
    if held is None or holder is None or (held.account, held.holder) != (caller.account, holder):
        raise _refused(
            ", unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this"
            " user."
        )
    return held, code


def _holder(caller: Caller) -> str | None:
    """Return the name under which the caller holds devices; None for those who cannot hold any."""
    kind = caller.principal.kind
    if kind is PrincipalKind.USER and caller.user is not None:
        return caller.user.user_id
    return ROOT if kind is PrincipalKind.ROOT else None


def _wrong_code(reason: str) -> ServiceError:
    return _refused(" with invalid MFA one time pass code. ", reason)


def _refused(what: str, reason: str = "") -> ServiceError:
    return ServiceError("AccessDenied", f"MultiFactorAuthentication failed{what}", 403, reason=reason)
