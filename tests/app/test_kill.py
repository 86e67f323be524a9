"""`kill -9` of the whole server under load: everything that was acknowledged is there afterwards, and whole."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from tests.serving import ACCOUNT, Server, serving

BUCKET = "kept"
SIZES = {"small": 1_000, "large": 300_000}


class Load:
    """Clients that write until the server is gone, and remember what they were told."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged: dict[str, str] = {}
        self.users: list[str] = []
        self.deleted: set[str] = set()

    def run(self, seconds: float) -> None:
        works: list[Callable[[int], None]] = [self.put("small"), self.put("large"), self.create_users, self.delete]
        threads = [threading.Thread(target=work, args=(number,)) for number, work in enumerate(works * 2)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        os.killpg(self.server.process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads)

    def put(self, kind: str) -> Callable[[int], None]:
        def work(number: int) -> None:
            s3 = self.server.client("s3")
            for count in range(100_000):
                key = f"{kind}/{number}/{count}"
                body = os.urandom(SIZES[kind])
                if not _acknowledged(lambda key=key, body=body: s3.put_object(Bucket=BUCKET, Key=key, Body=body)):
                    return
                self.acknowledged[key] = hashlib.sha256(body).hexdigest()

        return work

    def create_users(self, number: int) -> None:
        iam = self.server.client("iam")
        for count in range(100_000):
            name = f"u-{number}-{count}"
            if not _acknowledged(lambda name=name: iam.create_user(UserName=name)):
                return
            self.users.append(name)

    def delete(self, number: int) -> None:
        s3 = self.server.client("s3")
        for count in range(100_000):
            key = f"passing/{number}/{count}"
            if not _acknowledged(lambda key=key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")):
                return
            if not _acknowledged(lambda key=key: s3.delete_object(Bucket=BUCKET, Key=key)):
                return
            self.deleted.add(key)


def _acknowledged(call: Callable[[], object]) -> bool:
    try:
        call()
    except (BotoCoreError, ClientError):
        return False
    return True


def test_everything_acknowledged_survives_kill_9_of_the_server_under_load(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, sync=True) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        load = Load(server)
        load.run(3)
    assert len(load.acknowledged) > 50
    assert load.users
    assert load.deleted
    with serving(tmp_path / "data") as server:
        s3, iam = server.client("s3"), server.client("iam")
        listed: dict[str, int] = {}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            listed |= {found["Key"]: found["Size"] for found in page.get("Contents", [])}
        assert not load.acknowledged.keys() - listed.keys()
        assert not load.deleted & listed.keys()
        for key, digest in load.acknowledged.items():
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            assert hashlib.sha256(body).hexdigest() == digest, key
        names = {user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]}
        assert not set(load.users) - names
