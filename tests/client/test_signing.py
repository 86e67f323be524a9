"""The client's own signature is the one that botocore makes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from rolecall.client.settings import Credentials
from rolecall.client.signing import Question, signed_headers


@pytest.mark.parametrize("token", ["", "a/token+of=some"])
@pytest.mark.parametrize("body", [b"", b'{"MaxResults": 1}'])
def test_it_signs_as_botocore_does(token: str, body: bytes) -> None:
    theirs = AWSRequest(
        "POST",
        "http://127.0.0.1:4500/",
        data=body,
        headers={"content-type": "application/x-amz-json-1.1", "x-amz-target": "Service.Operation"},
    )
    key = BotoCredentials("AKIAIOSFODNN7EXAMPLE", "secret/key", token or None)
    SigV4Auth(key, "cloudtrail", "eu-central-1").add_auth(theirs)
    headers = signed_headers(
        Credentials("AKIAIOSFODNN7EXAMPLE", "secret/key", token),
        Question(
            "127.0.0.1:4500",
            "cloudtrail",
            "eu-central-1",
            {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Service.Operation"},
            body,
        ),
        datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
    )
    assert theirs.headers["Authorization"] == headers["authorization"]
