"""Documents as large as they may be, and larger: answered in S3's words, whoever sends them."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.serving import Server
from tests.sigv4.signer import HASH, Signer

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
def test_a_huge_document_is_refused(server: Server, s3: Any, document: bytes, code: bytes) -> None:
    """CVE-2016-10127 and its kin, and documents that are merely long."""
    root, host = server.root, urlsplit(server.endpoint).netloc
    signer = Signer(root.access_key_id, root.secret_access_key, datetime.now(UTC), host=host)
    sent = signer.send("POST", f"/{BUCKET}", [("delete", "")], body=document, mode=HASH)
    assert _refused(server, document, dict(sent.headers)) == code


def test_a_stranger_is_not_read_for_long(server: Server, s3: Any) -> None:
    assert _refused(server, b"<Delete>" + OBJECT * 10_000 + b"</Delete>", {}) == b"MaxMessageLengthExceeded"


def _refused(server: Server, document: bytes, headers: dict[str, str]) -> bytes:
    """Return the code of the 400 that answers a list of objects to delete."""
    url = f"{server.endpoint}/{BUCKET}?delete="
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, data=document, method="POST", headers=headers))
    assert refused.value.code == 400
    return refused.value.read().partition(b"<Code>")[2].partition(b"</Code>")[0]


def test_a_long_list_that_may_be_is_taken(s3: Any) -> None:
    keys = [{"Key": f"{'k' * 200}{number}"} for number in range(1000)]
    assert len(s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]) == 1000
