"""Objects: what is put is what is got, whole or in part, under conditions, with all that belongs to it."""

from __future__ import annotations

import base64
import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.services.s3.raw import exchange, send, signer
from tests.services.s3.served import refused
from tests.serving import Server

SIZES = [0, 1, 32 * 1024, 32 * 1024 + 1, 512 * 1024, 512 * 1024 + 1, 3 * 1024 * 1024 + 17]

ODD_KEYS = [
    "a//b",
    "/",
    "//",
    "/leading",
    "trailing/",
    ".",
    "..",
    "../../etc/passwd",
    "a/./b",
    "a/../b",
    "%2e%2e/x",
    "%",
    "a%2Fb",
    "a+b c",
    "a?b#c&d=e",
    "a;b:c@d,e$f!g'h(i)j*k",
    '"quoted"',
    "<tag>&amp;",
    "back\\slash",
    "tab\tnew\nline\r",
    "\x01\x1f\x7f",
    "ключ/鍵/🔑",
    "e\u0301 and é",
    "\u2028",
    "x" * 1024,
    "ü" * 512,
]


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_put_is_got(s3: Any, bucket: str, size: int) -> None:
    content = noise(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=content)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == content
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert got["ContentLength"] == size
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size


def test_odd_keys_are_kept_to_the_letter(s3: Any, bucket: str) -> None:
    for key in ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in ODD_KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(ODD_KEYS, key=str.encode)
    for key in ODD_KEYS:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == key.encode()
    spellable = [key for key in [*ODD_KEYS, "copy"] if "\x01" not in key]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in spellable]})
    for key in set(ODD_KEYS) - set(spellable):  # XML has no spelling for them
        s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_has_at_most_1024_bytes(s3: Any, bucket: str) -> None:
    error = refused(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")
    assert (error["Code"], error["Status"]) == ("KeyTooLongError", 400)


def test_everything_that_describes_an_object_comes_back(s3: Any, bucket: str) -> None:
    said = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "WebsiteRedirectLocation": "/elsewhere",
        "StorageClass": "STANDARD_IA",
        "Metadata": {"colour": "blue", "with-dash": "a, b"},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=", **said)
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in said} == said
        assert answer["TagCount"] == 2
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": ""},
    ]


def test_tags_of_aws_itself_are_refused_of_objects_in_their_own_words(s3: Any, bucket: str) -> None:
    message = "Your TagKey cannot be prefixed with aws:"
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="aws:mine=1")
    assert (error["Code"], error["Message"]) == ("InvalidTag", message)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    tag_set = {"TagSet": [{"Key": "aws:mine", "Value": "1"}]}
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=tag_set)["Message"] == message


def test_an_untyped_object_is_a_stream_of_bytes(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_metadata_has_a_limit(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2047})
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2048})
    assert error["Code"] == "MetadataTooLarge"


@pytest.mark.parametrize(
    "asked",
    [
        {"ServerSideEncryption": "aws:kms"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"WriteOffsetBytes": 0},
    ],
)
def test_what_is_not_built_is_refused_and_nothing_is_kept(
    server: Server, bucket: str, asked: dict[str, Any], s3: Any
) -> None:
    client = server.client("s3")
    client.meta.events.unregister("before-parameter-build.s3.PutObject")
    names = {
        "ServerSideEncryption": "x-amz-server-side-encryption",
        "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
        "SSECustomerKey": "x-amz-server-side-encryption-customer-key",
        "WriteOffsetBytes": "x-amz-write-offset-bytes",
    }
    headers = {names[name]: str(value) for name, value in asked.items()}
    answer = send(server, signer(server).send("PUT", f"/{bucket}/k", headers=headers, body=b"secret"))
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404


