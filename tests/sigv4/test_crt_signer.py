"""The signer of AWS's C runtime, which newer SDKs share, signs and we check."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from awscrt import auth, http
from tests.sigv4.signer import Sent

from rolecall.sigv4.signature import check, read

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
HEADERS, QUERY = auth.AwsSignatureType.HTTP_REQUEST_HEADERS, auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS
VALUES = auth.AwsSignedBodyValue
TARGETS = [
    "/b/k",
    "/b//k",
    "/b/./k/../x",
    "/b/a%20b/",
    "/b/%E2%82%AC%2B~%27%28%29%2A%21",
    "/b/k?a=1&b=&c",
    "/b/k?prefix=a%20b%2Fc&a=2&a=1",
    "/b/k?x=%7E%2A&X=1",
]


def signed(target: str, service: str, where: auth.AwsSignatureType, body: str) -> Sent:
    """Return a request as the runtime signs it."""
    is_s3 = service == "s3"
    named = is_s3 and where is HEADERS
    kinds = auth.AwsSignedBodyHeaderType
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=where,
        credentials_provider=auth.AwsCredentialsProvider.new_static("AKIAIOSFODNN7EXAMPLE", "secret", "token"),
        region="us-east-1",
        service=service,
        date=NOW,
        use_double_uri_encode=not is_s3,
        should_normalize_uri_path=not is_s3,
        signed_body_value=body,
        signed_body_header_type=kinds.X_AMZ_CONTENT_SHA_256 if named else kinds.NONE,
        expiration_in_seconds=None if where is HEADERS else 60,
    )
    headers = http.HttpHeaders(
        [("host", "127.0.0.1:4500"), ("x-amz-meta-a", "a  b   c"), ("content-type", "text/plain;  charset=utf-8")]
    )
    request = http.HttpRequest("PUT", target, headers)
    auth.aws_sign_request(request, config).result(10)
    path, _, query = request.path.partition("?")
    return Sent("PUT", path, query, tuple((name.lower(), value) for name, value in request.headers))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("service", "where", "body"),
    [
        ("s3", HEADERS, VALUES.UNSIGNED_PAYLOAD),
        ("s3", HEADERS, VALUES.EMPTY_SHA256),
        ("s3", HEADERS, VALUES.STREAMING_AWS4_HMAC_SHA256_PAYLOAD),
        ("s3", QUERY, VALUES.UNSIGNED_PAYLOAD),
        ("iam", HEADERS, VALUES.EMPTY_SHA256),
        ("iam", QUERY, VALUES.EMPTY_SHA256),
    ],
)
def test_what_the_runtime_signs_is_checked(target: str, service: str, where: auth.AwsSignatureType, body: str) -> None:
    request = signed(target, service, where, body).request()
    found = read(request, service=service)
    assert found is not None
    assert found.token == "token"
    check(found, request, "secret", now=NOW, service=service)
