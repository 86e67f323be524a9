"""Requests that no SDK sends, signed by our own test signer."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from tests.serving import Credentials, Server
from tests.sigv4.signer import Sent, Signer


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an S3 error."""
        return ElementTree.fromstring(self.body).findtext("Code", "")

    def field(self, name: str) -> str:
        """An element of an S3 error."""
        return ElementTree.fromstring(self.body).findtext(name, "")


def signer(server: Server, who: Credentials | None = None) -> Signer:
    key = who or server.root
    return Signer(
        key.access_key_id,
        key.secret_access_key,
        datetime.now(UTC),
        token=key.session_token,
        host=server.endpoint.partition("//")[2],
    )


def send(server: Server, sent: Sent) -> Answer:
    """Send a request exactly as it is."""
    target = f"{sent.path}?{sent.query}" if sent.query else sent.path
    return exchange(server, sent.method, target, dict(sent.headers), sent.body)


def exchange(server: Server, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    connection = http.client.HTTPConnection(server.endpoint.partition("//")[2], timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        said = {"host": server.endpoint.partition("//")[2], **headers}
        for name, value in said.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body or None)
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
    finally:
        connection.close()