@pytest.mark.parametrize("algorithm", ["AES256", "aws:kms"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_what_is_stored_already_is_not_told_how_to_be_encrypted(
    server: Server, bucket: str, s3: Any, method: str, algorithm: str
) -> None:
    """AWS, "Specifying server-side encryption with Amazon S3 managed keys": for GET and HEAD an HTTP 400 error."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    query = [("partNumber", "1"), ("uploadId", begun)] if method == "PUT" else []
    headers = {"x-amz-server-side-encryption": algorithm}
    answer = send(server, signer(server).send(method, f"/{bucket}/k", query, headers=headers))
    assert answer.status == 400
    if method != "HEAD":
        said = "x-amz-server-side-encryption header is not supported for this operation."
        assert (answer.code, answer.field("Message")) == ("InvalidArgument", said)


# Ranges


@pytest.mark.parametrize("size", [100, 40_000])
@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, None),
        ("bytes=-5", -5, None),
        ("bytes=50-1000000", 50, None),
        ("bytes=-1000000", 0, None),
        ("bytes=0-99999999999999999999999999", 0, None),
    ],
)
def test_a_range_is_that_range(s3: Any, bucket: str, size: int, header: str, start: int, end: int | None) -> None:
    content = noise(size)
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    got = s3.get_object(Bucket=bucket, Key="k", Range=header)
    wanted = content[start:end]
    assert got["Body"].read() == wanted
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    first = content.index(wanted)
    assert got["ContentRange"] == f"bytes {first}-{first + len(wanted) - 1}/{size}"
    head = s3.head_object(Bucket=bucket, Key="k", Range=header)
    assert (head["ContentLength"], head["ResponseMetadata"]["HTTPStatusCode"]) == (len(wanted), 206)


@pytest.mark.parametrize(
    "header", ["bytes=9-5", "bytes=0-1,3-4", "items=0-1", "bytes=-", "bytes=a-b", "0-5", "bytes=--5"]
)
def test_what_is_not_one_range_is_ignored(s3: Any, bucket: str, header: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=header)
    assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (b"0123456789", 200)


@pytest.mark.parametrize(("content", "header"), [(b"0123", "bytes=4-"), (b"", "bytes=0-"), (b"0123", "bytes=-0")])
def test_a_range_beyond_the_end_cannot_be_satisfied(s3: Any, bucket: str, content: bytes, header: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    error = refused(s3.get_object, Bucket=bucket, Key="k", Range=header)
    assert (error["Code"], error["Status"], error["ActualObjectSize"]) == ("InvalidRange", 416, str(len(content)))


def test_a_range_header_of_ten_thousand_parts_costs_nothing(s3: Any, bucket: str) -> None:
    """CVE-2025-62727."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    many = "bytes=" + ",".join("0-0" for _ in range(3_000))
    got = s3.get_object(Bucket=bucket, Key="k", Range=many)
    assert got["Body"].read() == b"0123456789"


# Conditions


def test_conditions_of_reads_follow_the_order_of_the_rfc(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    now = datetime.now(UTC)
    past, future = now - timedelta(days=1), now + timedelta(days=1)
    passes: list[dict[str, Any]] = [
        {"IfMatch": etag},
        {"IfMatch": etag.strip('"')},
        {"IfMatch": "*"},
        {"IfMatch": f'"other", {etag}'},
        {"IfMatch": etag, "IfUnmodifiedSince": past},
        {"IfUnmodifiedSince": future},
        {"IfNoneMatch": '"other"'},
        {"IfNoneMatch": '"other"', "IfModifiedSince": now},
        {"IfModifiedSince": past},
        {"IfModifiedSince": future},
    ]
    fails: list[tuple[dict[str, Any], int]] = [
        ({"IfMatch": '"other"'}, 412),
        ({"IfUnmodifiedSince": past}, 412),
        ({"IfNoneMatch": etag}, 304),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfNoneMatch": etag, "IfModifiedSince": past}, 304),
        ({"IfMatch": etag, "IfNoneMatch": etag}, 304),
        ({"IfMatch": '"other"', "IfNoneMatch": etag}, 412),
    ]
    for call in (s3.get_object, s3.head_object):
        for conditions in passes:
            call(Bucket=bucket, Key="k", **conditions)
        for conditions, status in fails:
            error = refused(call, Bucket=bucket, Key="k", **conditions)
            assert error["Status"] == status, conditions


def test_an_object_that_was_modified_now_is_not_modified_since(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=modified)["Status"] == 304
    s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=modified)


def test_a_write_can_insist_on_being_the_first(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*")
    assert (error["Code"], error["Status"]) == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_a_write_can_insist_on_what_it_replaces(s3: Any, bucket: str) -> None:
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfMatch='"x"')["Code"] == "NoSuchKey"
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfMatch='"x"')["Status"] == 412
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch=etag)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfMatch=etag)["Status"] == 412


