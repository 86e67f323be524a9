"""The trail, asked over LookupEvents, here or on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from rolecall.client.sending import Unreachable, send
from rolecall.client.settings import Connection

Record = dict[str, object]
"""One event in CloudTrail's shape."""

_TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"


def look_up(
    at: Connection,
    now: datetime,
    *,
    attribute: tuple[str, str] | None = None,
    since: datetime | None = None,
) -> Iterator[Record]:
    """Yield the records that fit, the newest first, asking for page after page. Raises Refused, Unreachable."""
    question: dict[str, object] = {"MaxResults": 50}
    if attribute is not None:
        question["LookupAttributes"] = [{"AttributeKey": attribute[0], "AttributeValue": attribute[1]}]
    if since is not None:
        question["StartTime"] = since.timestamp()
        question["EndTime"] = now.timestamp() + 300
    while True:
        answer = _ask(at, question)
        events = answer.get("Events")
        for event in events if isinstance(events, list) else []:
            record = json.loads(event["CloudTrailEvent"])
            if isinstance(record, dict):
                yield record
        token = answer.get("NextToken")
        if not token:
            return
        question["NextToken"] = token


def _ask(at: Connection, question: dict[str, object]) -> Record:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": _TARGET}
    try:
        answer = json.loads(send(at, "cloudtrail", headers, json.dumps(question).encode()))
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(f"{at.of('cloudtrail')} does not answer as CloudTrail does.")
    return answer
