"""Requests signed and spelled in full, as bytes ready to be sent: quick, for thousands of them.

A signer of its own, so that the server's is not measured against itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

REGION = "us-east-1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Key:
    """A key pair, or a session's three parts."""

    access_key_id: str
    secret: str
    token: str = ""


@dataclass(frozen=True)
class Target:
    """Where requests go and who signs them."""

    host: str
    service: str
    key: Key
    moment: datetime


def signed(
    target: Target,
    method: str,
    path: str,
    *,
    query: str = "",
    body: bytes = b"",
    digest: str = "",
    length: int | None = None,
    kind: str = "",
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Return a whole request. `path` and `query` are canonical already.

    A body that is sent from elsewhere is told by its `digest` and `length`; `extra` headers are signed too.
    """
    sent = digest or hashlib.sha256(body).hexdigest()
    stamp = target.moment.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": target.host, "x-amz-date": stamp, **(extra or {})}
    if kind:
        headers["content-type"] = kind
    if target.service == "s3":
        headers["x-amz-content-sha256"] = sent
    if target.key.token:
        headers["x-amz-security-token"] = target.key.token
    authorization = _authorization(target, stamp, f"{method}\n{path}\n{query}", headers, sent)
    size = len(body) if length is None else length
    if size or method in {"POST", "PUT"}:
        headers["content-length"] = str(size)
    lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["user-agent: bench", "accept: */*", f"authorization: {authorization}", "", ""]
    return "\r\n".join(lines).encode() + body


def _authorization(target: Target, stamp: str, head: str, headers: Mapping[str, str], digest: str) -> str:
    names = sorted(headers)
    listed = ";".join(names)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"{head}\n{lines}\n{listed}\n{digest}"
    scope = f"{stamp[:8]}/{REGION}/{target.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_key(target.key.secret, stamp[:8], target.service), text.encode(), "sha256").hex()
    credential = f"{target.key.access_key_id}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={listed}, Signature={signature}"


@lru_cache(maxsize=64)
def _key(secret: str, day: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