@pytest.mark.parametrize("conditions", [{"IfNoneMatch": '"x"'}, {"IfMatch": "*"}, {"IfMatch": "x", "IfNoneMatch": "*"}])
def test_conditions_that_s3_does_not_take_on_writes(s3: Any, bucket: str, conditions: dict[str, str]) -> None:
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", **conditions)
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)


def test_a_delete_can_insist_on_what_it_removes(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert refused(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"other"')["Status"] == 412
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404


# Headers of the answer that the request chooses

OVERRIDES = {
    "ResponseCacheControl": "no-store",
    "ResponseContentDisposition": "attachment",
    "ResponseContentEncoding": "br",
    "ResponseContentLanguage": "fr",
    "ResponseContentType": "text/html",
}


def test_a_signed_request_chooses_headers_of_the_answer(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k", **OVERRIDES)
    assert {f"Response{name}": got[name] for name in (key[8:] for key in OVERRIDES)} == OVERRIDES


def test_an_unsigned_request_chooses_no_header_of_the_answer(server: Server, s3: Any, bucket: str) -> None:
    """CVE-2020-1760: a link to public content must not become a page of the attacker's."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/*"}}}}',
    )
    assert exchange(server, "GET", f"/{bucket}/k", {}).status == 200
    answer = exchange(server, "GET", f"/{bucket}/k?response-content-type=text/html", {})
    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b"])
def test_no_line_end_gets_into_a_header(server: Server, s3: Any, bucket: str, text: str) -> None:
    """CVE-2020-10753, CVE-2021-3524."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    sent = signer(server).send("GET", f"/{bucket}/k", [("response-content-type", text)])
    answer = send(server, sent)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "set-cookie" not in answer.headers


# Digests


def test_a_wrong_md5_keeps_nothing(s3: Any, bucket: str) -> None:
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"content", ContentMD5=wrong)
    assert (error["Code"], error["Status"]) == ("BadDigest", 400)
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404


@pytest.mark.parametrize("value", ["", "short", "!!!!", base64.b64encode(b"x" * 15).decode()])
def test_an_md5_that_is_none_is_invalid(server: Server, bucket: str, value: str) -> None:
    sent = signer(server).send("PUT", f"/{bucket}/k", headers={"content-md5": value}, body=b"x")
    assert send(server, sent).code == "InvalidDigest"


ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [11, 700_000])
def test_each_algorithm_is_verified_and_shown(s3: Any, bucket: str, algorithm: str, size: int) -> None:
    """The client calculates, the server does, and on the way back the client holds them together."""
    member = f"Checksum{algorithm}"
    asked = {"ChecksumAlgorithm": algorithm}
    if algorithm == "MD5":  # which the client does not calculate by itself
        asked = {member: base64.b64encode(hashlib.md5(noise(size)).digest()).decode()}
    put = s3.put_object(Bucket=bucket, Key="k", Body=noise(size), **asked)
    assert put["ChecksumType"] == "FULL_OBJECT"
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[member] == put[member]
    assert got["Body"].read() == noise(size)
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == put[member]
    wrong = put[member][:-3] + ("A" if put[member][-3] != "A" else "B") + put[member][-2:]
    error = refused(s3.put_object, Bucket=bucket, Key="k", Body=noise(size) + b"!", **{member: wrong})
    assert error["Code"] in {"BadDigest", "InvalidRequest"}
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size


def test_without_an_algorithm_s3_takes_its_own(server: Server, s3: Any, bucket: str) -> None:
    answer = send(server, signer(server).send("PUT", f"/{bucket}/k", body=b"123456789"))
    assert (
        answer.headers["x-amz-checksum-crc64nvme"] == base64.b64encode(0xAE8B14860A799888.to_bytes(8, "big")).decode()
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        {"x-amz-checksum-crc32": "not base64"},
        {"x-amz-checksum-crc32": "AAAA"},
        {"x-amz-checksum-crc32": ""},
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        {"x-amz-sdk-checksum-algorithm": "ROT13", "x-amz-checksum-crc32": "AAAAAA=="},
        {"x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": "AAAAAA=="},
    ],
)
def test_checksum_headers_that_contradict_themselves(server: Server, bucket: str, headers: dict[str, str]) -> None:
    answer = send(server, signer(server).send("PUT", f"/{bucket}/k", headers=headers, body=b""))
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_a_part_of_the_bytes_is_no_object(server: Server, s3: Any, bucket: str) -> None:
    """CVE-2021-21390: the last chunk's signature is wrong, so nothing of the body may be visible."""
    sent = signer(server).send("PUT", f"/{bucket}/k", body=noise(200_000), mode="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    at = sent.body.rindex(b"chunk-signature=") + len(b"chunk-signature=")
    flipped = b"1" if sent.body[at : at + 1] == b"0" else b"0"
    broken = type(sent)(
        sent.method, sent.path, sent.query, sent.headers, sent.body[:at] + flipped + sent.body[at + 1 :]
    )
    answer = send(server, broken)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404
    assert send(server, sent).status == 200


@pytest.mark.parametrize("mode", ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"])
def test_a_checksum_may_come_behind_the_body(server: Server, s3: Any, bucket: str, mode: str) -> None:
    content = noise(100_000)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    good = signer(server).send(
        "PUT", f"/{bucket}/k", body=content, mode=mode, trailers={"x-amz-checksum-sha256": digest}
    )
    assert send(server, good).headers["x-amz-checksum-sha256"] == digest
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == content
    assert "ContentEncoding" not in got, "aws-chunked is how it came, not what it is"
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    bad = signer(server).send("PUT", f"/{bucket}/l", body=content, mode=mode, trailers={"x-amz-checksum-sha256": wrong})
    assert send(server, bad).code == "BadDigest"
    assert refused(s3.head_object, Bucket=bucket, Key="l")["Status"] == 404


# Headers that are none of the client's


@pytest.mark.parametrize(
    "name",
    [
        "x-minio-internal-server-side-encryption-sealed-key",
        "x-rolecall-sequence",
        "x-amz-replication-status",
        "x-amz-version-id",
        "x-amz-delete-marker",
        "x-internal-owner",
    ],
)
def test_headers_of_a_servers_own_never_reach_stored_metadata(server: Server, s3: Any, bucket: str, name: str) -> None:
    """CVE-2026-34204."""
    send(server, signer(server).send("PUT", f"/{bucket}/k", headers={name: "poison"}, body=b"x"))
    got = s3.head_object(Bucket=bucket, Key="k")
    assert "poison" not in str(got)


@pytest.mark.parametrize(
    "name",
    [
        "x-amz-copy-source",
        "x-amz-tagging",
        "x-amz-acl",
        "x-amz-storage-class",
        "x-amz-checksum-crc32",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-expected-bucket-owner",
        "x-amz-metadata-directive",
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-server-side-encryption",
        "x-amz-website-redirect-location",
        "x-amz-meta-",
        "x-amz-trailer",
        "content-type",
        "content-encoding",
        "expires",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
    ],
)
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE"])
def test_an_empty_header_crashes_nothing(server: Server, bucket: str, s3: Any, name: str, method: str) -> None:
    """CVE-2024-47866."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    body = b"x" if method == "PUT" else b""
    answer = send(server, signer(server).send(method, f"/{bucket}/k", headers={name: ""}, body=body))
    assert answer.status in {200, 204, 304, 400, 403, 404, 412, 501}
    assert answer.status == 501 or answer.status < 500
