"""What a worker tidies up: last uses are written down, and shown."""

from __future__ import annotations

import json
from pathlib import Path

from tests.serving import ACCOUNT, Credentials, serving


def test_the_last_use_of_keys_and_roles_is_written_down_when_a_worker_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--tutorial") as server:
        iam, learner = server.client("iam"), server.learner
        unused = iam.get_access_key_last_used(AccessKeyId=learner.access_key_id)["AccessKeyLastUsed"]
        assert unused | {"ServiceName": "N/A", "Region": "N/A"} == unused
        assert iam.get_role(RoleName="S3_Full_Access")["Role"]["RoleLastUsed"] == {}
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/aws_cli_test"},
            "Action": "sts:*",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        iam.update_assume_role_policy(RoleName="S3_Full_Access", PolicyDocument=document)
        arn = f"arn:aws:iam::{ACCOUNT}:role/S3_Full_Access"
        answer = server.client("sts", learner).assume_role(RoleArn=arn, RoleSessionName="me")
        server.client("s3", Credentials.of(answer["Credentials"])).list_buckets()
    with serving(tmp_path / "data") as server:
        iam = server.client("iam")
        used = iam.get_access_key_last_used(AccessKeyId=learner.access_key_id)["AccessKeyLastUsed"]
        assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1")
        role = iam.get_role(RoleName="S3_Full_Access")["Role"]
        assert role["RoleLastUsed"]["Region"] == "us-east-1"
        assert role["RoleLastUsed"]["LastUsedDate"] >= role["CreateDate"]
