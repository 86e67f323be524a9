"""AWS Signature Version 4 for what this tool asks, so that it needs no SDK.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rolecall.client.settings import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Question:
    """A request before it is signed. Path and query are encoded and, as S3 and AWS want them, in canonical order."""

    host: str
    service: str
    region: str
    headers: Mapping[str, str]
    """Header lines besides host, date and token, by lower-case name."""
    body: bytes = b""
    method: str = "POST"
    path: str = "/"
    query: str = ""


def signed_headers(credentials: Credentials, question: Question, now: datetime) -> dict[str, str]:
    """Return the header lines of the signed request."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {**question.headers, "host": question.host, "x-amz-date": stamp}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    digest = hashlib.sha256(question.body).hexdigest()
    canonical = f"{question.method}\n{question.path}\n{question.query}\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{question.region}/{question.service}/aws4_request"
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
