"""Trails: made, changed, shown, started and stopped.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html

What is not built is refused, not kept and ignored: notifications, CloudWatch Logs, keys, digests, organization trails.
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.access.context import iso
from rolecall.message import ServiceError
from rolecall.services.cloudtrail.destination import check_destination
from rolecall.services.cloudtrail.naming import (
    arn_for,
    check_name,
    found_trail,
    own_trail,
    region_of,
    signed_region,
    visible,
)
from rolecall.services.operation import Operations, Parameters, Result
from rolecall.store.interface import Snapshot, Transaction
from rolecall.trail.configured import (
    ConfiguredTrail,
    configured_trail,
    configured_trails,
    delete_trail,
    put_trail,
)

_MOST = 5
_UNBUILT = {
    "sns_topic_name": "SnsTopicName",
    "cloud_watch_logs_log_group_arn": "CloudWatchLogsLogGroupArn",
    "cloud_watch_logs_role_arn": "CloudWatchLogsRoleArn",
    "kms_key_id": "KmsKeyId",
    "enable_log_file_validation": "EnableLogFileValidation",
    "is_organization_trail": "IsOrganizationTrail",
    "recursive_logging": "RecursiveLogging",
    "tags_list": "TagsList",
}


class OfTrail(Parameters, frozen=True, kw_only=True):
    """Of operations on a trail, by name or ARN."""

    name: str


class ChangedTrail(OfTrail, frozen=True, kw_only=True):
    """Of UpdateTrail."""

    s3_bucket_name: str | None = None
    s3_key_prefix: str | None = None
    include_global_service_events: bool | None = None
    is_multi_region_trail: bool | None = None
    sns_topic_name: str | None = None
    cloud_watch_logs_log_group_arn: str | None = None
    cloud_watch_logs_role_arn: str | None = None
    kms_key_id: str | None = None
    enable_log_file_validation: bool | None = None
    is_organization_trail: bool | None = None
    recursive_logging: bool | None = None


class NewTrail(ChangedTrail, frozen=True, kw_only=True):
    """Of CreateTrail."""

    s3_bucket_name: str
    tags_list: tuple[dict[str, str], ...] = ()


class SomeTrails(Parameters, frozen=True, kw_only=True):
    """Of DescribeTrails."""

    trail_name_list: tuple[str, ...] = ()
    include_shadow_trails: bool = True


class Page(Parameters, frozen=True, kw_only=True):
    """Of ListTrails. All trails fit on one page."""

    next_token: str | None = None


def on_trail(name: str) -> Access[OfTrail]:
    """Declare that an operation needs its own action on the trail that it names."""
    return Access(
        lambda ask: [
            Check(f"cloudtrail:{name}", arn_for(ask.parameters.name, signed_region(ask.request), ask.caller.account))
        ],
        denial=Denial.JSON,
    )


def on_all(name: str) -> Access[Parameters]:
    """Declare that an operation needs its own action, on no trail in particular."""
    return Access(lambda _: [Check(f"cloudtrail:{name}")], denial=Denial.JSON)


def declare(table: Operations) -> None:
    """Declare the operations on trails."""
    table.write("CreateTrail", NewTrail, on_trail("CreateTrail"))(create_trail)
    table.write("UpdateTrail", ChangedTrail, on_trail("UpdateTrail"))(update_trail)
    table.write("DeleteTrail", OfTrail, on_trail("DeleteTrail"))(remove_trail)
    table.read("GetTrail", OfTrail, on_trail("GetTrail"))(get_trail)
    table.read("GetTrailStatus", OfTrail, on_trail("GetTrailStatus"))(get_trail_status)
    table.read("DescribeTrails", SomeTrails, on_all("DescribeTrails"))(describe_trails)
    table.read("ListTrails", Page, on_all("ListTrails"))(list_trails)
    table.write("StartLogging", OfTrail, on_trail("StartLogging"))(start_logging)
    table.write("StopLogging", OfTrail, on_trail("StopLogging"))(stop_logging)


def create_trail(allowed: Allowed, parameters: NewTrail, transaction: Transaction) -> Result:
    """Make a trail. It does not log before StartLogging."""
    check_name(parameters.name)
    account, region = allowed.caller.account, region_of(allowed)
    trails = configured_trails(transaction, account)
    if configured_trail(transaction, account, region, parameters.name) is not None:
        sentence = f"Trail {parameters.name} already exists for customer: {account}"
        raise ServiceError("TrailAlreadyExistsException", sentence)
    if sum(one.region == region for one in trails) >= _MOST:
        sentence = f"User: {account} already has {_MOST} trails in {region}."
        raise ServiceError("MaximumNumberOfTrailsExceededException", sentence)
    new = ConfiguredTrail(name=parameters.name, account=account, region=region, bucket=parameters.s3_bucket_name)
    return _settled(transaction, new, parameters)


def update_trail(allowed: Allowed, parameters: ChangedTrail, transaction: Transaction) -> Result:
    """Change what is said of a trail; the rest stays."""
    return _settled(transaction, own_trail(transaction, allowed, parameters.name), parameters)


def _settled(transaction: Transaction, trail: ConfiguredTrail, parameters: ChangedTrail) -> Result:
    """Keep a trail with what the parameters say. Raises ServiceError."""
    for member, name in _UNBUILT.items():
        if getattr(parameters, member, None):
            raise ServiceError("UnsupportedOperationException", f"{name} is not built in this server.")
    given = {
        "bucket": parameters.s3_bucket_name,
        "prefix": parameters.s3_key_prefix,
        "global_events": parameters.include_global_service_events,
        "multi_region": parameters.is_multi_region_trail,
    }
    changed = msgspec.structs.replace(trail, **{name: value for name, value in given.items() if value is not None})
    if changed.multi_region and not changed.global_events:
        sentence = "Multi-Region trail must include global service events."
        raise ServiceError("InvalidParameterCombinationException", sentence)
    check_destination(transaction, changed)
    put_trail(transaction, changed)
    shown = _shown(changed)
    return {name: shown[name] for name in shown if name not in {"home_region", "has_custom_event_selectors"}}


def remove_trail(allowed: Allowed, parameters: OfTrail, transaction: Transaction) -> Result:
    """Forget a trail."""
    delete_trail(transaction, own_trail(transaction, allowed, parameters.name))
    return {}


def get_trail(allowed: Allowed, parameters: OfTrail, view: Snapshot) -> Result:
    """Show a trail."""
    return {"trail": _shown(found_trail(view, allowed, parameters.name))}


def describe_trails(allowed: Allowed, parameters: SomeTrails, view: Snapshot) -> Result:
    """Show the trails of this region, with those of all regions, or the named ones that there are."""
    account, region = allowed.caller.account, region_of(allowed)
    if parameters.trail_name_list:
        named = (_named(view, allowed, name) for name in parameters.trail_name_list)
        found = [one for one in named if one is not None]
    else:
        found = [one for one in configured_trails(view, account) if one.multi_region or one.region == region]
    if not parameters.include_shadow_trails:
        found = [one for one in found if one.region == region]
    return {"trail_list": [_shown(one) for one in found]}


def _named(view: Snapshot, allowed: Allowed, name: str) -> ConfiguredTrail | None:
    if name.startswith("arn:"):
        try:
            return found_trail(view, allowed, name)
        except ServiceError as refusal:
            if refusal.code == "TrailNotFoundException":
                return None
            raise
    check_name(name)
    return visible(view, allowed.caller.account, region_of(allowed), name)


def list_trails(allowed: Allowed, parameters: Page, view: Snapshot) -> Result:
    """List the account's trails, of every region."""
    del parameters
    return {
        "trails": [
            {"trail_arn": one.arn, "name": one.name, "home_region": one.region}
            for one in configured_trails(view, allowed.caller.account)
        ]
    }


