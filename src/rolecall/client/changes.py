"""What changed the policies behind a refusal since then, from the trail itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from rolecall.client.events import Record, look_up
from rolecall.client.moment import moment
from rolecall.client.record import action, caller, objects, subjects, text
from rolecall.client.settings import Connection
from rolecall.identifiers import parse_arn

_LOOKED_THROUGH = 500
_TOLD = 3


def changes_since(at: Connection, record: Record, check: Record) -> list[str]:
    """Return the newest changes of the policies that a check asked, or of what they are attached to, in words.

    Raises Refused, Unreachable.
    """
    since = datetime.fromisoformat(text(record, "eventTime"))
    about = set(_about(record, check))
    written = islice(look_up(at, moment(), attribute=("ReadOnly", "false"), since=since), _LOOKED_THROUGH)
    found = (event for event in written if _changes_policies(event) and about & set(_names(event)))
    return [
        f"{action(event)} on {' and '.join(about & set(_names(event)))} by {caller(event)}"
        for event in islice(found, _TOLD)
    ]


def _changes_policies(event: Record) -> bool:
    service = text(event, "eventSource")
    return not text(event, "errorCode") and (service.startswith("iam.") or "BucketPolicy" in text(event, "eventName"))


def _about(record: Record, check: Record) -> Iterator[str]:
    """Yield what a check hung on: the caller, the resource, and everything that policies reached the caller by."""
    for arn in (
        text(record, "userIdentity", "arn"),
        text(record, "userIdentity", "sessionContext", "sessionIssuer", "arn"),
        text(check, "resource"),
    ):
        yield _called(arn)
    for layer in objects(check, "explanation"):
        for policy in objects(layer, "policies"):
            yield _called(text(policy, "policyArn"))
            attached = policy.get("attachedTo")
            yield from (str(one) for one in attached) if isinstance(attached, list) else ()


def _names(event: Record) -> Iterator[str]:
    for arn in subjects(event):
        yield _called(arn)


def _called(arn: str) -> str:
    """Return a resource as explanations call it: `role/R`, `bucket/b`, a policy by its ARN."""
    parsed = parse_arn(arn)
    if parsed is None:
        return arn
    if parsed.service == "s3":
        return f"bucket/{parsed.resource_type}"
    if parsed.service == "iam" and parsed.resource_type in {"user", "group", "role"}:
        return f"{parsed.resource_type}/{parsed.resource_name}"
    return arn
