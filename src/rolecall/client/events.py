"""The trail, asked over LookupEvents, here or on AWS."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from rolecall.client.moment import moment
from rolecall.client.settings import Connection
from rolecall.client.signing import signed_headers

Record = dict[str, object]
"""One event in CloudTrail's shape."""

_TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
_TIMEOUT = 30.0


class Refused(Exception):
    """The server refused the question; `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        """See the class."""
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


class Unreachable(Exception):
    """Nobody answered at the endpoint, or not in a way that is understood."""


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
    body = json.dumps(question).encode()
    headers = signed_headers(
        at.credentials,
        host=urlsplit(at.endpoint).netloc,
        target=_TARGET,
        body=body,
        service="cloudtrail",
        region=at.region,
        now=moment(),
    )
    request = urllib.request.Request(at.endpoint.rstrip("/") + "/", data=body, headers=headers)  # noqa: S310
    context = ssl.create_default_context(cafile=at.ca_bundle or None)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=context) as response:  # noqa: S310
            answer = json.loads(response.read())
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except (OSError, ValueError) as error:
        raise Unreachable(f"{at.endpoint}: {getattr(error, 'reason', error)}") from None
    if not isinstance(answer, dict):
        raise Unreachable(f"{at.endpoint} does not answer as CloudTrail does.")
    return answer


def _refusal(error: urllib.error.HTTPError) -> Refused | Unreachable:
    """Return what an error answer says."""
    try:
        told = json.loads(error.read())
        code = str(told.get("__type", "")).rpartition("#")[2]
        message = str(told.get("message") or told.get("Message") or "")
    except (OSError, ValueError, AttributeError):
        code, message = "", ""
    return Refused(code, message) if code else Unreachable(f"{error.url} answers {error.code}.")
