"""The trails that people configure: which events go to which bucket, and how far delivery has come.

They lie in the main store, beside the buckets they name; the events themselves have a store of their own.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import pack

_KIND = "configured-trail"


class DataResource(msgspec.Struct, frozen=True, kw_only=True):
    """Resources whose data events a selector wants: ARNs, or what they begin with."""

    type: str = ""
    values: tuple[str, ...] = ()


class EventSelector(msgspec.Struct, frozen=True, kw_only=True):
    """A basic event selector."""

    read_write_type: str = "All"
    include_management_events: bool = True
    data_resources: tuple[DataResource, ...] = ()
    exclude_management_event_sources: tuple[str, ...] = ()


class FieldSelector(msgspec.Struct, frozen=True, kw_only=True):
    """What one field of an event must be like."""

    field: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()


class AdvancedSelector(msgspec.Struct, frozen=True, kw_only=True):
    """An advanced event selector: all of its fields must fit."""

    name: str | None = None
    field_selectors: tuple[FieldSelector, ...] = ()


class ConfiguredTrail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A trail."""

    name: str
    account: str
    region: str
    """Its home region, the only one in which it can be changed."""
    bucket: str
    prefix: str = ""
    multi_region: bool = False
    global_events: bool = True
    """Whether it has the events of services without regions: IAM and STS."""
    logging: bool = False
    started: datetime | None = None
    stopped: datetime | None = None
    selectors: tuple[EventSelector, ...] | None = None
    """None: never set; then all management events are wanted."""
    advanced: tuple[AdvancedSelector, ...] | None = None
    delivered: datetime | None = None
    """Every event up to this moment was delivered, or is not wanted."""
    pending: datetime | None = None
    """The end of the span that is being delivered: whoever takes over delivers the same one again."""
    claimed_by: str = ""
    claimed_until: datetime | None = None
    last_delivery: datetime | None = None
    last_attempt: datetime | None = None
    last_error: str = ""

    @property
    def arn(self) -> str:
        """The trail's ARN."""
        return trail_arn(self.region, self.account, self.name)


def trail_arn(region: str, account: str, name: str) -> str:
    """Return the ARN of a trail."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


decode_trail = msgspec.msgpack.Decoder(ConfiguredTrail).decode
_encode = msgspec.msgpack.Encoder().encode


def configured_trail(view: Snapshot, account: str, region: str, name: str) -> ConfiguredTrail | None:
    """Return the trail of this name whose home is the region, or None."""
    value = view.get(pack(_KIND, account, region, name))
    return decode_trail(value) if value is not None else None


def configured_trails(view: Snapshot, account: str | None = None) -> list[ConfiguredTrail]:
    """Return an account's trails, or everybody's, in order of region and name. There are few."""
    prefix = pack(_KIND) if account is None else pack(_KIND, account)
    return [decode_trail(entry.value) for entry in view.scan(prefix)]


def put_trail(transaction: Transaction, trail: ConfiguredTrail) -> None:
    """Keep a trail, new or changed."""
    transaction.put(pack(_KIND, trail.account, trail.region, trail.name), _encode(trail))


def delete_trail(transaction: Transaction, trail: ConfiguredTrail) -> None:
    """Forget a trail. What was delivered stays."""
    transaction.delete(pack(_KIND, trail.account, trail.region, trail.name))
