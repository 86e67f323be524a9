"""Bodies that are held back until the sender's credentials have ended: what they ask for is not done any more."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from datetime import UTC, datetime

import pytest
from tests.serving import Credentials, Server
from tests.sigv4.signer import UNSIGNED, Sent, Signer

_ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def _signer(server: Server, who: Credentials) -> Signer:
    host = server.endpoint.removeprefix("http://")
    return Signer(who.access_key_id, who.secret_access_key, datetime.now(UTC), token=who.session_token, host=host)


def _head(sent: Sent) -> bytes:
    target = f"{sent.path}?{sent.query}" if sent.query else sent.path
    lines = [f"{sent.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode()


def _half_sent(server: Server, sent: Sent) -> socket.socket:
    """Send a request without the last byte of its body."""
    address = server.endpoint.removeprefix("http://").partition(":")
    connection = socket.create_connection((address[0], int(address[2])), timeout=20)
    connection.sendall(_head(sent) + sent.body[:-1])
    return connection


def _answer(connection: socket.socket, sent: Sent) -> bytes:
    """Send the last byte, and return the answer."""
    connection.sendall(sent.body[-1:])
    found = b""
    while piece := connection.recv(65536):
        found += piece
    connection.close()
    return found


def _deletion(signer: Signer, bucket: str) -> Sent:
    body = b"<Delete><Object><Key>kept</Key></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    return signer.send("POST", f"/{bucket}", [("delete", "")], {"content-md5": md5}, body)


def _upload(signer: Signer, bucket: str) -> Sent:
    return signer.send("PUT", f"/{bucket}/kept", (), {}, b"changed", mode=UNSIGNED)


def _form_upload(signer: Signer, bucket: str) -> Sent:
    fields = signer.form([{"bucket": bucket}, {"key": "kept"}], "2099-01-01T00:00:00Z", {"key": "kept"})
    parts = [
        f'--limit\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = '--limit\r\ncontent-disposition: form-data; name="file"\r\n\r\nchanged\r\n--limit--\r\n'
    body = ("".join(parts) + file).encode()
    headers = (
        ("host", signer.host),
        ("content-type", "multipart/form-data; boundary=limit"),
        ("content-length", str(len(body))),
    )
    return Sent("POST", f"/{bucket}", "", headers, body)


@pytest.mark.parametrize("make", [_deletion, _upload, _form_upload])
def test_a_request_whose_key_is_deleted_before_its_body_has_come_does_nothing(server: Server, make: object) -> None:
    """At four kilobytes in half a minute a request can be held open for hours."""
    name = f"midway-{make.__name__.replace('_', '')}"  # type: ignore[attr-defined]
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="kept", Body=b"as it was")
    who = server.user(name, _ALL)
    sent = make(_signer(server, who), name)  # type: ignore[operator]
    connection = _half_sent(server, sent)
    time.sleep(1.2)
    iam.delete_access_key(UserName=name, AccessKeyId=who.access_key_id)
    answer = _answer(connection, sent)
    assert answer.startswith(b"HTTP/1.1 403 "), answer
    assert b"<Code>InvalidAccessKeyId</Code>" in answer
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"as it was"


def test_a_list_of_keys_that_comes_slowly_is_decided_by_what_its_sender_is_when_it_has_come(server: Server) -> None:
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket="midway-tags")
    s3.put_object(Bucket="midway-tags", Key="kept", Body=b"as it was")
    unless = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*",'
        ' "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}}'
    )
    who = server.user("midway-tags", unless)
    iam.tag_user(UserName="midway-tags", Tags=[{"Key": "team", "Value": "red"}])
    sent = _deletion(_signer(server, who), "midway-tags")
    connection = _half_sent(server, sent)
    time.sleep(0.2)
    iam.tag_user(UserName="midway-tags", Tags=[{"Key": "team", "Value": "blue"}])
    answer = _answer(connection, sent)
    assert b"<Code>AccessDenied</Code>" in answer
    assert s3.get_object(Bucket="midway-tags", Key="kept")["Body"].read() == b"as it was"


def test_a_slow_upload_of_a_live_key_is_kept(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="midway-live")
    sent = _upload(_signer(server, server.user("midway-live", _ALL)), "midway-live")
    connection = _half_sent(server, sent)
    time.sleep(1.2)
    assert _answer(connection, sent).startswith(b"HTTP/1.1 200 ")
    assert s3.get_object(Bucket="midway-live", Key="kept")["Body"].read() == b"changed"
