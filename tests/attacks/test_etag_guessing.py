"""Who may write or delete but not read must not find out what is stored by asking whether its ETag is this one.

An ETag of a small object is the MD5 of its bytes, so a guess of the bytes could be confirmed:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html and .../conditional-delete-enforce.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import Credentials, Server

BUCKET = "etag-guessing"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


def _may(*actions: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": OBJECTS}]}
    )


@pytest.fixture(scope="module")
def blind(server: Server) -> Credentials:
    server.client("s3").create_bucket(Bucket=BUCKET)
    return server.user("etag-blind", _may("s3:PutObject", "s3:DeleteObject"))


@pytest.fixture(scope="module")
def seeing(server: Server, blind: Credentials) -> Credentials:
    return server.user("etag-seeing", _may("s3:PutObject", "s3:DeleteObject", "s3:GetObject"))


def _put(s3: Any, key: str, etag: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, IfMatch=etag)


def _complete(s3: Any, key: str, etag: str) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload=parts, IfMatch=etag)


def _delete(s3: Any, key: str, etag: str) -> None:
    s3.delete_object(Bucket=BUCKET, Key=key, IfMatch=etag)


def _delete_many(s3: Any, key: str, etag: str) -> None:
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key, "ETag": etag}]})
    for error in answer.get("Errors", ()):
        raise ClientError({"Error": error}, "DeleteObjects")


Guess = Callable[[Any, str, str], None]
GUESSES = [_put, _complete, _delete, _delete_many]


@pytest.mark.parametrize("guess", GUESSES)
@pytest.mark.parametrize("is_right", [True, False])
def test_a_right_and_a_wrong_guess_look_alike(server: Server, blind: Credentials, guess: Guess, is_right: bool) -> None:
    etag = server.client("s3").put_object(Bucket=BUCKET, Key="secret", Body=b"4711")["ETag"]
    with pytest.raises(ClientError) as refused:
        guess(server.client("s3", blind), "secret", etag if is_right else '"0"')
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


@pytest.mark.parametrize("guess", GUESSES)
def test_who_may_read_may_compare(server: Server, seeing: Credentials, guess: Guess) -> None:
    etag = server.client("s3").put_object(Bucket=BUCKET, Key="open", Body=b"4711")["ETag"]
    guess(server.client("s3", seeing), "open", etag)


def test_that_there_is_an_object_may_be_asked_by_who_writes(server: Server, blind: Credentials) -> None:
    server.client("s3").put_object(Bucket=BUCKET, Key="there")
    s3 = server.client("s3", blind)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=BUCKET, Key="there", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket=BUCKET, Key="there", IfMatch="*")
