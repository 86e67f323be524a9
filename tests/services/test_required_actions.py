"""What each operation needs, by AWS's pages: allowed by exactly these actions on these resources, refused without each.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Server

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "required_actions.jsonl").read_text(encoding="utf-8").splitlines()
]
BUCKET = "required-actions"
TRUST = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def statement(effect: str, action: str, resource: str = "*") -> dict[str, str]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def prepared(server: Server) -> dict[str, str]:
    """Make what the rows name; return the names that only the server knows."""
    iam, s3 = server.client("iam"), server.client("s3")
    iam.create_user(UserName="NT", Path="/p/")
    iam.create_role(RoleName="NR", Path="/p/", AssumeRolePolicyDocument=document(TRUST))
    iam.create_group(GroupName="NG", Path="/p/")
    iam.create_instance_profile(InstanceProfileName="NI", Path="/p/")
    iam.create_policy(PolicyName="NP", Path="/p/", PolicyDocument=document(statement("Allow", "s3:*")))
    iam.create_virtual_mfa_device(VirtualMFADeviceName="NM", Path="/p/")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x")
    source = s3.put_object(Bucket=BUCKET, Key="src", Body=b"x", Tagging="a=b")["VersionId"]
    version = s3.put_object(Bucket=BUCKET, Key="d/k", Body=b"x")["VersionId"]
    begun = [s3.create_multipart_upload(Bucket=BUCKET, Key="d/k")["UploadId"] for _ in range(3)]
    part = s3.upload_part(Bucket=BUCKET, Key="d/k", UploadId=begun[0], PartNumber=1, Body=b"1")
    key = iam.create_access_key(UserName="NT")["AccessKey"]["AccessKeyId"]
    known = {"account": ACCOUNT, "bucket": BUCKET, "version": version, "source": source, "key": key}
    return (
        known | dict(zip(("upload", "other", "doomed"), begun, strict=True)) | {"etag": json.dumps(part["ETag"])[1:-1]}
    )


def filled(row: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(row)
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    found: dict[str, Any] = json.loads(text)
    return found


def outcome(call: Any, parameters: dict[str, Any]) -> str:
    """Return `refused` for a refusal by policy, `failed` for a mistake of the server's; all else is `allowed`."""
    try:
        call(**parameters)
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 and status != 501:
            return "failed"
        return "refused" if status == 403 and code in {"AccessDenied", "403"} else "allowed"
    return "allowed"


def test_each_operation_needs_exactly_the_actions_that_aws_names(server: Server) -> None:
    known = prepared(server)
    who = server.user("required-actions")
    iam, clients = server.client("iam"), {name: server.client(name, who) for name in ("iam", "sts", "s3")}

    def under(call: Any, parameters: dict[str, Any], *statements: dict[str, str]) -> str:
        policy = document(*statements)
        iam.put_user_policy(UserName="required-actions", PolicyName="p", PolicyDocument=policy)
        return outcome(call, parameters)

    wrong = []
    for row in (filled(row, known) for row in ROWS):
        call, parameters, needs = getattr(clients[row["service"]], row["call"]), row["with"], row["needs"]
        for action, resource in needs:
            found = under(call, parameters, statement("Allow", "*"), statement("Deny", action, resource))
            if found != "refused":
                wrong.append((row["call"], "without", action, resource))
        if under(call, parameters, *(statement("Allow", action, resource) for action, resource in needs)) != "allowed":
            wrong.append((row["call"], "with exactly", *needs))
    assert len(ROWS) > 180
    assert wrong == []
