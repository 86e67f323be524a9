"""Headers in the query of a presigned URL, where the SDK for JavaScript puts them, mean what the headers mean."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from tests.serving import Credentials, Server
from tests.sigv4.signer import Signer

BUCKET = "hoisted-headers"


@pytest.fixture(scope="module")
def signer(server: Server) -> Signer:
    server.client("s3").create_bucket(Bucket=BUCKET)
    allow = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"}
    key = server.user("hoister", json.dumps({"Version": "2012-10-17", "Statement": allow}))
    return _signer(server, key)


def _signer(server: Server, key: Credentials) -> Signer:
    host = urlsplit(server.endpoint).netloc
    return Signer(key.access_key_id, key.secret_access_key, datetime.now(UTC), host=host)


def _put(
    server: Server, signer: Signer, key: str, query: list[tuple[str, str]], headers: dict[str, str] | None = None
) -> tuple[int, str]:
    sent = signer.presign("PUT", f"/{BUCKET}/{key}", query=query, headers=headers, body=b"data")
    request = urllib.request.Request(
        f"{server.endpoint}{sent.path}?{sent.query}", data=b"data", method="PUT", headers=dict(sent.headers)
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metadata_in_the_query_is_kept(server: Server, signer: Signer) -> None:
    assert _put(server, signer, "meta", [("x-amz-meta-colour", "blue")])[0] == 200
    assert server.client("s3").head_object(Bucket=BUCKET, Key="meta")["Metadata"] == {"colour": "blue"}


def test_a_checksum_in_the_query_is_held_against_the_body(server: Server, signer: Signer) -> None:
    assert _put(server, signer, "sum", [("x-amz-checksum-crc32", "rfPzYw==")])[0] == 200
    status, answer = _put(server, signer, "wrong", [("x-amz-checksum-crc32", "AAAAAA==")])
    assert (status, "BadDigest" in answer) == (400, True)
    assert server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="wrong")["KeyCount"] == 0


def test_tags_in_the_query_need_the_right_to_tag(server: Server, signer: Signer) -> None:
    status, answer = _put(server, signer, "tagged", [("x-amz-tagging", "a=b")])
    assert status == 403
    assert "is not authorized to perform: s3:PutObjectTagging" in answer
    assert _put(server, _signer(server, server.root), "tagged", [("x-amz-tagging", "a=b")])[0] == 200
    assert server.client("s3").get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("name", ["x-amz-meta-colour", "X-Amz-Meta-Colour"])
def test_what_is_sent_both_ways_is_refused(server: Server, signer: Signer, name: str) -> None:
    """Whichever won, another reader might have seen the other value (GHSA-mx42-j6wv-px98 and its like)."""
    status, answer = _put(server, signer, "twice", [(name, "blue")], {"x-amz-meta-colour": "red"})
    assert (status, "<Code>InvalidArgument</Code>" in answer) == (400, True)


def test_a_line_end_in_the_query_becomes_no_header(server: Server, signer: Signer) -> None:
    """CVE-2020-10753, CVE-2021-3524."""
    status, answer = _put(server, signer, "line", [("x-amz-meta-colour", "blue\r\nx-injected: yes")])
    assert (status, "<Code>InvalidArgument</Code>" in answer) == (400, True)


def test_a_name_in_the_query_that_no_header_has_is_refused(server: Server, signer: Signer) -> None:
    status, answer = _put(server, signer, "name", [("x-amz-meta-a b", "blue")])
    assert (status, "<Code>InvalidArgument</Code>" in answer) == (400, True)
