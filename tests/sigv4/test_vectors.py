"""AWS's own signature vectors, as botocore's source distribution carries them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.sigv4.signer import Sent
from tests.upstream import botocore_source

from rolecall.sigv4.canonical import canonical_request
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import check, read

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def vectors() -> dict[str, Path]:
    suite = botocore_source() / "tests" / "unit" / "auth" / "aws4_testsuite"
    return {path.stem: path for path in sorted(suite.rglob("*.sreq"))}


def wire(path: Path) -> Sent:
    """Read a signed request as the vectors write it: bytes unencoded, header lines folded."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    first, *lines = head.decode("latin-1").replace("\n ", " ").split("\n")
    method, _, target = first.removesuffix(" HTTP/1.1").partition(" ")
    headers = [line.partition(":") for line in lines]
    raw_path, _, query = target.partition("?")
    sent = Sent(method, raw_path, query, tuple((name.lower(), value) for name, _, value in headers), body)
    # In one vector the signed request holds a made-up signature; the file beside it holds the real one.
    return sent.with_header("authorization", path.with_suffix(".authz").read_text())


def latin(sent: Sent) -> Sent:
    """Undo the latin-1 reading of path and query, which `Sent.request` encodes as UTF-8."""
    return replace(
        sent, path=sent.path.encode("latin-1").decode("utf-8"), query=sent.query.encode("latin-1").decode("utf-8")
    )


def test_every_vector_of_aws_verifies_with_the_canonical_request_that_aws_prints() -> None:
    held = 0
    for name, path in vectors().items():
        if name == "post-sts-header-after":
            continue
        request = latin(wire(path)).request()
        signed = read(request, service="service")
        assert signed is not None, name
        body = request.body.data  # type: ignore[attr-defined]
        digest = hashlib.sha256(body).hexdigest()
        names = signed.signed_headers.split(";")
        canonical = canonical_request(request, names, signed.signed_headers, digest, is_s3=False)
        assert canonical == path.with_suffix(".creq").read_bytes(), name
        check(signed, request, SECRET, now=NOW, service="service", region="us-east-1", body_sha256=digest)
        held += 1
    assert held == 33


def test_no_vector_verifies_with_another_secret() -> None:
    for name, path in vectors().items():
        request = latin(wire(path)).request()
        signed = read(request, service="service")
        assert signed is not None
        with pytest.raises(SignatureProblem):
            check(signed, request, SECRET + "x", now=NOW, service="service")
        assert name


def test_a_token_added_after_signing_is_refused() -> None:
    request = wire(vectors()["post-sts-header-after"]).request()
    signed = read(request, service="service")
    assert signed is not None
    with pytest.raises(SignatureProblem) as caught:
        check(signed, request, SECRET, now=NOW, service="service")
    assert caught.value.kind is Problem.HEADERS_UNSIGNED
