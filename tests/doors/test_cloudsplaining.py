"""cloudsplaining, which reads a whole account by GetAccountAuthorizationDetails and looks for what is too open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.doors.conftest import Door
from tests.requirements import tool

pytestmark = pytest.mark.doors

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ESCALATION = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def findings(door: Door) -> dict[str, Any]:
    """Lay out three mistakes, download the account, scan it, and return what the scan found."""
    iam = door.server.client("iam")
    iam.create_policy(PolicyName="splained-everything", PolicyDocument=json.dumps(EVERYTHING))
    iam.create_user(UserName="splained", Path="/team/")
    iam.put_user_policy(UserName="splained", PolicyName="escalation", PolicyDocument=json.dumps(ESCALATION))
    iam.attach_user_policy(UserName="splained", PolicyArn="arn:aws:iam::123456789012:policy/splained-everything")
    (door.home / ".aws").mkdir()
    root = door.server.root
    (door.home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = {root.access_key_id}\naws_secret_access_key = {root.secret_access_key}\n"
    )
    program = tool("doors/bin/cloudsplaining")
    door.run(program, "download", "--output", str(door.home))
    (details,) = door.home.glob("*.json")
    door.run(program, "scan", "--input-file", details, "--output", str(door.home), "--skip-open-report", code=None)
    (results,) = door.home.glob("iam-results-*.json")
    return json.loads(results.read_text())


def test_the_account_is_read_whole(findings: dict[str, Any]) -> None:
    users = {user["name"]: user for user in findings["users"].values()}
    assert users["splained"]["arn"] == "arn:aws:iam::123456789012:user/team/splained"
    assert {"aws_cli_test", "door-cloudsplaining"} <= set(users)
    roles = {role["name"]: role for role in findings["roles"].values()}
    assert (
        roles["door-cloudsplaining"]["assume_role_policy"]["PolicyDocument"]["Statement"][0]["Action"]
        == "sts:AssumeRole"
    )
    assert {"S3_Full_Access"} <= set(roles)


def test_what_is_too_open_is_found(findings: dict[str, Any]) -> None:
    (managed,) = [
        found
        for found in findings["customer_managed_policies"].values()
        if found["PolicyName"] == "splained-everything"
    ]
    assert managed["PrivilegeEscalation"]["findings"]
    (inline,) = [found for found in findings["inline_policies"].values() if found["PolicyName"] == "escalation"]
    assert "PutUserPolicy" in json.dumps(inline["PrivilegeEscalation"])
