"""Documents as large as they may be, and larger: answered in S3's words, whoever sends them."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from tests.serving import Server

BUCKET = "large-documents"
OBJECT = b"<Object><Key>a</Key></Object>"
BOMB = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>'


@pytest.fixture(scope="module")
def s3(server: Server) -> Any:
    client = server.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"<Delete>" + OBJECT * 130_000 + b"</Delete>", b"MalformedXML"),
        (b"<Delete " + b" ".join(b'a%d="1"' % i for i in range(250_000)) + b"/>", b"MalformedXML"),
        (b"<a>" * 1_000_000, b"MalformedXML"),
        (BOMB, b"MalformedXML"),
        (b"<Delete>" + b" " * 5_000_000 + b"</Delete>", b"MaxMessageLengthExceeded"),
    ],
)
def test_a_strangers_huge_document_is_refused(server: Server, s3: Any, document: bytes, code: bytes) -> None:
    """CVE-2016-10127 and its kin, and documents that are merely long."""
    request = urllib.request.Request(f"{server.endpoint}/{BUCKET}?delete", data=document, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    assert b"<Code>" + code + b"</Code>" in refused.value.read()


def test_a_long_list_that_may_be_is_taken(s3: Any) -> None:
    keys = [{"Key": f"{'k' * 200}{number}"} for number in range(1000)]
    assert len(s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]) == 1000
