"""Organizations through boto3 and the aws CLI: an account in no organization is told so, if it may ask."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.requirements import tool
from tests.serving import Server


def test_an_account_hears_that_it_is_in_no_organization(server: Server, tmp_path: Path) -> None:
    client = server.client("organizations")
    with pytest.raises(client.exceptions.AWSOrganizationsNotInUseException) as told:
        client.describe_organization()
    assert told.value.response["Error"]["Message"] == "Your account is not a member of an organization."
    command = [str(tool("aws")), "organizations", "describe-organization"]
    said = subprocess.run(
        command, env=server.environment(tmp_path, server.root), capture_output=True, text=True, check=False
    )
    assert "(AWSOrganizationsNotInUseException) when calling the DescribeOrganization operation" in said.stderr


def test_nobody_asks_without_the_right(server: Server) -> None:
    statement = {"Effect": "Allow", "Action": "organizations:List*", "Resource": "*"}
    mallory = server.user("orgless", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    with pytest.raises(ClientError) as refused:
        server.client("organizations", mallory).describe_organization()
    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"].endswith(
        "because no identity-based policy allows the organizations:DescribeOrganization action"
    )


def test_what_is_not_built_says_so(server: Server) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("organizations").create_organization()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
