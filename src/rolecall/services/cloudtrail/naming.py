"""Trails by name or ARN, in the region that a request is signed for, and what is wrong with names."""

from __future__ import annotations

import re

from rolecall.access.allowed import Allowed
from rolecall.access.context import DEFAULT_REGION
from rolecall.message import Request, ServiceError
from rolecall.store.interface import Snapshot
from rolecall.trail.configured import ConfiguredTrail, configured_trail, configured_trails, trail_arn

_SHORTEST, _LONGEST = 3, 128
_NAME = re.compile(r"[A-Za-z0-9._-]*")
_ARN = re.compile(r"arn:aws:cloudtrail:([a-z0-9-]+):([0-9]{12}):trail/(.+)", re.ASCII)
_SCOPE = re.compile(r"Credential=[^/,\s]+/[0-9]{8}/([^/,\s]*)/", re.ASCII)


def region_of(allowed: Allowed) -> str:
    """Return the region that a request was signed for."""
    return allowed.signature.region or DEFAULT_REGION


def signed_region(request: Request) -> str:
    """Return the region that a request says it is signed for; the signature, which covers it, has held."""
    found = _SCOPE.search(request.header("authorization") or "")
    return (found[1] if found else "") or DEFAULT_REGION


def arn_for(name: str, region: str, account: str) -> str:
    """Return the ARN that a trail's name or ARN stands for, whether or not there is such a trail."""
    return name if name.startswith("arn:") else trail_arn(region, account, name)


def check_name(name: str) -> None:
    """Raise ServiceError InvalidTrailNameException for what cannot be a trail's name."""
    length = f"Specified name length: {len(name)} characters."
    if len(name) < _SHORTEST:
        raise _invalid(f"Trail name too short. Minimum allowed length: {_SHORTEST} characters. {length}")
    if len(name) > _LONGEST:
        raise _invalid(f"Trail name too long. Maximum allowed length: {_LONGEST} characters. {length}")
    if not _NAME.fullmatch(name):
        raise _invalid(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens"
            " (-), and underscores (_)."
        )
    if not name[0].isalnum():
        raise _invalid("Trail name must starts with a letter or number.")
    if not name[-1].isalnum():
        raise _invalid("Trail name must ends with a letter or number.")


def _invalid(sentence: str) -> ServiceError:
    return ServiceError("InvalidTrailNameException", sentence)


def found_trail(view: Snapshot, allowed: Allowed, name: str) -> ConfiguredTrail:
    """Return the caller's trail of this name or ARN. Raises ServiceError where there is none."""
    account, region = allowed.caller.account, region_of(allowed)
    if name.startswith("arn:"):
        parsed = _ARN.fullmatch(name)
        if parsed is None:
            raise ServiceError("CloudTrailARNInvalidException", f"Invalid trail ARN: {name}")
        region, owner, short = parsed[1], parsed[2], parsed[3]
        found = configured_trail(view, account, region, short) if owner == account else None
    else:
        check_name(name)
        found = visible(view, account, region, name)
    if found is None:
        arn = arn_for(name, region, account)
        raise ServiceError("TrailNotFoundException", f"Unknown trail: {arn} for the user: {account}", 400)
    return found


def own_trail(view: Snapshot, allowed: Allowed, name: str) -> ConfiguredTrail:
    """Return a trail that is to be changed, which is only done in its home region. Raises ServiceError."""
    found = found_trail(view, allowed, name)
    if found.region != region_of(allowed):
        sentence = f"Trail {found.name} must be updated from the home region {found.region}."
        raise ServiceError("InvalidHomeRegionException", sentence)
    return found


def visible(view: Snapshot, account: str, region: str, name: str) -> ConfiguredTrail | None:
    """Return the trail of this name that a region shows: its own, or one of all regions."""
    own = configured_trail(view, account, region, name)
    if own is not None:
        return own
    shadows = (one for one in configured_trails(view, account) if one.multi_region and one.name == name)
    return next(shadows, None)
