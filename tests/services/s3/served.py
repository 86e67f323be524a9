"""What tests of S3 on a real server share."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import Server


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    """Return the error of a call that must fail, with its HTTP status as `Status`."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    answer = refusal.value.response
    error: dict[str, Any] = {**answer["Error"], "Status": answer["ResponseMetadata"]["HTTPStatusCode"]}
    return error


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(bucket: str, principal: object, **further: object) -> dict[str, object]:
    resource = f"arn:aws:s3:::{bucket}/*"
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource} | further


def asked(server: Server, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Send an unsigned request as a browser does; return the status and the headers of the answer."""
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}
