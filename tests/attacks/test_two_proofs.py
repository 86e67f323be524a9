"""A request is what its one proof covers: a second proof beside it, or a parameter that is passed over, is refused.

minio/minio#13335: what is passed over would have been accepted with any value.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.exceptions import ClientError
from tests.serving import Server

BUCKET = "two-proofs"
FORGED = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host"


@pytest.fixture(scope="module")
def bucket(server: Server) -> str:
    server.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def _posted(server: Server, *, query: str = "", **headers: str) -> tuple[int, str]:
    form = server.client("s3", signature_version="s3v4").generate_presigned_post(BUCKET, "key")
    address = f"{server.endpoint}/{BUCKET}{query}"
    fields = {**form["fields"], "file": ("f", b"data")}
    answer = urllib3.request("POST", address, fields=fields, headers=headers, timeout=30.0, retries=False)
    return answer.status, answer.data.decode()


def test_a_form_with_one_proof_is_taken(server: Server, bucket: str) -> None:
    assert _posted(server) == (204, "")


@pytest.mark.parametrize("value", [f"{FORGED}, Signature={'0' * 64}", "Bearer anything", ""])
def test_a_signed_form_below_an_authorization_header_is_refused(server: Server, bucket: str, value: str) -> None:
    status, text = _posted(server, Authorization=value)
    assert (status, "<Code>InvalidArgument</Code>" in text) == (400, True)


def test_a_signed_form_sent_to_a_presigned_url_is_refused(server: Server, bucket: str) -> None:
    url = server.client("s3", signature_version="s3v4").generate_presigned_url(
        "list_objects_v2", Params={"Bucket": BUCKET}
    )
    status, text = _posted(server, query=f"?{urlsplit(url).query}")
    assert (status, "<Code>InvalidArgument</Code>" in text) == (400, True)


@pytest.mark.parametrize("operation", ["put_object", "copy_object"])
def test_nobody_says_which_version_a_write_makes(server: Server, bucket: str, operation: str) -> None:
    s3 = server.client("s3")
    s3.put_object(Bucket=BUCKET, Key="source")
    s3.meta.events.register(f"before-sign.s3.{''.join(map(str.title, operation.split('_')))}", _name_a_version)
    wanted = {"CopySource": f"{BUCKET}/source"} if operation == "copy_object" else {}
    with pytest.raises(ClientError) as refused:
        getattr(s3, operation)(Bucket=BUCKET, Key="made", **wanted)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidArgument", "This operation does not accept a version-id.")


def _name_a_version(request: object, **_: object) -> None:
    request.url += "?versionId=null"  # type: ignore[attr-defined]
