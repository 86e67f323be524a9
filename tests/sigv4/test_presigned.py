"""Requests signed in their query: what one proves, for how long, and who may not bend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.sigv4.signer import Signer
from tests.sigv4.test_signature import NOW, S3, STS, problem, verify

from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import Payload, Scheme, read, scope_service

PARAMETERS = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
]


def parameter(query: str, name: str) -> str:
    return next(piece.partition("=")[2] for piece in query.split("&") if piece.startswith(f"{name}="))


def without(query: str, name: str) -> str:
    return "&".join(piece for piece in query.split("&") if not piece.startswith(f"{name}="))


def test_a_presigned_request_says_who_and_how_long() -> None:
    sent = replace(S3, token="token").presign("GET", "/b/k", expires=60)
    verify(sent)
    assert scope_service(sent.request()) == "s3"
    signed = read(sent.request(), service="s3")
    assert signed is not None
    assert (signed.scheme, signed.expires, signed.token) == (Scheme.QUERY, 60, "token")
    assert signed.payload is Payload.UNSIGNED


@pytest.mark.parametrize("signer", [S3, STS])
def test_a_presigned_request_proves_that_request_and_no_other(signer: Signer) -> None:
    """CVE-2025-65073: a presigned URL's signature was turned into a token."""
    sent = signer.presign("GET", "/b/k", [("versionId", "1")])
    verify(sent, signer.service)
    for other in (
        replace(sent, method="PUT"),
        replace(sent, path="/b/other"),
        replace(sent, query=sent.query.replace("versionId=1", "versionId=2")),
        replace(sent, query=f"{sent.query}&acl="),
        sent.with_header("host", "elsewhere"),
    ):
        assert problem(other, signer.service).kind is Problem.MISMATCH
    signature = parameter(sent.query, "X-Amz-Signature")
    in_header = signer.send("GET", "/b/k", [("versionId", "1")])
    value = f"{in_header.header('authorization')[:-64]}{signature}"
    assert problem(in_header.with_header("authorization", value), signer.service).kind is Problem.MISMATCH


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_given_twice_is_refused_before_anything_is_checked(name: str) -> None:
    """CVE-2022-2385: duplicated and case-variant parameters of a presigned identity."""
    sent = replace(S3, token="token").presign("GET", "/b/k")
    value = parameter(sent.query, name)
    encoded = name.replace("-", "%2d")
    for again in (name, name.lower(), name.upper(), encoded, encoded.lower()):
        for query in (f"{sent.query}&{again}={value}", f"{again}={value}&{sent.query}"):
            assert problem(replace(sent, query=query)).kind in {Problem.REPEATED, Problem.QUERY_MISSPELT}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_in_another_spelling_is_refused(name: str) -> None:
    sent = replace(S3, token="token").presign("GET", "/b/k")
    for spelled in (name.lower(), name.replace("-", "%2D"), name.replace("A", "%41")):
        query = sent.query.replace(f"{name}=", f"{spelled}=")
        assert problem(replace(sent, query=query)).kind is Problem.QUERY_MISSPELT


@pytest.mark.parametrize("name", PARAMETERS[:6])
def test_a_parameter_left_out_is_named(name: str) -> None:
    sent = S3.presign("GET", "/b/k")
    found = problem(replace(sent, query=without(sent.query, name)))
    assert found.kind is Problem.QUERY_INCOMPLETE
    assert found.detail["missing"] == name


@pytest.mark.parametrize(
    ("expires", "kind"),
    [
        ("604800", None),
        ("604801", Problem.EXPIRES_TOO_LONG),
        ("99999999999999999999", Problem.EXPIRES_NOT_NUMBER),
        ("1", None),
        ("0", Problem.EXPIRES_NEGATIVE),
        ("-1", Problem.EXPIRES_NEGATIVE),
        ("1.5", Problem.EXPIRES_NOT_NUMBER),
        ("+60", Problem.EXPIRES_NOT_NUMBER),
        ("٦٠", Problem.EXPIRES_NOT_NUMBER),
        ("soon", Problem.EXPIRES_NOT_NUMBER),
    ],
)
def test_a_lifetime_is_one_second_to_a_week(expires: str, kind: Problem | None) -> None:
    sent = S3.presign("GET", "/b/k", expires=expires)
    if kind is None:
        verify(sent)
    else:
        assert problem(sent).kind is kind


@pytest.mark.parametrize("signer", [S3, STS])
def test_a_presigned_request_ends_and_does_not_begin_early(signer: Signer) -> None:
    """OpenStack bug 1872737: a signed request that never expired."""
    sent = signer.presign("GET", "/b/k", expires=3600)
    verify(sent, signer.service, now=NOW + timedelta(seconds=3600))
    found = problem(sent, signer.service, now=NOW + timedelta(seconds=3601))
    assert found.kind is Problem.EXPIRED
    assert found.detail == {"date": "20261124T210000Z", "expires": "3600"}
    verify(sent, signer.service, now=NOW - timedelta(minutes=15))
    assert problem(sent, signer.service, now=NOW - timedelta(minutes=15, seconds=1)).kind is Problem.NOT_YET_VALID


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_presigned_hash_is_covered_wherever_it_stands(where: str) -> None:
    sent = S3.presign("PUT", "/b/k", body=b"data", mode="a" * 64, mode_in_query=where == "query")
    verify(sent)
    signed = read(sent.request(), service="s3")
    assert signed is not None
    assert (signed.payload, signed.payload_hash) == (Payload.HASH, "a" * 64)
    if where == "header":
        assert problem(sent.with_header("x-amz-content-sha256", "b" * 64)).kind is Problem.MISMATCH
        assert problem(sent.with_header("x-amz-content-sha256", None)).kind is Problem.MISMATCH
    else:
        assert problem(sent.with_header("x-amz-content-sha256", "b" * 64)).kind is Problem.PAYLOAD_TWICE
        verify(sent.with_header("x-amz-content-sha256", "a" * 64))


def test_a_streaming_hash_added_to_a_presigned_request_breaks_it() -> None:
    """CVE-2026-40344: a presigned credential with a streaming hash skipped the signature."""
    sent = S3.presign("PUT", "/b/k", body=b"data")
    added = sent.with_header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert problem(added).kind is Problem.MISMATCH


def test_a_token_in_two_places_is_refused() -> None:
    sent = replace(S3, token="token").presign("GET", "/b/k", headers={"x-amz-security-token": "other"})
    assert problem(sent).kind is Problem.REPEATED


def test_an_amz_header_added_to_a_presigned_request_is_refused() -> None:
    found = problem(S3.presign("PUT", "/b/k").with_header("x-amz-acl", "public-read"))
    assert found.kind is Problem.HEADERS_UNSIGNED
    assert found.detail["headers"] == "x-amz-acl"


@pytest.mark.parametrize(
    "query",
    [
        "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1141889120",
        "Signature=x&AWSAccessKeyId=y",
    ],
)
def test_the_old_kind_of_presigned_request_is_refused(query: str) -> None:
    sent = S3.send("GET", "/b/k").with_header("authorization", None)
    assert problem(replace(sent, query=query)).kind is Problem.OLD_VERSION


def test_the_asymmetric_kind_is_refused() -> None:
    sent = S3.presign("GET", "/b/k")
    query = sent.query.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
    with pytest.raises(SignatureProblem) as caught:
        read(replace(sent, query=query).request(), service="s3")
    assert caught.value.kind is Problem.ALGORITHM
