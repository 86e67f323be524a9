"""A signing client of our own, for what no SDK here sends: every way of sending a body, queries, forms.

It shares no code with the server and is held against botocore's signers in test_signer.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import quote

from rolecall.message import Request

EMPTY = hashlib.sha256(b"").hexdigest()
HASH = "hash"
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = (SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED_TRAILER)

Pairs = Sequence[tuple[str, str]]


class Bytes:
    """A body that lies ready, handed out in pieces."""

    def __init__(self, data: bytes, piece: int = 65536) -> None:
        self.data = data
        self.piece = piece
        self.read = False

    async def chunks(self) -> AsyncIterator[bytes]:
        self.read = True
        for start in range(0, len(self.data), self.piece):
            yield self.data[start : start + self.piece]


class Whole(Bytes):
    """A body all of which has come."""

    def at_hand(self) -> bytes:
        return self.data


@dataclass(frozen=True)
class Sent:
    """A request as it goes over the wire."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def request(self, piece: int = 65536) -> Request:
        """Return it as the server's edge would hand it on."""
        body = Bytes(self.body, piece)
        return Request(self.method, self.path.encode(), self.query.encode(), self.headers, body, secure=True)

    def arrived(self) -> Request:
        """Return it as the server's edge would hand it on once all of its body has come."""
        return replace(self.request(), body=Whole(self.body))

    def header(self, name: str) -> str:
        """Return the value of a header that is there."""
        return dict(self.headers)[name]

    def with_header(self, name: str, value: str | None) -> Sent:
        """Return it with one header replaced, added, or (None) removed, the signature left as it was."""
        kept = tuple((key, old) for key, old in self.headers if key != name)
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def tampered(self) -> Sent:
        """Return it with one bit of its signature flipped."""
        return replace(
            self,
            query=_flip(self.query, "X-Amz-Signature="),
            headers=tuple(
                (name, _flip(value, "Signature=") if name == "authorization" else value) for name, value in self.headers
            ),
        )