def get_trail_status(allowed: Allowed, parameters: OfTrail, view: Snapshot) -> Result:
    """Tell whether a trail logs, since when, and how its last delivery went."""
    trail = found_trail(view, allowed, parameters.name)
    succeeded = iso(trail.last_delivery) if trail.last_delivery else ""
    status: dict[str, object] = {
        "is_logging": trail.logging,
        "latest_delivery_attempt_time": iso(trail.last_attempt) if trail.last_attempt else "",
        "latest_delivery_attempt_succeeded": "" if trail.last_error else succeeded,
        "latest_notification_attempt_time": "",
        "latest_notification_attempt_succeeded": "",
        "time_logging_started": iso(trail.started) if trail.started else "",
        "time_logging_stopped": iso(trail.stopped) if trail.stopped else "",
    }
    moments = {
        "latest_delivery_time": trail.last_delivery,
        "start_logging_time": trail.started,
        "stop_logging_time": trail.stopped,
    }
    status |= {name: moment for name, moment in moments.items() if moment is not None}
    if trail.last_error:
        status["latest_delivery_error"] = trail.last_error
    return status


def start_logging(allowed: Allowed, parameters: OfTrail, transaction: Transaction) -> Result:
    """Deliver events from now on. That it logs already is no error."""
    trail = own_trail(transaction, allowed, parameters.name)
    if not trail.logging:
        check_destination(transaction, trail)
        now = allowed.now
        put_trail(transaction, msgspec.structs.replace(trail, logging=True, started=now, delivered=now, pending=None))
    return {}


def stop_logging(allowed: Allowed, parameters: OfTrail, transaction: Transaction) -> Result:
    """Deliver no event from now on; those before are delivered still."""
    trail = own_trail(transaction, allowed, parameters.name)
    if trail.logging:
        put_trail(transaction, msgspec.structs.replace(trail, logging=False, stopped=allowed.now))
    return {}


def _shown(trail: ConfiguredTrail) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": trail.name,
        "s3_bucket_name": trail.bucket,
        "s3_key_prefix": trail.prefix or None,
        "include_global_service_events": trail.global_events,
        "is_multi_region_trail": trail.multi_region,
        "home_region": trail.region,
        "trail_arn": trail.arn,
        "log_file_validation_enabled": False,
        "has_custom_event_selectors": trail.selectors is not None or trail.advanced is not None,
        "has_insight_selectors": False,
        "is_organization_trail": False,
    }
    return shown
