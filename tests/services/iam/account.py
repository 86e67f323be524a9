"""An account served in process: real boto3 clients, the real gateway, no socket between them."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from tests.serving import Credentials

from rolecall.access.uses import Uses
from rolecall.clock import SystemClock
from rolecall.config import Settings
from rolecall.directory.accounts import Account, put_account
from rolecall.directory.credentials import AccessKey, create_access_key
from rolecall.directory.sessions import ensure_session_keys
from rolecall.gateway import Gateway
from rolecall.identifiers import new_access_key_id, new_secret_key
from rolecall.message import Request
from rolecall.objects.local import LocalObjects
from rolecall.services import iam, sts
from rolecall.services.operation import Registry
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail

ACCOUNT = "123456789012"
ENDPOINT = "http://127.0.0.1:4500"
_SESSION = boto3.Session()


def document(*statements: Mapping[str, object]) -> str:
    """Return a policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    """Return a statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    """Return a statement that denies."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal: object, action: object = "sts:AssumeRole", **more: object) -> str:
    """Return a trust policy for one principal."""
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> list[bytes]:
        return [self.read()]


class ServedAccount:
    """One account with a root user, and clients of whoever is asked for."""

    def __init__(self, folder: Path) -> None:
        keys, clock = MasterKeys.in_memory(), SystemClock()
        self.store = SqliteStore(folder / "store.db", master_keys=keys, sync=False)
        self.trail = Trail(SqliteStore(folder / "trail.db", master_keys=keys, sync=False), clock=clock)
        now = clock.now()
        self.root = Credentials(new_access_key_id("AKIA", ACCOUNT), new_secret_key())
        key = AccessKey(access_key_id=self.root.access_key_id, account=ACCOUNT, user_id=None, created=now)
        self.store.write_now(
            lambda transaction: [
                put_account(transaction, Account(account_id=ACCOUNT, created=now, canonical_id="ab" * 32)),
                ensure_session_keys(transaction, now),
                create_access_key(transaction, key, self.root.secret_access_key),
            ]
        )
        self._loop = asyncio.new_event_loop()
        objects = LocalObjects(folder / "objects", sync=False)
        registry = Registry(iam.operations, sts.operations)
        self._gateway = Gateway(
            registry, self.store, objects, self.trail, Uses(), clock, Settings(data=folder), ACCOUNT
        )

    def close(self) -> None:
        self.trail.close()
        self.store.close()
        self._loop.close()

    def client(self, service: str = "iam", who: Credentials | None = None) -> Any:
        """Return a boto3 client as `who`, root when not said."""
        key = who or self.root
        client = _SESSION.client(
            service,
            endpoint_url=ENDPOINT,
            region_name="us-east-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-send", self._answer)
        return client

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        parts = urlsplit(request.url)
        lines = [
            (name.lower(), value.decode() if isinstance(value, bytes) else value)
            for name, value in request.headers.items()
        ]
        if all(name != "host" for name, _ in lines):
            lines.append(("host", parts.netloc))
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        asked = Request(
            request.method, parts.path.encode(), parts.query.encode(), tuple(lines), _Bytes(content), client="192.0.2.7"
        )
        answer = self._loop.run_until_complete(self._gateway.answer(asked))
        assert isinstance(answer.body, bytes)
        return AWSResponse(request.url, answer.status, dict(answer.headers), _Raw(answer.body))

    def user(self, name: str, *statements: Mapping[str, object], **more: object) -> Credentials:
        """Create a user with an inline policy of these statements and a key, and return the key."""
        iam = self.client()
        iam.create_user(UserName=name, **more)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])
