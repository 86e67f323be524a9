"""Requests in short, who signs them, and their answers: the same for a server over sockets and a gateway in process."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlencode

from tests.serving import ACCOUNT
from tests.sigv4.signer import Pairs, Sent, Signer

FORM = "application/x-www-form-urlencoded; charset=utf-8"
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
NO_ANSWER = 0
"""The status of a request that was not answered: nobody knows whether it was carried out."""


@dataclass(frozen=True)
class Key:
    """A key pair, or a session's three parts."""

    access_key_id: str
    secret: str
    token: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request before it is signed. Without `who` it is the root user's."""

    service: str
    method: str
    path: str = "/"
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    who: Key | None = None

    def signed(self, root: Key, host: str, now: datetime | None = None) -> Sent:
        """Return it as it goes over the wire."""
        key = self.who or root
        moment = now or datetime.now(UTC)
        signer = Signer(key.access_key_id, key.secret, moment, key.token, service=self.service, host=host)
        return signer.send(self.method, self.path, self.query, self.headers, self.body)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether all that was asked was done: S3 tells some failures under status 200."""
        return 200 <= self.status < 300 and b"<Error>" not in self.body[:4096]

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amz-request-id") or self.headers.get("x-amzn-requestid") or ""

    def text(self, tag: str) -> str:
        """Return what the first element of this name holds, or nothing."""
        found = re.search(f"<{tag}>([^<]*)</{tag}>", self.body.decode("utf-8", "replace"))
        return found[1] if found else ""

    def texts(self, tag: str) -> list[str]:
        return re.findall(f"<{tag}>([^<]*)</{tag}>", self.body.decode("utf-8", "replace"))

    @property
    def code(self) -> str:
        """The error's code, or nothing."""
        return "" if self.is_success else self.text("Code") or str(self.status)

    @property
    def credentials(self) -> Key:
        """The session that AssumeRole gave."""
        return Key(self.text("AccessKeyId"), self.text("SecretAccessKey"), self.text("SessionToken") or None)

    def mark(self) -> str:
        """Return the mark (see `policy`) of the policy that the answer shows."""
        found = re.search(r'"Sid":\s*"m(\d+)"', unquote(self.body.decode()).replace("&quot;", '"'))
        return found[1] if found else "no mark"


LOST = Answer(NO_ANSWER)


def iam(action: str, who: Key | None = None, **parameters: str) -> Asked:
    return _form("iam", action, who, parameters)


def sts(action: str, who: Key | None = None, **parameters: str) -> Asked:
    return _form("sts", action, who, parameters)


def _form(service: str, action: str, who: Key | None, parameters: Mapping[str, str]) -> Asked:
    body = urlencode({"Action": action, "Version": VERSIONS[service], **parameters}).encode()
    return Asked(service, "POST", headers={"content-type": FORM}, body=body, who=who)


def assume(role: str, who: Key | None = None, session: str = "reliability") -> Asked:
    return sts("AssumeRole", who, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=session)


def s3(
    method: str,
    bucket: str,
    key: str = "",
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    who: Key | None = None,
    **headers: str,
) -> Asked:
    path = f"/{bucket}/{quote(key)}" if key else f"/{bucket}"
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("s3", method, path, tuple((query or {}).items()), said, body, who)


def delete_many(bucket: str, keys: list[str]) -> Asked:
    inside = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    body = f"<Delete>{inside}</Delete>".encode()
    return s3("POST", bucket, query={"delete": ""}, body=body, content_md5=_md5(body))


def complete(bucket: str, key: str, upload: str, etags: list[str], **headers: str) -> Asked:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in enumerate(etags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return s3("POST", bucket, key, {"uploadId": upload}, body, **headers)


def versioning(bucket: str) -> Asked:
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    return s3("PUT", bucket, query={"versioning": ""}, body=body, content_md5=_md5(body))


def policy(
    mark: object, *, principal: str = "", action: str = "s3:*", resource: str = "*", effect: str = "Allow"
) -> str:
    """Return a policy that allows one thing, told from others by its mark."""
    who = f'"Principal": {{"AWS": "{principal}"}}, ' if principal else ""
    what = f'"Action": "{action}"' + (f', "Resource": "{resource}"' if resource else "")
    statement = f'{{"Sid": "m{mark}", "Effect": "{effect}", {who}{what}}}'
    return f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'


def content(key: str, mark: object, size: int) -> bytes:
    """Return an object's bytes from which key, mark and wholeness can be told."""
    head = f"{key}|{mark}|".encode()
    noise = hashlib.shake_128(head).digest(max(0, size - len(head) - 8))
    return head + noise + b"%08x" % zlib.crc32(head + noise)


def mark_of(key: str, body: bytes) -> str:
    """Return the mark of an object's bytes, or what is wrong with them."""
    if b"%08x" % zlib.crc32(body[:-8]) != body[-8:]:
        return f"half-made ({len(body)} bytes)"
    whose, mark, _ = body.split(b"|", 2)
    return mark.decode() if whose.decode() == key else f"the bytes of {whose.decode()}"


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()