@dataclass(frozen=True)
class Signer:
    """Signs for one key, one service and one moment."""

    access_key_id: str
    secret: str
    now: datetime
    token: str | None = None
    service: str = "s3"
    region: str = "us-east-1"
    host: str = "127.0.0.1:4500"
    unsigned_names: frozenset[str] = field(default=frozenset({"content-length", "transfer-encoding", "user-agent"}))
    """Headers that are sent and not signed."""

    @property
    def amz_date(self) -> str:
        return self.now.strftime("%Y%m%dT%H%M%SZ")

    @property
    def scope(self) -> str:
        return f"{self.amz_date[:8]}/{self.region}/{self.service}/aws4_request"

    @property
    def credential(self) -> str:
        return f"{self.access_key_id}/{self.scope}"

    def send(
        self,
        method: str,
        path: str = "/",
        query: Pairs = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        mode: str = HASH,
        chunk: int = 65536,
        trailers: Mapping[str, str] | None = None,
        sized: bool = True,
    ) -> Sent:
        """Return the request, signed in its Authorization header. `path` is percent-encoded as sent."""
        trailers = trailers or {}
        said = {"host": self.host, "x-amz-date": self.amz_date, **(headers or {})}
        if self.service == "s3":
            said["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest() if mode == HASH else mode
        if self.token is not None:
            said["x-amz-security-token"] = self.token
        if mode in STREAMING:
            said |= {"x-amz-decoded-content-length": str(len(body)), "content-encoding": "aws-chunked"}
            if mode != SIGNED_CHUNKS:
                said["x-amz-trailer"] = ",".join(trailers)
        payload_hash = said.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
        signature, names = self.signature(method, path, query, said, payload_hash)
        said["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.credential}, SignedHeaders={names}, Signature={signature}"
        )
        wire = self.chunked(body, mode, signature, chunk, trailers) if mode in STREAMING else body
        if sized and (wire or method in {"PUT", "POST"}):
            said["content-length"] = str(len(wire))
        elif wire:
            said["transfer-encoding"] = "chunked"
        return Sent(method, path, encoded(query), tuple(said.items()), wire)

    def presign(
        self,
        method: str,
        path: str = "/",
        query: Pairs = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        expires: int | str = 900,
        mode: str | None = None,
        mode_in_query: bool = False,
        chunk: int = 65536,
        trailers: Mapping[str, str] | None = None,
    ) -> Sent:
        """Return the request, signed in its query. With `mode` it says how its body is sent, in a header or there."""
        said = {"host": self.host, **(headers or {})}
        if mode is not None and not mode_in_query:
            said["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest() if mode == HASH else mode
        if mode in STREAMING:
            said["x-amz-decoded-content-length"] = str(len(body))
            if trailers is not None:
                said["x-amz-trailer"] = ",".join(trailers)
        names = ";".join(sorted(said))
        asked = [
            *query,
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", self.credential),
            ("X-Amz-Date", self.amz_date),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", names),
        ]
        if mode is not None and mode_in_query:
            asked.append(("X-Amz-Content-Sha256", mode))
        if self.token is not None:
            asked.append(("X-Amz-Security-Token", self.token))
        nothing_said = UNSIGNED if self.service == "s3" else hashlib.sha256(body).hexdigest()
        payload_hash = mode if mode is not None and mode_in_query else said.get("x-amz-content-sha256", nothing_said)
        signature, _ = self.signature(method, path, asked, said, payload_hash)
        wire = self.chunked(body, mode, signature, chunk, trailers or {}) if mode in STREAMING else body
        if wire:
            said["content-length"] = str(len(wire))
        return Sent(method, path, f"{encoded(asked)}&X-Amz-Signature={signature}", tuple(said.items()), wire)

    def form(
        self, conditions: list[object], expiration: str, fields: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the fields of an upload form with a policy, the policy signed; `fields` are covered by it as well."""
        own = {
            **(fields or {}),
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": self.credential,
            "x-amz-date": self.amz_date,
        }
        if self.token is not None:
            own["x-amz-security-token"] = self.token
        document = {"expiration": expiration, "conditions": [*conditions, *({name: own[name]} for name in own)]}
        return self.sign_policy(json.dumps(document).encode(), own)

    def sign_policy(self, document: bytes, fields: Mapping[str, str]) -> dict[str, str]:
        """Return the fields with a policy of any text, and its signature."""
        policy = base64.b64encode(document).decode()
        signature = hmac.new(self.key, policy.encode(), "sha256").hexdigest()
        return {**fields, "policy": policy, "x-amz-signature": signature}

    @property
    def key(self) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (self.amz_date[:8], self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        return key

    def signature(
        self, method: str, path: str, query: Pairs, headers: Mapping[str, str], payload_hash: str
    ) -> tuple[str, str]:
        """Return the signature, and the names of the headers it covers."""
        signed = {name: " ".join(value.split()) for name, value in headers.items() if name not in self.unsigned_names}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"{method}\n{path}\n{encoded(sorted_pairs(query))}\n{lines}\n{names}\n{payload_hash}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        return self._sign(f"AWS4-HMAC-SHA256\n{self.amz_date}\n{self.scope}\n{hashed}"), names

    def _sign(self, string: str) -> str:
        return hmac.new(self.key, string.encode(), "sha256").hexdigest()

    def chunked(self, body: bytes, mode: str | None, seed: str, chunk: int, trailers: Mapping[str, str]) -> bytes:
        """Return the body in aws-chunked form, its chain of signatures beginning with `seed`."""
        pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)] + [b""]
        wire, previous = b"", seed
        for piece in pieces:
            extension = b""
            if mode != UNSIGNED_TRAILER:
                digest = hashlib.sha256(piece).hexdigest()
                previous = self._sign(
                    f"AWS4-HMAC-SHA256-PAYLOAD\n{self.amz_date}\n{self.scope}\n{previous}\n{EMPTY}\n{digest}"
                )
                extension = f";chunk-signature={previous}".encode()
            wire += b"%x%s\r\n" % (len(piece), extension)
            wire += piece + b"\r\n" if piece else b""
        if mode == SIGNED_CHUNKS:
            return wire + b"\r\n"
        wire += "".join(f"{name}:{value}\r\n" for name, value in trailers.items()).encode()
        if mode == SIGNED_TRAILER:
            digest = hashlib.sha256(
                "".join(f"{name}:{value}\n" for name, value in trailers.items()).encode()
            ).hexdigest()
            signature = self._sign(f"AWS4-HMAC-SHA256-TRAILER\n{self.amz_date}\n{self.scope}\n{previous}\n{digest}")
            wire += f"x-amz-trailer-signature:{signature}\r\n".encode()
        return wire + b"\r\n"


def encoded(query: Pairs) -> str:
    return "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in query)


def sorted_pairs(query: Pairs) -> list[tuple[str, str]]:
    return sorted(query, key=lambda pair: (quote(pair[0], safe="-._~"), quote(pair[1], safe="-._~")))


def _flip(text: str, before: str) -> str:
    head, found, tail = text.rpartition(before)
    if not found:
        return text
    return f"{head}{found}{'1' if tail[0] == '0' else '0'}{tail[1:]}"
