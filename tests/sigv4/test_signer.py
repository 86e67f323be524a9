"""botocore signs and we check; we sign and botocore agrees."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4PostAuth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from tests.sigv4.signer import HASH, Sent, Signer

from rolecall.sigv4.form import check_form, read_form
from rolecall.sigv4.signature import Scheme, check, parse_amz_date, read

KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AQoDYXdzEPT//wEXAMPLE=="
HOST = "s3.example.org:4500"

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
queries = st.lists(
    st.tuples(words.filter(lambda name: not name.lower().startswith("x-amz-") and name), words), max_size=4
)
values = st.text(st.sampled_from("abc XYZ\t,;=\"'~/"), max_size=20)


def credentials(token: str | None) -> Credentials:
    return Credentials(KEY, SECRET, token)


def encoded_query(query: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)


def sent(request: AWSRequest) -> Sent:
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.setdefault("host", HOST)
    body = request.data if isinstance(request.data, bytes) else b""
    return Sent(request.method, url.path, url.query, tuple(headers.items()), body)


def verify(wire: Sent, service: str) -> str:
    request = wire.request()
    signed = read(request, service=service)
    assert signed is not None
    digest = hashlib.sha256(wire.body).hexdigest()
    check(signed, request, SECRET, now=signed.moment, service=service, body_sha256=digest)
    return signed.signature


def ours(wire: Sent, token: str | None, service: str) -> Signer:
    signed = read(wire.request(), service=service)
    assert signed is not None
    return Signer(KEY, SECRET, parse_amz_date(signed.amz_date), token, service, host=HOST)


@given(key=keys, query=queries, meta=values, token=st.sampled_from([None, TOKEN]), body=st.binary(max_size=50))
def test_s3_headers(key: str, query: list[tuple[str, str]], meta: str, token: str | None, body: bytes) -> None:
    path = "/bucket/" + quote(key, safe="/~")
    request = AWSRequest("PUT", f"https://{HOST}{path}?{encoded_query(query)}", {"x-amz-meta-a": meta}, body)
    S3SigV4Auth(credentials(token), "s3", "us-east-1").add_auth(request)
    wire = sent(request)
    signature = verify(wire, "s3")
    mode = HASH if wire.header("x-amz-content-sha256") != "UNSIGNED-PAYLOAD" else "UNSIGNED-PAYLOAD"
    again = ours(wire, token, "s3").send("PUT", path, query, {"x-amz-meta-a": meta}, body, mode=mode)
    assert again.header("authorization").endswith(f"Signature={signature}")


@given(key=keys, query=queries, token=st.sampled_from([None, TOKEN]), expires=st.integers(1, 604800))
def test_s3_presigned(key: str, query: list[tuple[str, str]], token: str | None, expires: int) -> None:
    path = "/bucket/" + quote(key, safe="/~")
    request = AWSRequest("GET", f"https://{HOST}{path}", params=dict(query))
    S3SigV4QueryAuth(credentials(token), "s3", "us-east-1", expires=expires).add_auth(request)
    wire = sent(request)
    signature = verify(wire, "s3")
    again = ours(wire, token, "s3").presign("GET", path, list(dict(query).items()), expires=expires)
    assert again.query.endswith(f"X-Amz-Signature={signature}")


@given(body=st.binary(max_size=80), token=st.sampled_from([None, TOKEN]), service=st.sampled_from(["iam", "sts"]))
def test_query_services(body: bytes, token: str | None, service: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"https://{HOST}/", headers, body)
    SigV4Auth(credentials(token), service, "us-east-1").add_auth(request)
    wire = sent(request)
    signature = verify(wire, service)
    again = ours(wire, token, service).send("POST", "/", (), headers, body)
    assert again.header("authorization").endswith(f"Signature={signature}")


@given(segments=st.lists(st.sampled_from(["a", "b c", "..", ".", "", "é", "%20"]), max_size=5))
def test_paths_of_other_services_are_normalized_and_encoded_twice(segments: list[str]) -> None:
    path = "/" + "/".join(quote(segment) for segment in segments)
    request = AWSRequest("GET", f"https://{HOST}{path}")
    SigV4Auth(credentials(None), "iam", "us-east-1").add_auth(request)
    verify(sent(request), "iam")


def test_a_presigned_get_caller_identity_is_signed_alike() -> None:
    """What EKS-style authenticators send: a presigned GetCallerIdentity."""
    url = f"https://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, {"x-k8s-aws-id": "cluster"})
    SigV4QueryAuth(credentials(TOKEN), "sts", "us-east-1", expires=60).add_auth(request)
    wire = sent(request)
    signature = verify(wire, "sts")
    query = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
    again = ours(wire, TOKEN, "sts").presign("GET", "/", query, {"x-k8s-aws-id": "cluster"}, expires=60)
    assert again.query.endswith(f"X-Amz-Signature={signature}")


@pytest.mark.parametrize("token", [None, TOKEN])
def test_forms_are_signed_alike(token: str | None) -> None:
    request = AWSRequest("POST", f"https://{HOST}/bucket")
    fields: dict[str, str] = {"key": "a"}
    policy = {"expiration": "2030-01-01T00:00:00Z", "conditions": [{"bucket": "bucket"}, {"key": "a"}]}
    request.context.update({"s3-presign-post-fields": fields, "s3-presign-post-policy": policy})
    S3SigV4PostAuth(credentials(token), "s3", "us-east-1").add_auth(request)
    signed = read_form(fields)
    assert signed is not None
    assert signed.scheme is Scheme.FORM
    assert signed.token == token
    check_form(signed, fields["policy"], SECRET, now=datetime.now(UTC))
    signer = Signer(KEY, SECRET, signed.moment, token)
    again = signer.sign_policy(base64.b64decode(fields["policy"]), {})
    assert again["x-amz-signature"] == fields["x-amz-signature"]
