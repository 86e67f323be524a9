"""Signatures in the Authorization header: what is read, what holds, what does not."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.sigv4.signer import HASH, SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED, UNSIGNED_TRAILER, Sent, Signer

from rolecall.message import Request
from rolecall.sigv4.mac import Mac
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import Payload, check, read, scope_service

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
S3 = Signer("AKIAIOSFODNN7EXAMPLE", "secret", NOW)
STS = replace(S3, service="sts")
QUERY = [("list-type", "2"), ("prefix", "a b/é")]


def verify(
    sent: Sent, service: str = "s3", *, now: datetime = NOW, region: str | None = None, secret: str = "secret"
) -> Mac:
    request = sent.request()
    signed = read(request, service=service)
    assert signed is not None
    digest = hashlib.sha256(sent.body).hexdigest()
    return check(signed, request, secret, now=now, service=service, region=region, body_sha256=digest)


def problem(sent: Sent, service: str = "s3", **options: object) -> SignatureProblem:
    with pytest.raises(SignatureProblem) as caught:
        verify(sent, service, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_good_signature_gives_the_signing_key() -> None:
    sent = S3.send("GET", "/b/k", QUERY)
    key = verify(sent)
    assert key.digest(b"message") == hmac.digest(S3.key, b"message", "sha256")
    assert scope_service(sent.request()) == "s3"


def test_an_unsigned_request_is_nobodys() -> None:
    request = Sent("GET", "/b/k", "list-type=2", (("host", "h"),)).request()
    assert read(request, service="s3") is None
    assert scope_service(request) is None


@given(data=st.data())
def test_one_flipped_bit_anywhere_in_what_is_signed_breaks_the_signature(data: st.DataObject) -> None:
    service = data.draw(st.sampled_from(["s3", "sts"]))
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    good = replace(S3, service=service, token="token").send(
        "POST", "/b/key", QUERY, {"x-amz-meta-a": "value", "content-type": "text/plain"}, body
    )
    verify(good, service)
    where = data.draw(st.sampled_from(["method", "path", "query", "body", "header"]))
    if where == "header":
        names = [name for name, value in good.headers if value and name != "content-length"]
        name = data.draw(st.sampled_from(names))
        changed = _flipped(good.header(name).encode(), data).decode("latin-1")
        assume(changed.strip(" \t") != good.header(name))
        bad = good.with_header(name, changed)
    elif where == "body":
        assume(service != "s3")
        bad = replace(good, body=_flipped(body, data))
    else:
        text = _flipped(getattr(good, where).encode(), data).decode("latin-1")
        bad = replace(good, **{where: text})
        # A request line that means the same is the same request: %41 is A, and a slash of difference is none to IAM.
        assume(_meaning(bad, service) != _meaning(good, service))
    request = replace(bad, path="/", query="").request()
    request = replace(request, raw_path=bad.path.encode("latin-1"), raw_query=bad.query.encode("latin-1"))
    assert not _holds(request, service, bad.body)


def _holds(request: Request, service: str, body: bytes) -> bool:
    """Tell whether the key of the test signed this; another key's id finds another secret, or none."""
    try:
        signed = read(request, service=service)
        if signed is None or signed.credential.access_key_id != S3.access_key_id:
            return False
        check(signed, request, "secret", now=NOW, service=service, body_sha256=hashlib.sha256(body).hexdigest())
    except SignatureProblem:
        return False
    return True


def _flipped(text: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, len(text) * 8 - 1))
    position, mask = bit // 8, 1 << bit % 8
    return text[:position] + bytes([text[position] ^ mask]) + text[position + 1 :]


def _meaning(sent: Sent, service: str) -> tuple[object, ...]:
    from_hex = sent.path.lower() if service == "s3" else sent.path
    pairs = sorted(piece.lower() for piece in sent.query.replace("+", "%20").split("&"))
    return sent.method, from_hex, pairs


@pytest.mark.parametrize("mode", [HASH, UNSIGNED, SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED_TRAILER])
@pytest.mark.parametrize("by", ["header", "query", "query-parameter"])
def test_a_wrong_signature_is_refused_whatever_the_body_is_said_to_be(mode: str, by: str) -> None:
    """CVE-2026-40344, GHSA-9c4q-hq6p-c237, GHSA-hv4r-mvr4-25vw, CVE-2025-31489: modes that skipped the signature."""
    if by == "header":
        sent = S3.send("PUT", "/b/k", body=b"data", mode=mode)
    else:
        in_query = by == "query-parameter"
        value = hashlib.sha256(b"data").hexdigest() if mode == HASH and in_query else mode
        sent = S3.presign("PUT", "/b/k", body=b"data", mode=value, mode_in_query=in_query)
    verify(sent)
    assert problem(sent.tampered()).kind is Problem.MISMATCH
    assert problem(sent, secret="other").kind is Problem.MISMATCH


