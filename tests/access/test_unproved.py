"""Every problem of a signature has its words, in every service where it can occur."""

from __future__ import annotations

import pytest
from tests.access.world import START

from rolecall.access import unproved, unproved_s3
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import Scheme

ANY = {
    "name": "X-Amz-Date",
    "algorithm": "AWS4-X",
    "token": "t",
    "missing": "Signature",
    "authorization": "AWS4-X a",
    "credential": "a/b",
    "signed_headers": "host;;",
    "scope": "20261124",
    "date": "20261124T120000Z",
    "given": "a",
    "expected": "b",
    "headers": "x-amz-acl",
    "payload": "p",
    "canonical_request": "GET",
    "string_to_sign": "s",
    "provided": "0",
    "expires": "60",
    "chunk": "1",
    "size": "5",
    "message": "Invalid Policy: m",
    "condition": "c",
    "field": "f",
}
OF_BODIES = {kind for kind in Problem if kind.name.startswith(("CHUNK", "LENGTH", "TRAILER"))}
OF_S3 = OF_BODIES | {kind for kind in Problem if kind.name.startswith(("PAYLOAD", "POLICY", "FORM"))}


@pytest.mark.parametrize("kind", Problem)
@pytest.mark.parametrize("scheme", Scheme)
def test_every_problem_has_words_of_s3(kind: Problem, scheme: Scheme) -> None:
    problem = SignatureProblem(kind, **ANY)
    if kind in OF_BODIES:
        error = unproved_s3.body_refused(problem, None)
    else:
        error = unproved_s3.signature_refused(problem, scheme=scheme, signed=None, now=START)
    assert error.message
    assert error.status in {400, 403}


@pytest.mark.parametrize("kind", sorted(set(Problem) - OF_S3, key=lambda kind: kind.name))
@pytest.mark.parametrize("service", ["iam", "sts", "cloudtrail"])
def test_every_problem_has_words_of_the_other_services(kind: Problem, service: str) -> None:
    error = unproved.signature_refused(SignatureProblem(kind, **ANY), service, now=START)
    assert error.message
    assert error.status in {400, 403}
