"""Signatures over the wire: a served program, our own signing client, and boto3."""

from __future__ import annotations

import hashlib
import http.client
import io
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import urllib3
from tests.certificates import make_certificate
from tests.serving import Server, serving
from tests.sigv4.signer import HASH, SIGNED_CHUNKS, SIGNED_TRAILER, STREAMING, UNSIGNED, UNSIGNED_TRAILER, Sent, Signer

CRC_OF_DATA = {"x-amz-checksum-crc32": "rfPzYw=="}
MODES = (HASH, UNSIGNED, *STREAMING)
BODY = b"data"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    certificate, key = make_certificate(folder)
    with serving(folder / "data", certificate=certificate, key=key) as running:
        running.client("s3").create_bucket(Bucket="signed")
        yield running


@pytest.fixture
def signer(server: Server) -> Signer:
    host = urlsplit(server.endpoint).netloc
    return Signer(server.root.access_key_id, server.root.secret_access_key, datetime.now(UTC), host=host)


def ask(server: Server, sent: Sent) -> tuple[int, bytes]:
    """Send exactly these bytes and return status and body of the answer."""
    url = urlsplit(server.endpoint)
    context = ssl.create_default_context(cafile=str(server.certificate))
    with closing(http.client.HTTPSConnection(url.hostname or "", url.port, timeout=30, context=context)) as connection:
        target = f"{sent.path}?{sent.query}" if sent.query else sent.path
        connection.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.headers:
            connection.putheader(name, value)
        chunked = dict(sent.headers).get("transfer-encoding") == "chunked"
        connection.endheaders(iter([sent.body]) if chunked else sent.body, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()


def put(signer: Signer, key: str, mode: str, body: bytes = BODY, *, by: str = "header", sized: bool = True) -> Sent:
    trailers = CRC_OF_DATA if mode in {SIGNED_TRAILER, UNSIGNED_TRAILER} else {}
    if by == "query":
        return signer.presign("PUT", f"/signed/{key}", body=body, mode=mode, trailers=trailers or None)
    return signer.send("PUT", f"/signed/{key}", body=body, mode=mode, trailers=trailers, sized=sized)


def exists(server: Server, signer: Signer, key: str) -> bool:
    status, _ = ask(server, signer.send("HEAD", f"/signed/{key}"))
    return status == 200


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("by", ["header", "query"])
def test_every_mode_stores_the_bytes_and_no_mode_a_bad_signature(
    server: Server, signer: Signer, mode: str, by: str
) -> None:
    """CVE-2026-40344, GHSA-9c4q-hq6p-c237, GHSA-hv4r-mvr4-25vw, CVE-2025-31489."""
    good, bad = f"good-{by}-{mode}", f"bad-{by}-{mode}"
    assert ask(server, put(signer, good, mode, by=by))[0] == 200
    assert ask(server, signer.send("GET", f"/signed/{good}")) == (200, BODY)
    status, answer = ask(server, put(signer, bad, mode, by=by).tampered())
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer
    assert not exists(server, signer, bad)


@pytest.mark.parametrize("mode", STREAMING)
def test_a_body_without_content_length(server: Server, signer: Signer, mode: str) -> None:
    assert ask(server, put(signer, "unsized", mode, sized=False))[0] == 200
    assert ask(server, signer.send("GET", "/signed/unsized")) == (200, BODY)


def test_a_corrupt_last_chunk_leaves_no_object(server: Server, signer: Signer) -> None:
    """CVE-2021-21390: chunk data was used before its signature was checked."""
    sent = put(signer, "corrupt", SIGNED_CHUNKS, b"a" * 200_000 + b"the end")
    status, answer = ask(server, replace(sent, body=sent.body.replace(b"the end", b"The end")))
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer
    assert not exists(server, signer, "corrupt")


@pytest.mark.parametrize("behind", [0, 100_000, 3_000_000], ids=["in one go", "in pieces", "by threads"])
def test_a_body_that_is_not_what_was_hashed_leaves_no_object(server: Server, signer: Signer, behind: int) -> None:
    said, sent = b"data" + bytes(behind), b"Data" + bytes(behind)
    status, answer = ask(server, replace(put(signer, "hashed", HASH, said), body=sent))
    assert status == 400
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in answer
    assert f"<S3ComputedContentSHA256>{hashlib.sha256(sent).hexdigest()}<".encode() in answer
    assert not exists(server, signer, "hashed")


def test_parameters_given_twice_are_refused(server: Server, signer: Signer) -> None:
    """CVE-2022-2385: duplicated and case-variant parameters of a presigned identity."""
    sent = replace(signer, service="sts").presign(
        "GET", "/", [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
    )
    assert ask(server, sent)[0] == 200
    for extra in ("Action=GetSessionToken", "X-Amz-Expires=900", "x-amz-expires=900", "X%2DAmz-Date=x"):
        assert ask(server, replace(sent, query=f"{sent.query}&{extra}"))[0] in {400, 403}


@pytest.mark.parametrize("size", [0, 5, 100_000, 9_000_000])
def test_boto3_over_tls_with_trailing_checksums(server: Server, size: int) -> None:
    body = bytes(index % 253 for index in range(size))
    s3 = server.client("s3")
    s3.put_object(Bucket="signed", Key="boto", Body=io.BytesIO(body), ChecksumAlgorithm="CRC32")
    found = s3.get_object(Bucket="signed", Key="boto", ChecksumMode="ENABLED")
    assert found["Body"].read() == body
    assert "ChecksumCRC32" in found


def test_boto3_presigns(server: Server) -> None:
    s3 = server.client("s3", signature_version="s3v4")
    pool = urllib3.PoolManager(ca_certs=str(server.certificate))
    url = s3.generate_presigned_url("put_object", {"Bucket": "signed", "Key": "a b/é+~"}, ExpiresIn=60)
    assert pool.request("PUT", url, body=b"presigned").status == 200
    url = s3.generate_presigned_url("get_object", {"Bucket": "signed", "Key": "a b/é+~"}, ExpiresIn=60)
    assert pool.request("GET", url).data == b"presigned"
    assert pool.request("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")).status == 403


def test_the_old_kind_of_presigned_request_is_refused_with_what_to_use(server: Server) -> None:
    """boto3 still makes it for us-east-1 unless told `signature_version="s3v4"`."""
    pool = urllib3.PoolManager(ca_certs=str(server.certificate))
    url = server.client("s3").generate_presigned_url("get_object", {"Bucket": "signed", "Key": "a"})
    assert "AWSAccessKeyId=" in url
    answer = pool.request("GET", url)
    assert answer.status == 400
    assert b"<Code>InvalidRequest</Code>" in answer.data
    assert b"Please use AWS4-HMAC-SHA256." in answer.data


def test_boto3_posts_a_form(server: Server) -> None:
    s3 = server.client("s3", signature_version="s3v4")
    pool = urllib3.PoolManager(ca_certs=str(server.certificate))
    post = s3.generate_presigned_post("signed", "form/${filename}", Conditions=[["content-length-range", 1, 10]])
    fields = {**post["fields"], "file": ("a.txt", b"form", "text/plain")}
    assert pool.request("POST", post["url"], fields=fields).status == 204
    assert s3.get_object(Bucket="signed", Key="form/a.txt")["Body"].read() == b"form"
    large = {**post["fields"], "file": ("b.txt", b"more than ten", "text/plain")}
    answer = pool.request("POST", post["url"], fields=large)
    assert (answer.status, b"<Code>EntityTooLarge</Code>" in answer.data) == (400, True)
    other = {**post["fields"], "key": "elsewhere", "file": ("a.txt", b"form", "text/plain")}
    answer = pool.request("POST", post["url"], fields=other)
    assert answer.status == 403
    assert b"Invalid according to Policy: Policy Condition failed" in answer.data
