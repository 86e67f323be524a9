"""Access Analyzer through boto3 and both aws CLIs, on a served account."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.requirements import tool
from tests.serving import Server, serving

GET = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
}
BOB = {"Sid": "Bob", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"]}
JOHN = {**BOB, "Principal": {"AWS": "arn:aws:iam::111122223333:user/JohnDoe"}}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("analyzer") / "data", "--account", "123456789012") as served:
        yield served


@pytest.fixture(scope="module")
def analyzer(server: Server) -> Any:
    return server.client("accessanalyzer")


def test_findings_come_with_path_and_span(analyzer: Any) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**GET, "Sid": ""}]}, indent=2)
    answer = analyzer.validate_policy(policyDocument=text, policyType="IDENTITY_POLICY", locale="DE")
    (finding,) = answer["findings"]
    assert {key: finding[key] for key in ("findingDetails", "findingType", "issueCode")} == {
        "findingDetails": "Add a value to the empty string in the Sid element.",
        "findingType": "SUGGESTION",
        "issueCode": "EMPTY_SID_VALUE",
    }
    at = text.index('""')
    line, column = text[:at].count("\n") + 1, at - text.rindex("\n", 0, at) - 1
    assert finding["locations"] == [
        {
            "path": [{"value": "Statement"}, {"index": 0}, {"value": "Sid"}],
            "span": {
                "start": {"line": line, "column": column, "offset": at},
                "end": {"line": line, "column": column + 2, "offset": at + 2},
            },
        }
    ]
    assert "nextToken" not in answer


def test_findings_come_in_pages(analyzer: Any) -> None:
    text = policy({**GET, "Action": [f"s3:Nothing{number}" for number in range(7)]})
    pages = analyzer.get_paginator("validate_policy").paginate(
        policyDocument=text, policyType="IDENTITY_POLICY", PaginationConfig={"PageSize": 3}
    )
    sizes = [len(page["findings"]) for page in pages]
    assert sizes == [3, 3, 1]
    first = analyzer.validate_policy(policyDocument=text, policyType="IDENTITY_POLICY", maxResults=3)
    with pytest.raises(ClientError) as refused:
        analyzer.validate_policy(policyDocument="{}", policyType="IDENTITY_POLICY", nextToken=first["nextToken"])
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_new_access_is_told_in_awss_words(analyzer: Any) -> None:
    more = {**GET, "Action": ["s3:GetObject", "s3:GetObjectAcl", "s3:ListBucket"]}
    answer = analyzer.check_no_new_access(
        newPolicyDocument=policy(more), existingPolicyDocument=policy(GET), policyType="IDENTITY_POLICY"
    )
    assert {key: answer[key] for key in ("result", "message", "reasons")} == {
        "result": "FAIL",
        "message": "The modified permissions grant new access compared to your existing policy.",
        "reasons": [{"description": "New access in the statement with index: 0.", "statementIndex": 0}],
    }
    same = analyzer.check_no_new_access(
        newPolicyDocument=policy(GET), existingPolicyDocument=policy(more), policyType="IDENTITY_POLICY"
    )
    assert (same["result"], same.get("reasons", [])) == ("PASS", [])


def test_listed_access_is_told_in_awss_words(analyzer: Any) -> None:
    answer = analyzer.check_access_not_granted(
        policyDocument=policy(GET),
        access=[{"actions": ["s3:DeleteBucket", "s3:GetBucketLocation"]}],
        policyType="IDENTITY_POLICY",
    )
    assert answer["result"] == "PASS"
    assert (
        answer["message"] == "The policy document does not grant access to perform one or more of the listed actions."
    )
    put = {**JOHN, "Sid": "AllowJohnDoe", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-bucket/*"}
    answer = analyzer.check_access_not_granted(
        policyDocument=policy(put), access=[{"resources": ["arn:aws:s3:::my-bucket/*"]}], policyType="RESOURCE_POLICY"
    )
    assert {key: answer[key] for key in ("result", "message", "reasons")} == {
        "result": "FAIL",
        "message": "The policy document grants access to perform one or more of the listed actions or resources.",
        "reasons": [
            {
                "description": "One or more of the listed actions or resources in the statement with sid: AllowJohnDoe.",
                "statementIndex": 0,
                "statementId": "AllowJohnDoe",
            }
        ],
    }


def test_public_access_is_told_in_awss_words(analyzer: Any) -> None:
    answer = analyzer.check_no_public_access(policyDocument=policy(BOB), resourceType="AWS::S3::Bucket")
    assert {key: answer[key] for key in ("result", "message", "reasons")} == {
        "result": "FAIL",
        "message": "The resource policy grants public access for the given resource type.",
        "reasons": [
            {
                "description": "Public access granted in the following statement with sid: Bob.",
                "statementIndex": 0,
                "statementId": "Bob",
            }
        ],
    }
    answer = analyzer.check_no_public_access(policyDocument=policy(JOHN), resourceType="AWS::S3::Bucket")
    assert (answer["result"], answer["message"]) == (
        "PASS",
        "The resource policy does not grant public access for the given resource type.",
    )


BAD: list[tuple[str, dict[str, Any], str, int]] = [
    ("validate_policy", {"policyDocument": "{}", "policyType": "OTHER"}, "ValidationException", 400),
    (
        "validate_policy",
        {"policyDocument": "{}", "policyType": "IDENTITY_POLICY", "validatePolicyResourceType": "AWS::S3::Bucket"},
        "ValidationException",
        400,
    ),
    (
        "validate_policy",
        {"policyDocument": "{}", "policyType": "IDENTITY_POLICY", "maxResults": 0},
        "ValidationException",
        400,
    ),
    (
        "validate_policy",
        {"policyDocument": " " * 300_000, "policyType": "IDENTITY_POLICY"},
        "ValidationException",
        400,
    ),
    (
        "check_no_public_access",
        {"policyDocument": "[", "resourceType": "AWS::S3::Bucket"},
        "InvalidParameterException",
        400,
    ),
    (
        "check_no_public_access",
        {"policyDocument": policy(GET), "resourceType": "AWS::S3::Bucket"},
        "InvalidParameterException",
        400,
    ),
    (
        "check_access_not_granted",
        {"policyDocument": policy(GET), "access": [{}], "policyType": "IDENTITY_POLICY"},
        "InvalidParameterException",
        400,
    ),
    ("list_analyzers", {}, "NotImplemented", 501),
    ("untag_resource", {"resourceArn": "arn:aws:x/y z", "tagKeys": ["a", "b"]}, "NotImplemented", 501),
]


@pytest.mark.parametrize(("operation", "given", "code", "status"), BAD)
def test_bad_requests_are_refused_clearly(analyzer: Any, operation: str, given: Any, code: str, status: int) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(analyzer, operation)(**given)
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_only_those_with_the_right_may_ask(server: Server) -> None:
    carol = server.client("accessanalyzer", server.user("carol"))
    with pytest.raises(ClientError) as refused:
        carol.validate_policy(policyDocument="{}", policyType="IDENTITY_POLICY")
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    assert answer["Error"]["Message"] == (
        "User: arn:aws:iam::123456789012:user/carol is not authorized to perform: access-analyzer:ValidatePolicy on"
        " resource: * because no identity-based policy allows the access-analyzer:ValidatePolicy action"
    )


@pytest.mark.parametrize("cli", ["aws", "aws2"])
def test_both_clis_validate_a_policy(server: Server, tmp_path: Path, cli: str) -> None:
    words = ["accessanalyzer", "validate-policy", "--policy-type", "IDENTITY_POLICY", "--policy-document"]
    done = subprocess.run(
        [str(tool(cli)), *words, policy({"Effect": "Allow", "Action": "*", "Resource": "*"})],
        env=server.environment(tmp_path, server.root),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    codes = [finding["issueCode"] for finding in json.loads(done.stdout)["findings"]]
    assert codes == ["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE"]