@pytest.mark.parametrize(
    "value", ["", "STREAMING", "STREAMING-UNSIGNED-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "A" * 64]
)
def test_any_other_hash_is_refused_once_its_signature_holds(value: str) -> None:
    """seaweedfs/seaweedfs#7912: a streaming mode without a case of its own returned no error."""
    sent = S3.send("PUT", "/b/k", body=b"data", mode=value)
    assert problem(sent).kind is Problem.PAYLOAD_UNKNOWN
    assert problem(sent.tampered()).kind is Problem.MISMATCH


def test_the_hash_may_stay_unsigned_but_must_be_sent() -> None:
    signer = replace(S3, unsigned_names=S3.unsigned_names | {"x-amz-content-sha256"})
    sent = signer.send("PUT", "/b/k", body=b"data")
    verify(sent)
    other = sent.with_header("x-amz-content-sha256", UNSIGNED)
    assert problem(other).kind is Problem.MISMATCH
    assert problem(sent.with_header("x-amz-content-sha256", None)).kind is Problem.PAYLOAD_MISSING


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl", Problem.OLD_VERSION),
        ("AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00", Problem.ALGORITHM),
        ("Bearer token", Problem.ALGORITHM),
        ("", Problem.ALGORITHM),
        ("AWS4-HMAC-SHA256", Problem.HEADER_INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host", Problem.HEADER_INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=", Problem.HEADER_INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a, Credential=b, SignedHeaders=host, Signature=0", Problem.HEADER_MALFORMED),
        ("AWS4-HMAC-SHA256 Credential, SignedHeaders=host, Signature=0", Problem.HEADER_MALFORMED),
        ("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0, Extra=1", Problem.HEADER_MALFORMED),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=0", Problem.CREDENTIAL_MALFORMED),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f, SignedHeaders=host, Signature=0", Problem.CREDENTIAL_MALFORMED),
        ("AWS4-HMAC-SHA256 Credential=/b/c/d/e, SignedHeaders=host, Signature=0", Problem.CREDENTIAL_MALFORMED),
    ],
)
def test_an_authorization_header_that_cannot_be_read(value: str, kind: Problem) -> None:
    assert problem(S3.send("GET", "/b").with_header("authorization", value)).kind is kind


@pytest.mark.parametrize(
    "names",
    [
        "host;host;x-amz-date",
        "host;;x-amz-date",
        "host;x-amz-date;",
        "Host;x-amz-date",
        "host;x y",
        "host;é",
        "host;a:b",
    ],
)
def test_odd_names_among_the_signed_headers_are_refused(names: str) -> None:
    sent = S3.send("GET", "/b")
    value = sent.header("authorization").replace("host;x-amz-content-sha256;x-amz-date", names)
    assert problem(sent.with_header("authorization", value)).kind is Problem.SIGNED_HEADERS_MALFORMED


@pytest.mark.parametrize(
    "name", ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host"]
)
def test_a_header_of_authentication_given_twice_is_refused(name: str) -> None:
    sent = replace(S3, token="token").send("GET", "/b")
    twice = replace(sent, headers=(*sent.headers, (name, sent.header(name))))
    found = problem(twice)
    assert found.kind is Problem.REPEATED
    assert found.detail["name"] == name


def test_other_headers_given_twice_are_signed_as_one() -> None:
    sent = S3.send("PUT", "/b/k", headers={"x-amz-meta-a": "1,2"})
    lines = tuple(line for line in sent.headers if line[0] != "x-amz-meta-a")
    verify(replace(sent, headers=(*lines, ("x-amz-meta-a", "1"), ("x-amz-meta-a", "2"))))
    assert (
        problem(replace(sent, headers=(*lines, ("x-amz-meta-a", "2"), ("x-amz-meta-a", "1")))).kind is Problem.MISMATCH
    )


@pytest.mark.parametrize("name", ["x-amz-acl", "x-amz-meta-owner", "x-amz-copy-source", "x-amz-security-token"])
def test_an_amz_header_added_after_signing_is_refused(name: str) -> None:
    for signer in (S3, STS):
        found = problem(signer.send("PUT", "/b/k").with_header(name, "added"), signer.service)
        assert found.kind is Problem.HEADERS_UNSIGNED
        assert found.detail["headers"] == name


