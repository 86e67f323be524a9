"""Bodies that are held back until the sender's credentials or rights have ended: what they ask for is not done any more."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.serving import Credentials, Server
from tests.sigv4.signer import UNSIGNED, Sent, Signer

Make = Callable[[Signer, str], Sent]
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
def test_a_request_whose_key_is_deleted_before_its_body_has_come_does_nothing(server: Server, make: Make) -> None:
    """At four kilobytes in half a minute a request can be held open for hours."""
    name = f"midway-{make.__name__.replace('_', '')}"
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="kept", Body=b"as it was")
    who = server.user(name, _ALL)
    sent = make(_signer(server, who), name)
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


def _part_of(upload: str) -> Make:
    query = [("partNumber", "1"), ("uploadId", upload)]
    return lambda signer, bucket: signer.send("PUT", f"/{bucket}/parts", query, {}, b"changed", mode=UNSIGNED)


_REVOKE_OLDER = """{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*",
 "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2099-01-01T00:00:00Z"}}}}"""


def test_an_upload_whose_sender_loses_the_right_while_it_comes_is_not_kept(server: Server) -> None:
    """Decided in docs/decisions/slow-uploads.md; whichever way the right goes: detached, or a role's sessions ended."""
    name = "midway-right"
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="kept", Body=b"as it was")
    upload = s3.create_multipart_upload(Bucket=name, Key="parts")["UploadId"]
    user = server.user(name, _ALL)
    trust = {"Effect": "Allow", "Principal": {"AWS": iam.get_user(UserName=name)["User"]["Arn"]}}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust | {"Action": "sts:AssumeRole"}})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_ALL)
    assumed = server.client("sts", user).assume_role(RoleArn=role, RoleSessionName="midway")
    session = Credentials.of(assumed["Credentials"])
    waiting = []
    for make in (_upload, _part_of(upload), _form_upload):
        for who, reason in ((user, b"no identity-based policy allows"), (session, b"with an explicit deny")):
            sent = make(_signer(server, who), name)
            waiting.append((_half_sent(server, sent), sent, reason))
    time.sleep(1.2)
    iam.delete_user_policy(UserName=name, PolicyName="p0")
    iam.put_role_policy(RoleName=name, PolicyName="AWSRevokeOlderSessions", PolicyDocument=_REVOKE_OLDER)
    for connection, sent, reason in waiting:
        answer = _answer(connection, sent)
        assert answer.startswith(b"HTTP/1.1 403 "), answer
        assert b"<Code>AccessDenied</Code>" in answer
        assert reason in answer, answer
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"as it was"
    assert "Parts" not in s3.list_parts(Bucket=name, Key="parts", UploadId=upload)


def test_a_slow_upload_whose_time_ran_out_while_it_came_is_kept(server: Server) -> None:
    """Time is looked at when a request begins (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html)."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="midway-time")
    until = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = {
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": until}},
    }
    who = server.user("midway-time", json.dumps({"Version": "2012-10-17", "Statement": policy}))
    sent = _upload(_signer(server, who), "midway-time")
    connection = _half_sent(server, sent)
    time.sleep(1.2)
    assert _answer(connection, sent).startswith(b"HTTP/1.1 200 ")
    sent = _upload(_signer(server, who), "midway-time")
    assert b"<Code>AccessDenied</Code>" in _answer(_half_sent(server, sent), sent)


def test_a_slow_upload_of_a_live_key_is_kept(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="midway-live")
    sent = _upload(_signer(server, server.user("midway-live", _ALL)), "midway-live")
    connection = _half_sent(server, sent)
    time.sleep(1.2)
    assert _answer(connection, sent).startswith(b"HTTP/1.1 200 ")
    assert s3.get_object(Bucket="midway-live", Key="kept")["Body"].read() == b"changed"
