"""Proof of multi-factor authentication in a call. No MFA device can be registered yet, so none is ever proved."""

from __future__ import annotations

from rolecall.message import ServiceError


def refuse_unproved(serial_number: str | None, token_code: str | None) -> None:
    """Raise ServiceError where a call claims MFA: half a claim, or one by a device that is not the caller's."""
    if serial_number is None and token_code is None:
        return
    if serial_number is None or token_code is None:
        reason = "must provide both MFA serial number and one time pass code."
    else:
        reason = (
            "unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
        )
    raise ServiceError("AccessDenied", f"MultiFactorAuthentication failed, {reason}", 403)
