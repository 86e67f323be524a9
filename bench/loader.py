"""Large stores made quickly: records written through the store in big batches, while the server runs or rests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from rolecall.app.folder import DataFolder
from rolecall.buckets.bucket import Bucket, bucket, create_bucket, existing_bucket
from rolecall.buckets.segments import keep_inline
from rolecall.buckets.versions import Checksum, ObjectVersion, add
from rolecall.directory.policies import put_inline_policy
from rolecall.directory.principals import Role, User, create_role, create_user
from rolecall.identifiers import new_unique_id
from rolecall.store.interface import Transaction
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.wire.checksums import ALGORITHMS

AT_ONCE = 5000


class Loader:
    """A data folder's store, opened beside the server."""

    def __init__(self, data: Path, account: str) -> None:
        """Open the store. What is written is not synced one by one."""
        folder = DataFolder(data)
        self._store = SqliteStore(folder.store, master_keys=MasterKeys.load(folder.keyring), sync=False)
        self._account = account
        self._now = datetime.now(UTC)

    def __enter__(self) -> Self:
        """Return this loader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish and close."""
        self._store.close()

    def objects(self, name: str, count: int, *, size: int) -> None:
        """Put `count` objects of `size` bytes into the bucket, which is made where it is missing."""
        content = bytes(size)
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        digest = ALGORITHMS["CRC64NVME"].new()
        digest.update(content)
        checksum = Checksum("CRC64NVME", base64.b64encode(digest.digest()).decode(), "FULL_OBJECT")

        def put(transaction: Transaction, number: int) -> None:
            segments = (keep_inline(transaction, content, self._now),) if size else ()
            draft = ObjectVersion(
                f"object-{number:07}",
                self._now.replace(microsecond=0),
                size=size,
                etag=etag,
                segments=segments,
                headers={"content_type": "binary/octet-stream"},
                checksum=checksum,
            )
            add(transaction, home, draft, self._now)

        home = self._bucket(name)
        self._batches(count, put)

    def users(self, count: int) -> None:
        """Make users, each with a policy of its own."""

        def make(transaction: Transaction, number: int) -> None:
            made = new_unique_id("AIDA", self._account)
            name = f"user-{number:05}"
            create_user(transaction, User(account=self._account, name=name, created=self._now, user_id=made))
            put_inline_policy(transaction, self._account, made, "own", _document("s3:GetObject", name))

        self._batches(count, make)

    def roles(self, count: int) -> None:
        """Make roles that anybody of the account may assume, each with a policy of its own."""
        principal = {"AWS": f"arn:aws:iam::{self._account}:root"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": statement})

        def make(transaction: Transaction, number: int) -> None:
            made, name = new_unique_id("AROA", self._account), f"role-{number:05}"
            new = Role(account=self._account, name=name, created=self._now, role_id=made, trust=trust)
            create_role(transaction, new)
            put_inline_policy(transaction, self._account, made, "own", _document("s3:PutObject", name))

        self._batches(count, make)

    def _bucket(self, name: str) -> Bucket:
        def work(transaction: Transaction) -> Bucket:
            if bucket(transaction, name) is None:
                create_bucket(transaction, Bucket(name=name, account=self._account, created=self._now))
            return existing_bucket(transaction, name)

        return self._store.write_now(work)

    def _batches(self, count: int, put: Callable[[Transaction, int], None]) -> None:
        for start in range(0, count, AT_ONCE):

            def work(transaction: Transaction, start: int = start) -> None:
                for number in range(start, min(start + AT_ONCE, count)):
                    put(transaction, number)

            self._store.write_now(work)


def _document(action: str, name: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::home/{name}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
