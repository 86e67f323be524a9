"""The words of IAM, STS and the services that speak JSON for signatures that do not hold."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.access.client import FORM, Client, enter, refused
from tests.access.world import World
from tests.sigv4.signer import Sent

from rolecall.message import ServiceError


def expect(found: ServiceError, code: str, status: int, message: str) -> None:
    assert (found.code, found.status, found.message) == (code, status, message)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_a_wrong_signature_is_refused(world: World, alice: Client, service: str) -> None:
    expect(
        refused(world, alice.sent(service).tampered(), service),
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
        " Key and signing method. Consult the service documentation for details.",
    )


def test_the_body_is_signed(world: World, alice: Client) -> None:
    sent = alice.sent("sts")
    other = replace(sent, body=sent.body.replace(b"GetCallerIdentity", b"GetSessionToken"))
    assert refused(world, other, "sts").code == "SignatureDoesNotMatch"
    named = other.with_header("x-amz-content-sha256", hashlib.sha256(sent.body).hexdigest())
    assert refused(world, named, "sts").code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("value", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_no_header_makes_the_body_unsigned(world: World, alice: Client, value: str) -> None:
    """CVE-2026-40344: values of x-amz-content-sha256 that led past the signature."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    sent = alice.signer("sts").send("POST", "/", (), {**FORM, "x-amz-content-sha256": value}, body)
    assert refused(world, sent, "sts").code == "SignatureDoesNotMatch"


def test_a_signature_too_old_or_too_new_is_told_the_time(world: World, alice: Client) -> None:
    sent = alice.sent("sts")
    world.wait(minutes=16)
    expect(
        refused(world, sent, "sts"),
        "SignatureDoesNotMatch",
        403,
        "Signature expired: 20261124T120000Z is now earlier than 20261124T120100Z (20261124T121600Z - 15 min.)",
    )
    world.wait(minutes=-32)
    expect(
        refused(world, sent, "sts"),
        "SignatureDoesNotMatch",
        403,
        "Signature not yet current: 20261124T120000Z is still later than 20261124T115900Z (20261124T114400Z + 15 min.)",
    )


def test_a_presigned_identity_expires(world: World, alice: Client) -> None:
    query = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
    sent = alice.signer("sts").presign("GET", "/", query, expires=60)
    assert enter(world, sent, "sts").caller.user is not None
    world.wait(seconds=61)
    expect(
        refused(world, sent, "sts"),
        "SignatureDoesNotMatch",
        403,
        "Signature expired: 20261124T120000Z is now earlier than 20261124T120001Z (20261124T120101Z - 1 min.)",
    )


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ({"service": "s3"}, "Credential should be scoped to correct service: 'iam'."),
        ({"region": "mars"}, "Credential should be scoped to a valid region. "),
    ],
)
def test_a_wrong_scope_is_told_the_right_one(world: World, alice: Client, scope: dict[str, str], message: str) -> None:
    sent = replace(alice.signer("iam"), **scope).send("POST", "/", (), FORM, b"Action=ListUsers")
    expect(refused(world, sent, "iam", region="us-east-1"), "SignatureDoesNotMatch", 403, message)


@pytest.mark.parametrize(
    ("change", "code", "status", "message"),
    [
        (
            lambda s: s.with_header("x-amz-date", "today"),
            "IncompleteSignature",
            400,
            "Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601",
        ),
        (
            lambda s: s.with_header("x-amz-thing", "x"),
            "SignatureDoesNotMatch",
            403,
            "'x-amz-thing' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            lambda s: s.with_header("authorization", s.header("authorization").replace("host;", "")),
            "SignatureDoesNotMatch",
            403,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            lambda s: s.with_header("authorization", s.header("authorization").replace("/aws4_request", "/x")),
            "SignatureDoesNotMatch",
            403,
            "Credential should be scoped with a valid terminator: 'aws4_request'.",
        ),
        (
            lambda s: s.with_header("authorization", s.header("authorization").replace("/20261124/", "/20261123/")),
            "SignatureDoesNotMatch",
            403,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        ),
        (
            lambda s: s.with_header(
                "authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"
            ),
            "IncompleteSignature",
            400,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
        ),
        (
            lambda s: s.with_header("authorization", ""),
            "MissingAuthenticationToken",
            403,
            "Request is missing Authentication Token",
        ),
        (
            lambda s: s.with_header("authorization", None).with_header("x-amz-security-token", "t"),
            "MissingAuthenticationToken",
            403,
            "Request is missing Authentication Token",
        ),
        (
            lambda s: replace(
                s,
                query="X-Amz-Date=1&X-Amz-Signature=1&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Algorithm=AWS4-HMAC-SHA256",
            ).with_header("authorization", None),
            "IncompleteSignature",
            400,
            "AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters.",
        ),
    ],
)
def test_a_signature_that_cannot_be_read_is_told_why(
    world: World, alice: Client, change: Callable[[Sent], Sent], code: str, status: int, message: str
) -> None:
    expect(refused(world, change(alice.sent("iam")), "iam"), code, status, message)


def test_the_parts_that_the_header_lacks_are_named(world: World, alice: Client) -> None:
    value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host"
    digest = base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
    expect(
        refused(world, alice.sent("iam").with_header("authorization", value), "iam"),
        "IncompleteSignature",
        400,
        "Authorization header requires 'Signature' parameter. (Hashed with SHA-256 and encoded with Base64)"
        f" Authorization={digest}",
    )
    sent = alice.sent("iam").with_header("x-amz-date", None)
    digest = base64.b64encode(hashlib.sha256(sent.header("authorization").encode()).digest()).decode()
    expect(
        refused(world, sent, "iam"),
        "IncompleteSignature",
        400,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256"
        f" and encoded with Base64) Authorization={digest}",
    )


def test_services_that_speak_json_name_their_own_codes(world: World, alice: Client) -> None:
    sent = alice.sent("cloudtrail")
    enter(world, sent, "cloudtrail")
    found = refused(world, sent.tampered(), "cloudtrail")
    assert (found.code, found.status) == ("InvalidSignatureException", 400)
    found = refused(world, replace(alice, access_key_id="AKIAUNKNOWN234567ABC").sent("cloudtrail"), "cloudtrail")
    assert (found.code, found.status) == ("UnrecognizedClientException", 400)
