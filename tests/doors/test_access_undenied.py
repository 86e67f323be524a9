"""access-undenied, which reads CloudTrail's events, asks IAM and its simulator, and says what is missing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.doors.conftest import SCRIPTS, Door
from tests.requirements import tool

pytestmark = pytest.mark.doors

WRITTEN_WITHIN = 10.0


def _refused_event(door: Door) -> dict[str, Any]:
    """Have the user refused, and return the event of it."""
    user = door.server.client("iam", door.user)
    with pytest.raises(ClientError):
        user.list_roles()
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "ListRoles"}]}
    deadline = time.monotonic() + WRITTEN_WITHIN
    while time.monotonic() < deadline:
        if found := door.server.client("cloudtrail").lookup_events(**asked)["Events"]:
            event: dict[str, Any] = json.loads(found[0]["CloudTrailEvent"])
            return event
        time.sleep(0.1)
    raise AssertionError("the refusal is not in the trail")


def test_a_refusal_is_explained_by_what_is_missing(door: Door) -> None:
    event = _refused_event(door)
    (door.home / "events.json").write_text(json.dumps({"Records": [event]}))
    (door.home / "answer.json").touch()
    words = ("analyze", "--events-file", "events.json", "--output-file", "answer.json")
    door.run(tool("undenied/bin/python"), SCRIPTS / "undenied.py", *words, who=door.server.root)
    (result,) = json.loads((door.home / "answer.json").read_text())["Results"]
    assert result["EventId"] == event["eventID"]
    assert result["AssessmentResult"] == "Missing allow in an identity-based policy"
    (added,) = result["ResultDetails"]["PoliciesToAdd"]
    (statement,) = added["Policy"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "iam:ListRoles")
    assert added["AttachmentTargetArn"] == event["userIdentity"]["arn"]