def test_host_must_be_signed() -> None:
    signer = replace(S3, unsigned_names=S3.unsigned_names | {"host"})
    assert problem(signer.send("GET", "/b")).kind is Problem.HOST_UNSIGNED


def test_a_signed_header_that_is_not_there_breaks_the_signature() -> None:
    sent = S3.send("PUT", "/b/k", headers={"content-type": "text/plain"})
    assert problem(sent.with_header("content-type", None)).kind is Problem.MISMATCH


@pytest.mark.parametrize("scheme", ["header", "query"])
def test_the_scope_must_be_of_this_day_service_and_terminator(scheme: str) -> None:
    def made(scope: str) -> Sent:
        signer = _Scoped(S3.access_key_id, S3.secret, S3.now, forged=scope)
        return signer.send("GET", "/b") if scheme == "header" else signer.presign("GET", "/b")

    verify(made("20261124/us-east-1/s3/aws4_request"))
    assert problem(made("20261123/us-east-1/s3/aws4_request")).kind is Problem.SCOPE_DATE
    assert problem(made("20261124/us-east-1/sts/aws4_request")).kind is Problem.SCOPE_SERVICE
    assert problem(made("20261124/us-east-1/s3/aws5_request")).kind is Problem.SCOPE_TERMINATOR


class _Scoped(Signer):
    """Signs under any scope it is told."""

    def __init__(self, access_key_id: str, secret: str, now: datetime, forged: str) -> None:
        super().__init__(access_key_id, secret, now)
        object.__setattr__(self, "forged", forged)

    @property
    def scope(self) -> str:
        return str(self.__dict__["forged"])


@pytest.mark.parametrize("region", ["", "us-west-2", "mars"])
def test_any_region_is_taken_as_signed_unless_one_is_asked_for(region: str) -> None:
    sent = replace(S3, region=region).send("GET", "/b")
    verify(sent)
    found = problem(sent, region="us-east-1")
    assert found.kind is Problem.SCOPE_REGION
    assert found.detail == {"given": region, "expected": "us-east-1"}


@pytest.mark.parametrize(
    ("age", "kind"),
    [
        (timedelta(minutes=15), None),
        (timedelta(minutes=15, seconds=1), Problem.TOO_OLD),
        (timedelta(days=3650), Problem.TOO_OLD),
        (-timedelta(minutes=15), None),
        (-timedelta(minutes=15, seconds=1), Problem.TOO_NEW),
    ],
)
def test_a_signed_request_is_good_for_fifteen_minutes(age: timedelta, kind: Problem | None) -> None:
    """OpenStack bug 1872737: a signed request that never expired."""
    for signer in (S3, STS):
        sent = signer.send("GET", "/b")
        if kind is None:
            verify(sent, signer.service, now=NOW + age)
        else:
            assert problem(sent, signer.service, now=NOW + age).kind is kind


def test_a_wrong_signature_is_told_before_a_wrong_time() -> None:
    assert problem(S3.send("GET", "/b").tampered(), now=NOW + timedelta(days=1)).kind is Problem.MISMATCH


