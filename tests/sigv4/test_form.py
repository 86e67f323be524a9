"""Upload forms: the signature over the policy, and the policy over the form."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sigv4.signer import Signer
from tests.sigv4.test_signature import NOW, S3

from rolecall.sigv4.form import PostPolicy, check_form, parse_policy, read_form
from rolecall.sigv4.problem import Problem, SignatureProblem

END = "2026-11-24T22:00:00.000Z"
CONDITIONS: list[object] = [
    {"bucket": "uploads"},
    ["starts-with", "$key", "user/alice/"],
    ["starts-with", "$Content-Type", "image/"],
    ["content-length-range", 10, 2000],
]
FIELDS = {"key": "user/alice/a.png", "content-type": "image/png"}


def fields(conditions: list[object] | None = None, **more: str) -> dict[str, str]:
    """Return a form whose policy names only what the conditions name, apart from the fields of the signature."""
    own = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": S3.credential,
        "x-amz-date": S3.amz_date,
    }
    covered: list[object] = [*(CONDITIONS if conditions is None else conditions), *({name: own[name]} for name in own)]
    document = json.dumps({"expiration": END, "conditions": covered})
    return S3.sign_policy(document.encode(), {**FIELDS, **own, **more})


def verify(form: dict[str, str], *, bucket: str = "uploads", now: datetime = NOW, secret: str = "secret") -> PostPolicy:
    signed = read_form(form)
    assert signed is not None
    check_form(signed, form["policy"], secret, now=now)
    policy = parse_policy(form["policy"])
    policy.check(form, bucket=bucket, now=now)
    return policy


def problem(form: dict[str, str], **options: object) -> SignatureProblem:
    with pytest.raises(SignatureProblem) as caught:
        verify(form, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_form_that_fulfils_its_signed_policy_passes_and_tells_the_length_it_may_have() -> None:
    policy = verify(fields())
    assert (policy.shortest, policy.longest) == (10, 2000)
    assert policy.expiration == datetime(2026, 11, 24, 22, tzinfo=UTC)


def test_a_form_without_a_signature_is_nobodys() -> None:
    assert read_form({"key": "a", "acl": "private"}) is None


@pytest.mark.parametrize("name", ["policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"])
def test_a_signed_form_has_all_of_its_fields(name: str) -> None:
    """CVE-2023-28434: a crafted form skipped the check of its policy."""
    form = fields()
    for broken in ({**form, name: ""}, {key: value for key, value in form.items() if key != name}):
        found = problem(broken)
        assert found.kind is Problem.FORM_INCOMPLETE
        assert found.detail["missing"] == name


def test_the_signature_covers_the_policy() -> None:
    form = fields()
    wider = base64.b64encode(base64.b64decode(form["policy"]).replace(b"alice", b"")).decode()
    assert problem({**form, "policy": wider}).kind is Problem.MISMATCH
    assert problem(form, secret="other").kind is Problem.MISMATCH
    flipped = ("1" if form["x-amz-signature"][0] == "0" else "0") + form["x-amz-signature"][1:]
    assert problem({**form, "x-amz-signature": flipped}).kind is Problem.MISMATCH


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        ({"key": "user/bob/a.png"}, '["starts-with", "$key", "user/alice/"]'),
        ({"key": "../alice/a.png"}, '["starts-with", "$key", "user/alice/"]'),
        ({"content-type": "text/html"}, '["starts-with", "$Content-Type", "image/"]'),
        ({"content-type": "image/png, text/html"}, '["starts-with", "$Content-Type", "image/"]'),
    ],
)
def test_each_condition_is_enforced(change: dict[str, str], condition: str) -> None:
    """GHSA-w5fh-f8xh-5x3p: conditions of upload forms were not enforced."""
    found = problem({**fields(), **change})
    assert found.kind is Problem.POLICY_FAILED
    assert found.detail["condition"] == condition


def test_several_content_types_each_fulfil_the_condition() -> None:
    verify({**fields(), "content-type": "image/png, image/jpeg"})


def test_the_bucket_is_the_one_that_is_addressed_whatever_a_field_says() -> None:
    """CVE-2023-43040: a form field named the bucket that the policy was checked against."""
    assert problem(fields(), bucket="secrets").kind is Problem.POLICY_FAILED
    assert problem(fields(bucket="uploads"), bucket="secrets").kind is Problem.POLICY_FAILED
    verify(fields(bucket="elsewhere"))


def test_a_field_that_no_condition_covers_is_refused() -> None:
    found = problem(fields(acl="public-read"))
    assert found.kind is Problem.POLICY_EXTRA
    assert found.detail["field"] == "acl"
    verify({**fields(), "x-ignore-me": "1", "file": ""})


def test_a_condition_on_a_field_that_is_absent_is_about_an_empty_one() -> None:
    missing = fields([*CONDITIONS, {"acl": "private"}])
    assert problem(missing).detail["condition"] == '["eq", "$acl", "private"]'
    verify(fields([*CONDITIONS, ["starts-with", "$acl", ""]]))


def test_names_and_operators_are_compared_without_case_and_values_with_it() -> None:
    conditions: list[object] = [
        {"bUcKeT": "uploads"},
        ["StArTs-WiTh", "$KeY", "user/"],
        ["EQ", "$content-TYPE", "image/png"],
    ]
    verify(fields(conditions))
    assert problem({**fields(conditions), "key": "USER/a"}).kind is Problem.POLICY_FAILED


def test_a_policy_ends() -> None:
    verify(fields(), now=NOW + timedelta(minutes=59))
    assert problem(fields(), now=NOW + timedelta(hours=1)).kind is Problem.POLICY_EXPIRED


def test_a_form_does_not_outlive_a_week_nor_begin_early() -> None:
    """OpenStack bug 1872737: a signed request that never expired."""
    signer = Signer(S3.access_key_id, S3.secret, NOW)
    form = signer.form([{"bucket": "uploads"}], "2036-01-01T00:00:00Z", {"key": "a"})
    verify(form, now=NOW + timedelta(days=7))
    assert problem(form, now=NOW + timedelta(days=7, seconds=1)).kind is Problem.POLICY_EXPIRED
    assert problem(form, now=NOW - timedelta(minutes=16)).kind is Problem.NOT_YET_VALID


def test_the_credential_must_be_for_s3_and_this_day() -> None:
    sts = replace(S3, service="sts").form([{"bucket": "uploads"}], END, {"key": "a"})
    assert problem(sts).kind is Problem.SCOPE_SERVICE
    assert problem({**fields(), "x-amz-date": "20261125T000000Z"}).kind is Problem.SCOPE_DATE


@pytest.mark.parametrize("name", ["AWSAccessKeyId", "signature"])
def test_the_old_kind_of_form_is_refused(name: str) -> None:
    with pytest.raises(SignatureProblem) as caught:
        read_form({**fields(), name.lower(): "x"})
    assert caught.value.kind is Problem.OLD_VERSION


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{",
        '"text"',
        "[" * 5000,
        '{"expiration": "2030-01-01T00:00:00Z"}',
        '{"conditions": []}',
        '{"EXPIRATION": "2030-01-01T00:00:00Z", "conditions": []}',
        '{"expiration": "2030-01-01T00:00:00Z", "CONDITIONS": []}',
        '{"expiration": "2030-01-01", "conditions": []}',
        '{"expiration": "2030-13-01T00:00:00Z", "conditions": []}',
        '{"expiration": "2030-01-01T00:00:00", "conditions": []}',
        '{"expiration": 5, "conditions": []}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": {}}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [], "conditions": []}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [{}]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [{"a": "b", "c": "d"}]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [{"a": 1}]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [[]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": ["eq"]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [null]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["ends-with", "$key", "a"]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["eq", "key", "a"]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["eq", "$key"]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["eq", "$key", 1]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["content-length-range", 0]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["content-length-range", -1, 5]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["content-length-range", true, 5]]}',
        '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["content-length-range", 0, 1e9999]]}',
    ],
)
def test_a_policy_that_is_none_is_refused(document: str) -> None:
    with pytest.raises(SignatureProblem) as caught:
        parse_policy(base64.b64encode(document.encode()).decode())
    assert caught.value.kind is Problem.POLICY_UNREADABLE
    assert caught.value.detail["message"].startswith("Invalid Policy: ")


@given(text=st.text(max_size=60))
def test_any_text_is_a_policy_or_a_problem(text: str) -> None:
    for policy in (text, base64.b64encode(text.encode()).decode()):
        try:
            parse_policy(policy)
        except SignatureProblem:
            continue


def test_several_ranges_of_length_all_hold() -> None:
    ranges: list[object] = [["content-length-range", 1, 100], ["content-length-range", "5", "200"]]
    document = json.dumps({"expiration": END, "conditions": ranges}).encode()
    policy = parse_policy(base64.b64encode(document).decode())
    assert (policy.shortest, policy.longest) == (5, 100)
