"""Any operation after any other: requests drawn from the models, with names that meet, by whoever has credentials.

What an answer tells (ids, markers, versions, credentials) comes back in later requests. Some requests are changed a little
before they are signed, so that they are nobody's SDK's and still authenticated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl, unquote

from botocore.exceptions import BotoCoreError
from tests.access.world import ACCOUNT, OTHER, World, allow, deny, document, trusting
from tests.fuzz.mutation import mutated
from tests.sigv4.signer import STREAMING, UNSIGNED, Sent, Signer
from tests.wire.botocore_half import model, serialized
from tests.wire.generated import Draw, TooDeep

from rolecall.access.uses import Uses
from rolecall.app.services import registry
from rolecall.config import Settings
from rolecall.gateway import Gateway
from rolecall.message import FileBody
from rolecall.objects.local import LocalObjects
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Question, Trail
from rolecall.wire.model import Member, OperationModel, service

SERVICES = ("iam", "sts", "s3", "cloudtrail", "access-analyzer", "organizations")
ELSEWHERE = {"PostObject", "WriteGetObjectResponse"}
"""Told by a form, and by a host of its own: no SDK makes them as the others."""
LEARNED = re.compile(
    rb"<(UploadId|VersionId|Marker|NextMarker|AccessKeyId|ETag|NextContinuationToken|SerialNumber|PolicyId|UserId|RoleId)>"
    rb"([^<]{1,400})<"
)
SECRET = re.compile(rb"<(?:SecretAccessKey|Password|ServicePassword)>([^<]+)<")
SESSION = re.compile(
    rb"<AccessKeyId>(ASIA[^<]+)</AccessKeyId>\s*<SecretAccessKey>([^<]+)</SecretAccessKey>\s*<SessionToken>([^<]+)<"
    rb"|<SessionToken>([^<]+)</SessionToken>"
)
MOST_LEARNED = 40
MOST_SESSIONS = 3
UNBUILT = 501

_DOCUMENTS = (
    document(allow("*")),
    document(
        allow(["s3:*", "sts:AssumeRole"]), deny("iam:Delete*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    ),
    document(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
    document(trusting({"AWS": "*"}, "sts:*", Condition={"StringEquals": {"sts:ExternalId": "x"}})),
    document({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::first/*"}),
    '{"Version":"2012-10-17","Statement":[]}',
    "{}",
    "",
)
_NAMES = ("alice", "alice", "ops", "ops", "Alice", "a" * 64)
_POOLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("UserName", "RoleName", "GroupName", "PolicyName", "InstanceProfileName", "NewUserName"), _NAMES),
    **dict.fromkeys(("PolicyDocument", "AssumeRolePolicyDocument", "Policy", "policyDocument"), _DOCUMENTS),
    **dict.fromkeys(
        ("Bucket", "BucketName"), ("first", "first", "first", "first", "second", "second", "third.bucket", "no_bucket")
    ),
    **dict.fromkeys(
        ("Key", "Prefix"), ("a", "a", "a", "a/b", "a/b", "a/b/c", "ä ö", "a//b", "..", "a/../b", "%2e", "x" * 900)
    ),
    **dict.fromkeys(("ContentMD5",), ("XUFAKrxLKna5cZ2REBfFkg==",)),
    **dict.fromkeys(("Delimiter",), ("/", "", "b")),
    **dict.fromkeys(("CopySource",), ("first/a", "/second/a%2Fb?versionId=null", "first", "third.bucket/ä")),
    **dict.fromkeys(("Path", "PathPrefix"), ("/", "/team/", "/team/x/")),
    **dict.fromkeys(("Marker", "StartAfter", "KeyMarker", "ContinuationToken"), ("a", "", "!", "AAAA")),
    **dict.fromkeys(("MFADelete", "Status"), ("Enabled", "Suspended", "Disabled", "Active", "Inactive")),
    "PolicyArn": tuple(
        f"arn:aws:iam::{owner}"
        for owner in ("aws:policy/ReadOnlyAccess", f"{ACCOUNT}:policy/ops", f"{ACCOUNT}:policy/x")
    ),
    "RoleArn": tuple(
        f"arn:aws:iam::{account}:role/{name}" for account in (ACCOUNT, OTHER) for name in ("ops", "alice")
    ),
    "VersionId": ("null", "v1", "v2", "x"),
    "Range": ("bytes=0-1", "bytes=-1", "bytes=5-", "bytes=0-0,2-3", "x"),
    "UploadId": ("x",),
    "PartNumber": ("1", "2", "10000"),
    "ChecksumAlgorithm": ("CRC32", "SHA256", "CRC64NVME"),
}


@dataclass(frozen=True)
class Answered:
    """One request and what came back."""

    operation: str
    sent: Sent
    status: int
    body: bytes

    def __str__(self) -> str:
        return f"{self.operation}: {self.sent.method} {self.sent.path}?{self.sent.query} -> {self.status} {self.body!r}"


class _Meeting(Draw):
    """Draws values of shapes, and for some members values that other requests have too."""

    def __init__(self, random: Random, learned: Mapping[str, list[str]]) -> None:
        super().__init__(random, deep=5, optional=0.12)
        self._learned = learned

    def scalar(self, member: Member) -> object:
        known = (*_POOLS.get(member.name, ()), *self._learned.get(member.name, ()))
        if known and member.shape.type == "string" and self.random.random() < 0.9:
            return self.random.choice(known)
        if known and member.shape.type in {"integer", "long"} and self.random.random() < 0.9:
            return int(known[0])
        return super().scalar(member)


class AnyOrder:
    """A gateway with everything in it, and clients that ask for anything."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Begin with an account that has a root user, a user with few rights, and nothing else."""
        self._random = Random(seed)
        keys = MasterKeys.in_memory()
        self._store = SqliteStore(folder / "store.db", master_keys=keys, sync=False)
        self._world = world = World(self._store)
        self._trail = Trail(SqliteStore(folder / "trail.db", master_keys=keys, sync=False), clock=world.clock)
        objects = LocalObjects(folder / "objects", sync=False)
        self._loop = asyncio.new_event_loop()
        settings = Settings(data=folder)
        self._gateway = Gateway(
            registry(self._trail), self._store, objects, self._trail, Uses(), world.clock, settings, ACCOUNT
        )
        root = Signer(world.root.access_key_id, "secret" * 6, world.clock.now())
        some = world.user("some", allow(["s3:*", "iam:Get*", "iam:List*", "sts:*"]))
        self._users = (root, root, root, *[replace(root, access_key_id=some.access_key_id)] * 2)
        self._sessions: list[Signer] = []
        self._learned: dict[str, list[str]] = {}
        self._unbuilt: set[str] = set()
        self.secrets: set[str] = {"secret" * 6}
        self._operations = [
            (name, operation)
            for name in SERVICES
            for operation in service(name).operations.values()
            if operation.name not in ELSEWHERE
            for _ in range(4 if operation.name.startswith(("Create", "Put", "Upload", "Assume")) else 1)
        ]

    def close(self) -> None:
        """Let go of everything."""
        self._trail.close()
        self._store.close()
        self._loop.close()

    def step(self) -> Answered:
        """Ask for something."""
        sent: Sent | None = None
        while sent is None:
            name, operation = self._random.choice(self._operations)
            if operation.name in self._unbuilt and self._random.random() < 0.9:
                continue
            sent = self._drawn(name, operation)
        status, body = self._loop.run_until_complete(self._asked(sent))
        if b"InvalidClientTokenId" in body or b"InvalidAccessKeyId" in body:
            self._sessions.clear()
        self._learn(body)
        if status == UNBUILT and b"is not built" in body:
            self._unbuilt.add(operation.name)
        return Answered(operation.name, sent, status, body)

    def _drawn(self, name: str, operation: OperationModel) -> Sent | None:
        random = self._random
        parameters: dict[str, object] = {}
        try:
            if operation.input is not None:
                drawn = _Meeting(random, self._learned)
                parameters, _ = drawn.structure(operation.input, everything=random.random() < 0.1)
                payload = operation.input.payload
                if payload is not None and payload.snake not in operation.input.required and random.random() < 0.8:
                    parameters.pop(payload.name, None)
            request, body = serialized(model(name).operation_model(operation.name), parameters)
        except (TooDeep, AssertionError, BotoCoreError, ValueError, TypeError, KeyError):
            return None
        headers = {key: value for key, value in request.headers if key not in {"host", "content-length"}}
        query = parse_qsl(request.raw_query.decode(), keep_blank_values=True)
        path = request.raw_path.decode()
        if name != "s3" and "%" in path:
            path = unquote(path)  # our signer signs a path as it is sent, which is how S3 does it
        if random.random() < 0.1:
            body = mutated(body, (b"<a/>", b"{}", b"null", b"&x=1"), random) if body or random.random() < 0.2 else body
        if headers and random.random() < 0.05:
            headers[random.choice(list(headers))] = random.choice(("", "x", "-1", "é", "9" * 40, "null", "*"))
        if query and random.random() < 0.05:
            at = random.randrange(len(query))
            query[at] = (query[at][0], random.choice(("", "x", "-1", "é", "9" * 40, "\0", "true")))
        signer = replace(random.choice((*self._users, *self._sessions)), service=name)
        mode = random.choice((UNSIGNED, *STREAMING)) if name == "s3" and body and random.random() < 0.3 else "hash"
        headers = {key: value.replace("\n", " ").replace("\r", " ") for key, value in headers.items()}
        return signer.send(request.method, path, query, headers, body, mode=mode)

    async def _asked(self, sent: Sent) -> tuple[int, bytes]:
        answer = await self._gateway.answer(sent.request())
        if isinstance(answer.body, bytes):
            return answer.status, answer.body
        if isinstance(answer.body, FileBody):
            return answer.status, b""
        return answer.status, b"".join([piece async for piece in answer.body])

    def _learn(self, body: bytes) -> None:
        for name, value in LEARNED.findall(body):
            known = self._learned.setdefault(name.decode(), [])
            known.append(value.decode())
            del known[:-MOST_LEARNED]
        self.secrets |= {secret.decode() for secret in SECRET.findall(body)}
        for key, secret, token, _ in SESSION.findall(body):
            if key:
                self.secrets.add(token.decode())
                first = self._users[0]
                session = replace(first, access_key_id=key.decode(), secret=secret.decode(), token=token.decode())
                self._sessions = [*self._sessions, session][-MOST_SESSIONS:]

    def told(self) -> str:
        """Return all that the trail has written down."""
        self._trail.flush()
        return "\n".join(
            event.record for account in (ACCOUNT, OTHER) for event in self._trail.find(Question(account), 1_000_000)
        )
