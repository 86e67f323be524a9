"""Trails through boto3 and both aws CLIs: made, changed, shown, started, stopped; and what is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.requirements import tool
from tests.serving import ACCOUNT, Server, serving

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/"


def bucket_policy(bucket: str, prefix: str = "", **condition: Any) -> str:
    """The policy that AWS's guide tells people to put on the bucket."""
    service = {"Service": "cloudtrail.amazonaws.com"}
    objects = f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{ACCOUNT}/*"
    acl = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **condition}}
    check = {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"}
    write = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": objects, "Condition": acl}
    return json.dumps({"Version": "2012-10-17", "Statement": [check, write]})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("trails") / "data", "--account", ACCOUNT) as served:
        s3 = served.client("s3")
        for name in ("logs", "closed"):
            s3.create_bucket(Bucket=name)
        s3.put_bucket_policy(Bucket="logs", Policy=bucket_policy("logs"))
        yield served


@pytest.fixture
def cloudtrail(server: Server) -> Iterator[Any]:
    client = server.client("cloudtrail")
    yield client
    for trail in client.describe_trails()["trailList"]:
        client.delete_trail(Name=trail["TrailARN"])


def refused(call: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_trail_is_made_shown_changed_and_forgotten(cloudtrail: Any) -> None:
    made = cloudtrail.create_trail(Name="audit", S3BucketName="logs")
    facts = {
        "Name": "audit",
        "S3BucketName": "logs",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "TrailARN": f"{ARN}audit",
        "LogFileValidationEnabled": False,
        "IsOrganizationTrail": False,
    }
    assert {key: made[key] for key in made if key != "ResponseMetadata"} == facts
    shown = cloudtrail.get_trail(Name=f"{ARN}audit")["Trail"]
    assert shown == {**facts, "HomeRegion": "us-east-1", "HasCustomEventSelectors": False, "HasInsightSelectors": False}
    assert cloudtrail.describe_trails(trailNameList=["audit", "none"])["trailList"] == [shown]
    assert cloudtrail.list_trails()["Trails"] == [
        {"TrailARN": f"{ARN}audit", "Name": "audit", "HomeRegion": "us-east-1"}
    ]
    cloudtrail.update_trail(Name="audit", IsMultiRegionTrail=True)
    assert cloudtrail.get_trail(Name="audit")["Trail"]["IsMultiRegionTrail"] is True
    cloudtrail.delete_trail(Name="audit")
    assert refused(cloudtrail.get_trail, Name="audit") == (
        "TrailNotFoundException",
        f"Unknown trail: {ARN}audit for the user: {ACCOUNT}",
    )


def test_logging_is_started_and_stopped(cloudtrail: Any) -> None:
    cloudtrail.create_trail(Name="audit", S3BucketName="logs")
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"] is False
    cloudtrail.start_logging(Name="audit")
    status = cloudtrail.get_trail_status(Name="audit")
    assert (status["IsLogging"], "StartLoggingTime" in status, status["TimeLoggingStopped"]) == (True, True, "")
    cloudtrail.stop_logging(Name="audit")
    assert "StopLoggingTime" in cloudtrail.get_trail_status(Name="audit")


def test_a_bucket_must_let_cloudtrail_in(server: Server, cloudtrail: Any) -> None:
    create = cloudtrail.create_trail
    wrong = "Incorrect S3 bucket policy is detected for bucket: closed"
    assert refused(create, Name="audit", S3BucketName="closed") == ("InsufficientS3BucketPolicyException", wrong)
    s3 = server.client("s3")
    other = {"aws:SourceArn": f"{ARN}other"}
    for policy in (bucket_policy("closed", **other), bucket_policy("closed", "elsewhere/")):
        s3.put_bucket_policy(Bucket="closed", Policy=policy)
        assert refused(create, Name="audit", S3BucketName="closed")[0] == "InsufficientS3BucketPolicyException"
    s3.put_bucket_policy(
        Bucket="closed", Policy=bucket_policy("closed", "elsewhere/", **{"aws:SourceArn": f"{ARN}audit"})
    )
    create(Name="audit", S3BucketName="closed", S3KeyPrefix="elsewhere")
    code, text = refused(create, Name="audit2", S3BucketName="not-there")
    assert (code, text) == ("S3BucketDoesNotExistException", "S3 bucket not-there does not exist!")


NAMES = {
    "ab": "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.",
    "?": "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 1 characters.",
    "a" * 129: "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
    "-abc": "Trail name must starts with a letter or number.",
    "abc-": "Trail name must ends with a letter or number.",
    "a b c": "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens"
    " (-), and underscores (_).",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_awss(cloudtrail: Any, name: str) -> None:
    answer = refused(cloudtrail.create_trail, Name=name, S3BucketName="logs")
    assert answer == ("InvalidTrailNameException", NAMES[name])


def test_limits_and_contradictions_are_refused(cloudtrail: Any) -> None:
    create = cloudtrail.create_trail
    assert refused(
        create, Name="audit", S3BucketName="logs", IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False
    ) == ("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")
    assert refused(create, Name="audit", S3BucketName="logs", KmsKeyId="alias/k")[0] == "UnsupportedOperationException"
    for number in range(5):
        create(Name=f"audit{number}", S3BucketName="logs")
    assert refused(create, Name="audit1", S3BucketName="logs") == (
        "TrailAlreadyExistsException",
        f"Trail audit1 already exists for customer: {ACCOUNT}",
    )
    assert refused(create, Name="audit6", S3BucketName="logs") == (
        "MaximumNumberOfTrailsExceededException",
        f"User: {ACCOUNT} already has 5 trails in us-east-1.",
    )
    assert refused(cloudtrail.get_trail, Name="arn:aws:x")[0] == "CloudTrailARNInvalidException"


def test_a_trail_of_all_regions_is_changed_at_home_only(server: Server, cloudtrail: Any) -> None:
    import boto3  # noqa: PLC0415

    cloudtrail.create_trail(Name="audit", S3BucketName="logs", IsMultiRegionTrail=True)
    elsewhere = boto3.client(
        "cloudtrail",
        endpoint_url=server.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=server.root.access_key_id,
        aws_secret_access_key=server.root.secret_access_key,
    )
    assert [one["HomeRegion"] for one in elsewhere.describe_trails()["trailList"]] == ["us-east-1"]
    assert elsewhere.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert refused(elsewhere.stop_logging, Name="audit")[0] == "InvalidHomeRegionException"


def test_selectors_are_kept_and_shown(cloudtrail: Any) -> None:
    cloudtrail.create_trail(Name="audit", S3BucketName="logs")
    default = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [default]
    wanted = {
        **default,
        "ReadWriteType": "WriteOnly",
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}],
    }
    cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[wanted])
    assert cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [wanted]
    assert cloudtrail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is True
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
    cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=[{"Name": "s3", "FieldSelectors": data}])
    answer = cloudtrail.get_event_selectors(TrailName="audit")
    assert (answer["AdvancedEventSelectors"], "EventSelectors" in answer) == (
        [{"Name": "s3", "FieldSelectors": data}],
        False,
    )


BAD: list[dict[str, Any]] = [
    {},
    {"EventSelectors": [{}] * 6},
    {"EventSelectors": [{"DataResources": [{"Type": "AWS::X::Y", "Values": ["arn:aws:s3"]}]}]},
    {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["b/"]}]}]},
    {"EventSelectors": [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}]},
    {"EventSelectors": [{"IncludeManagementEvents": False}]},
    {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]},
    {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory"}]}]},
    {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "weather", "Equals": ["x"]}]}]},
]


@pytest.mark.parametrize("given", BAD, ids=str)
def test_selectors_that_mean_nothing_are_refused(cloudtrail: Any, given: dict[str, Any]) -> None:
    cloudtrail.create_trail(Name="audit", S3BucketName="logs")
    code, _ = refused(cloudtrail.put_event_selectors, TrailName="audit", **given)
    assert code == "InvalidEventSelectorsException"


def test_the_right_is_asked_for_on_the_trail(server: Server, cloudtrail: Any) -> None:
    cloudtrail.create_trail(Name="audit", S3BucketName="logs")
    mine = {"Effect": "Allow", "Action": "cloudtrail:GetTrail", "Resource": f"{ARN}audit"}
    carol = server.client(
        "cloudtrail", server.user("carol", json.dumps({"Version": "2012-10-17", "Statement": [mine]}))
    )
    assert carol.get_trail(Name="audit")["Trail"]["Name"] == "audit"
    code, text = refused(carol.get_trail, Name="other")
    assert code == "AccessDeniedException"
    assert f"cloudtrail:GetTrail on resource: {ARN}other because" in text
    assert refused(carol.delete_trail, Name="audit")[0] == "AccessDeniedException"


@pytest.mark.parametrize("cli", ["aws", "aws2"])
def test_both_clis_make_and_show_a_trail(server: Server, cloudtrail: Any, tmp_path: Path, cli: str) -> None:
    def aws(*words: str) -> Any:
        command = [str(tool(cli)), "cloudtrail", *words]
        env = server.environment(tmp_path, server.root)
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    assert aws("create-trail", "--name", "audit", "--s3-bucket-name", "logs")["TrailARN"] == f"{ARN}audit"
    aws("start-logging", "--name", "audit")
    assert aws("get-trail-status", "--name", "audit")["IsLogging"] is True
