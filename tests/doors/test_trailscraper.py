"""trailscraper, which downloads CloudTrail's files from a bucket, or asks LookupEvents, and makes a policy of them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.doors.conftest import Door
from tests.requirements import tool
from tests.services.cloudtrail.test_trails import bucket_policy
from tests.serving import ACCOUNT, REGION

pytestmark = pytest.mark.doors

DELIVERED_WITHIN = 180.0
PROGRAM = "trailscraper/bin/trailscraper"


@pytest.fixture(scope="module")
def logged(door: Door) -> Door:
    """A trail of all regions, a session of the role that did something, and its events in the bucket."""
    s3, cloudtrail = door.server.client("s3"), door.server.client("cloudtrail")
    s3.create_bucket(Bucket="scraped-logs")
    s3.put_bucket_policy(Bucket="scraped-logs", Policy=bucket_policy("scraped-logs"))
    cloudtrail.create_trail(Name="scraped", S3BucketName="scraped-logs", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="scraped")
    session = door.session()
    door.server.client("s3", session).list_objects_v2(Bucket=door.bucket)
    deadline = time.monotonic() + DELIVERED_WITHIN
    while time.monotonic() < deadline and not s3.list_objects_v2(Bucket="scraped-logs").get("Contents"):
        time.sleep(2)
    (door.home / ".aws").mkdir()
    root = door.server.root
    (door.home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = {root.access_key_id}\naws_secret_access_key = {root.secret_access_key}\n"
    )
    return door


def _selected(door: Door, *words: str) -> list[dict[str, Any]]:
    answer = door.run(tool(PROGRAM), "select", *words)
    records: list[dict[str, Any]] = json.loads(answer.out)["Records"]
    return records


def test_delivered_files_are_found_and_read(logged: Door) -> None:
    folder = str(logged.home / "logs")
    words = ("--bucket", "scraped-logs", "--account-id", ACCOUNT, "--region", REGION, "--log-dir", folder)
    logged.run(tool(PROGRAM), "download", *words, "--from", "-1days")
    names = {record["eventName"] for record in _selected(logged, "--log-dir", folder, "--from", "-1days")}
    assert {"AssumeRole", "StartLogging"} <= names


def test_the_api_is_asked_for_a_roles_requests(logged: Door) -> None:
    words = ("--use-cloudtrail-api", "--filter-assumed-role-arn", logged.role, "--from", "-1days")
    records = _selected(logged, *words)
    assert "ListObjects" in {record["eventName"] for record in records}
    issuers = {record["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] for record in records}
    assert issuers == {logged.role}