@pytest.mark.parametrize(
    "date", ["20261124T210000", "20261324T210000Z", "20261124T250000Z", "2026-11-24T21:00:00Z", "", "2026112４T210000Z"]
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    sent = S3.send("GET", "/b")
    request = sent.with_header("x-amz-date", date)
    assert problem(request).kind is Problem.DATE_MALFORMED


def test_the_date_header_serves_where_x_amz_date_is_absent() -> None:
    written = "Tue, 24 Nov 2026 21:00:00 GMT"
    for service in ("s3", "sts"):
        signer = replace(S3, service=service, unsigned_names=S3.unsigned_names | {"x-amz-date"})
        verify(signer.send("GET", "/b", headers={"date": written}).with_header("x-amz-date", None), service)
    sent = S3.send("GET", "/b").with_header("x-amz-date", None)
    assert problem(sent).kind is Problem.DATE_MISSING
    assert problem(sent.with_header("date", "yesterday")).kind is Problem.DATE_MALFORMED


def test_header_and_query_authentication_together_are_refused() -> None:
    sent = S3.send("GET", "/b")
    presigned = S3.presign("GET", "/b")
    assert problem(replace(sent, query=presigned.query)).kind is Problem.TWO_MECHANISMS
    assert problem(replace(sent, query="X-Amz-Signature=00")).kind is Problem.TWO_MECHANISMS
    assert problem(replace(sent, query="x%2damz%2dsecurity%2dtoken=00")).kind is Problem.QUERY_MISSPELT


def test_a_token_without_a_signature_is_refused() -> None:
    """minio/minio#13335: any token that is present must verify."""
    request = Sent("GET", "/b", "", (("host", "h"), ("x-amz-security-token", "t"))).request()
    with pytest.raises(SignatureProblem) as caught:
        read(request, service="s3")
    assert caught.value.kind is Problem.TOKEN_ALONE


def test_a_mismatch_tells_what_was_signed() -> None:
    sent = S3.send("GET", "/b/k")
    found = problem(sent.tampered())
    assert found.detail["canonical_request"].startswith("GET\n/b/k\n\nhost:127.0.0.1:4500\n")
    assert found.detail["string_to_sign"].startswith(
        "AWS4-HMAC-SHA256\n20261124T210000Z\n20261124/us-east-1/s3/aws4_request\n"
    )
    assert len(found.detail["provided"]) == 64


@pytest.mark.parametrize(
    "path", ["/b//k", "/b/./k", "/b/../k", "/b/a%2Fk", "/b/%E2%82%AC", "/b/a+b", "/b/a%2Bb", "/b/~x", "/b/%zz"]
)
def test_s3_keys_are_never_normalized(path: str) -> None:
    request = Request("GET", path.encode(), b"", (("host", "h"),), Sent("GET", "/", "", ()).request().body)
    assert read(request, service="s3") is None
    sent = S3.send("GET", "/b/plain")
    assert problem(replace(sent, path=path)).kind is Problem.MISMATCH


def test_a_blank_in_a_query_may_be_written_as_plus_but_a_plus_is_no_blank() -> None:
    """versitygw 67aaa80d: two layers must not read one query differently."""
    sent = S3.send("GET", "/b", [("prefix", "a b")])
    verify(replace(sent, query="prefix=a+b"))
    assert problem(replace(sent, query="prefix=a%2Bb")).kind is Problem.MISMATCH


def test_values_with_non_ascii_bytes_are_signed_as_they_are() -> None:
    value = "à".encode().decode("latin-1")
    assert "\xa0" in value
    sent = S3.send("PUT", "/b/k", headers={"x-amz-meta-a": "placeholder"})
    signature, names = S3.signature(
        "PUT",
        "/b/k",
        (),
        {**dict(sent.headers), "x-amz-meta-a": "à"} | {"authorization": ""},
        sent.header("x-amz-content-sha256"),
    )
    assert names.startswith("authorization;")
    kept = {name: text for name, text in sent.headers if name not in {"authorization", "content-length"}}
    signature, names = S3.signature(
        "PUT", "/b/k", (), {**kept, "x-amz-meta-a": "à"}, sent.header("x-amz-content-sha256")
    )
    header = f"AWS4-HMAC-SHA256 Credential={S3.credential}, SignedHeaders={names}, Signature={signature}"
    verify(sent.with_header("x-amz-meta-a", value).with_header("authorization", header))


_odd = st.text(st.characters(max_codepoint=255), max_size=60)


@given(
    authorization=st.none()
    | _odd
    | _odd.map(lambda text: f"AWS4-HMAC-SHA256 {text}")
    | st.tuples(_odd, _odd, _odd).map(
        lambda t: f"AWS4-HMAC-SHA256 Credential={t[0]}, SignedHeaders={t[1]}, Signature={t[2]}"
    ),
    query=st.binary(max_size=60)
    | st.binary(max_size=20).map(lambda text: b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=" + text),
    date=st.none() | _odd,
    path=st.binary(max_size=30),
)
def test_nothing_that_comes_makes_more_than_a_problem(
    authorization: str | None, query: bytes, date: str | None, path: bytes
) -> None:
    """GHSA-v2ch-c8v8-fgr7: a malformed request crashed the server."""
    headers = [("host", "h")]
    headers += [("authorization", authorization)] if authorization is not None else []
    headers += [("x-amz-date", date)] if date is not None else []
    request = Request("GET", path, query, tuple(headers), Sent("GET", "/", "", ()).request().body)
    for service in ("s3", "iam"):
        scope_service(request)
        try:
            signed = read(request, service=service)
            if signed is not None:
                check(signed, request, "secret", now=NOW, service=service)
        except SignatureProblem:
            continue
        assert signed is None


def test_every_way_to_send_a_body_has_its_word() -> None:
    sent = S3.send("PUT", "/b/k", mode=SIGNED_CHUNKS)
    signed = read(sent.request(), service="s3")
    assert signed is not None
    assert signed.payload is Payload.SIGNED_CHUNKS
    signed = read(STS.send("POST", "/").request(), service="sts")
    assert signed is not None
    assert signed.payload is Payload.BODY
