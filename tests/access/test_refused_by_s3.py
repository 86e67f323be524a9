"""S3's own words for signatures that do not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.access.client import Client, refused
from tests.access.world import START, World
from tests.sigv4.signer import EMPTY, Sent

from rolecall.message import ServiceError


def test_a_wrong_signature_is_answered_with_what_should_have_been_signed(world: World, alice: Client) -> None:
    found = refused(world, alice.sent().tampered())
    assert (found.code, found.status) == ("SignatureDoesNotMatch", 403)
    assert found.message == (
        "The request signature we calculated does not match the signature you provided. Check your key and signing"
        " method."
    )
    fields = found.fields
    assert fields["AWSAccessKeyId"] == alice.access_key_id
    assert fields["StringToSign"].startswith("AWS4-HMAC-SHA256\n20261124T120000Z\n20261124/us-east-1/s3/aws4_request\n")
    assert bytes.fromhex(fields["StringToSignBytes"]) == fields["StringToSign"].encode()
    assert fields["CanonicalRequest"].startswith("GET\n/bucket/key\n\nhost:")
    assert bytes.fromhex(fields["CanonicalRequestBytes"]) == fields["CanonicalRequest"].encode()
    assert fields["CanonicalRequestBytes"][:8] == "47 45 54"
    assert len(fields["SignatureProvided"]) == 64


def test_a_wrong_clock_is_told_the_right_time(world: World, alice: Client) -> None:
    sent = alice.sent()
    world.wait(minutes=16)
    found = refused(world, sent)
    assert (found.code, found.status) == ("RequestTimeTooSkewed", 403)
    assert found.message == "The difference between the request time and the current time is too large."
    assert found.fields == {
        "RequestTime": "20261124T120000Z",
        "ServerTime": "2026-11-24T12:16:00Z",
        "MaxAllowedSkewMilliseconds": "900000",
    }


def test_an_expired_presigned_request_is_told_when_it_expired(world: World, alice: Client) -> None:
    sent = alice.signer().presign("GET", "/bucket/key", expires=60)
    world.wait(seconds=61)
    found = refused(world, sent)
    assert (found.code, found.status, found.message) == ("AccessDenied", 403, "Request has expired")
    assert found.fields == {
        "X-Amz-Expires": "60",
        "Expires": "2026-11-24T12:01:00Z",
        "ServerTime": "2026-11-24T12:01:01Z",
    }


def test_a_presigned_request_before_its_time_is_refused(world: World, alice: Client) -> None:
    sent = alice.signer(now=START + timedelta(hours=1)).presign("GET", "/bucket/key")
    found = refused(world, sent)
    assert (found.code, found.status, found.message) == ("AccessDenied", 403, "Request is not yet valid")


@pytest.mark.parametrize(
    ("change", "code", "status", "message"),
    [
        (
            lambda s: s.with_header("x-amz-acl", "private"),
            "AccessDenied",
            403,
            "There were headers present in the request which were not signed",
        ),
        (
            lambda s: s.with_header("authorization", "AWS AKIA:sig="),
            "InvalidRequest",
            400,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        (
            lambda s: s.with_header("authorization", "AWS4-ECDSA-P256-SHA256 Credential=a"),
            "InvalidRequest",
            400,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        (
            lambda s: s.with_header("authorization", "Bearer x"),
            "InvalidArgument",
            400,
            "Unsupported Authorization Type",
        ),
        (lambda s: s.with_header("authorization", ""), "AccessDenied", 403, "Access Denied"),
        (
            lambda s: s.with_header("authorization", "AWS4-HMAC-SHA256 Credential=a"),
            "AuthorizationHeaderMalformed",
            400,
            "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.",
        ),
        (
            lambda s: s.with_header("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0"),
            "AuthorizationHeaderMalformed",
            400,
            'The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        ),
        (
            lambda s: s.with_header("x-amz-date", "today"),
            "AccessDenied",
            403,
            "AWS authentication requires a valid Date or x-amz-date header",
        ),
        (
            lambda s: s.with_header("x-amz-content-sha256", None),
            "InvalidRequest",
            400,
            "Missing required header for this request: x-amz-content-sha256",
        ),
        (
            lambda s: replace(s, query="X-Amz-Signature=0"),
            "InvalidArgument",
            400,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        ),
        (
            lambda s: replace(s, query="x-amz-date=0").with_header("authorization", None),
            "AuthorizationQueryParametersError",
            400,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        (
            lambda s: replace(s, query="Signature=0&AWSAccessKeyId=1&Expires=2").with_header("authorization", None),
            "InvalidRequest",
            400,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
    ],
)
def test_a_signature_that_cannot_be_read_is_told_why(
    world: World, alice: Client, change: Callable[[Sent], Sent], code: str, status: int, message: str
) -> None:
    found = refused(world, change(alice.sent()))
    assert (found.code, found.status, found.message) == (code, status, message)


def test_headers_that_were_not_signed_are_named(world: World, alice: Client) -> None:
    sent = alice.sent().with_header("x-amz-tagging", "a=b").with_header("x-amz-acl", "private")
    assert refused(world, sent).fields == {"HeadersNotSigned": "x-amz-acl, x-amz-tagging"}


@pytest.mark.parametrize("by", ["send", "presign"])
def test_a_wrong_scope_is_told_the_right_one(world: World, alice: Client, by: str) -> None:
    def found(pinned: str | None = None, **change: str) -> ServiceError:
        signer = replace(alice.signer(), **change)
        sent = getattr(signer, by)("GET", "/bucket/key", headers={"x-amz-content-sha256": EMPTY})
        return refused(world, sent, region=pinned)

    code, head = {
        "send": ("AuthorizationHeaderMalformed", "The authorization header is malformed; "),
        "presign": ("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "),
    }[by]
    region = found("us-east-1", region="eu-west-1")
    assert (region.code, region.status) == (code, 400)
    assert region.message == f"{head}the region 'eu-west-1' is wrong; expecting 'us-east-1'"
    assert region.fields == {"Region": "us-east-1"}
    service = found(service="iam")
    assert (service.code, service.status) == (code, 400)
    assert service.message == f'{head}incorrect service "iam". This endpoint belongs to "s3".'


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
    ],
)
def test_a_lifetime_that_cannot_be_is_told_why(world: World, alice: Client, expires: str, message: str) -> None:
    found = refused(world, alice.signer().presign("GET", "/bucket/key", expires=expires))
    assert (found.code, found.status, found.message) == ("AuthorizationQueryParametersError", 400, message)
