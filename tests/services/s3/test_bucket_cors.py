"""A bucket's CORS rules, put and read by boto3 and asked for as browsers do, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.s3.served import asked, refused
from tests.serving import Server


def test_cors_rules_are_kept_read_and_removed(s3: Any, bucket: str) -> None:
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"
    rules = [
        {
            "ID": "app",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["PUT", "GET"],
            "AllowedOrigins": ["https://*.example"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 10,
        },
        {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]},
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    assert s3.delete_bucket_cors(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest", "Unsupported method is PATCH"),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.*"]},
            "InvalidRequest",
            'AllowedOrigin "https://*.*" can not have more than one wildcard.',
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]},
            "InvalidRequest",
            "We currently do not support wildcard for ExposeHeader",
        ),
        ({"AllowedMethods": [], "AllowedOrigins": ["*"]}, "MalformedXML", ""),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": []}, "MalformedXML", ""),
    ],
)
def test_cors_rules_that_s3_does_not_take(
    s3: Any, bucket: str, rule: dict[str, list[str]], code: str, message: str
) -> None:
    error = refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert error["Code"] == code
    assert message in error["Message"]


@pytest.mark.parametrize("element", ["ExposeHeaders", "AllowedHeaders", "AllowedOrigins", "AllowedMethods"])
def test_line_ends_in_cors_rules_never_reach_a_header(s3: Any, bucket: str, element: str) -> None:
    """CVE-2020-10753, CVE-2021-3524: a line end in ExposeHeader put further headers into answers."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]} | {element: ["x\r\nset-cookie: a=b"]}
    error = refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert error["Status"] == 400
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"


def test_browsers_are_answered_by_the_rules_and_no_right_comes_with_it(server: Server, s3: Any, bucket: str) -> None:
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://app.example"], "AllowedHeaders": ["x-amz-*"]}
    path = f"/{bucket}/key"
    wish = {"access_control_request_method": "PUT", "access_control_request_headers": "x-amz-date"}
    assert asked(server, "OPTIONS", path, origin="https://app.example", **wish)[0] == 403
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers = asked(server, "OPTIONS", path, origin="https://app.example", **wish)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-amz-date"
    status, headers = asked(server, "OPTIONS", path, origin="https://evil.example", **wish)
    assert status == 403
    assert "access-control-allow-origin" not in headers
    status, headers = asked(server, "GET", path, origin="https://app.example")
    assert (status, headers["access-control-allow-origin"]) == (403, "https://app.example")
    status, headers = asked(server, "GET", path, origin="https://evil.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers
