"""Every operation of every service, and every way past its signature that was ever found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.access.world import ACCOUNT, World
from tests.sigv4.signer import HASH, STREAMING, UNSIGNED, Sent, Signer

from rolecall.access.uses import Uses
from rolecall.app.services import registry
from rolecall.config import Settings
from rolecall.gateway import Gateway
from rolecall.message import Response
from rolecall.objects.local import LocalObjects
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail
from rolecall.wire.model import OperationModel, service

MODES = (HASH, UNSIGNED, *STREAMING, "STREAMING", "STREAMING-UNSIGNED-PAYLOAD", "x")
ELSEWHERE = {"PostObject", "WriteGetObjectResponse"}
"""Told by a form, and by a host of its own."""
S3 = [operation for operation in service("s3").operations.values() if operation.name not in ELSEWHERE]
QUERY = [(name, operation) for name in ("iam", "sts") for operation in service(name).operations.values()]
BY_ASSERTION = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}


@dataclass(frozen=True)
class House:
    """A gateway with every operation there is, and a client with the root user's key."""

    gateway: Gateway
    signer: Signer

    def ask(self, sent: Sent) -> tuple[int, bytes]:
        answer: Response = asyncio.run(self.gateway.answer(sent.request()))
        return answer.status, answer.body if isinstance(answer.body, bytes) else b""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    store = SqliteStore(folder / "store.db", master_keys=MasterKeys.in_memory(), sync=False)
    world = World(store)
    trail = Trail(SqliteStore(folder / "trail.db", master_keys=MasterKeys.in_memory(), sync=False), clock=world.clock)
    objects = LocalObjects(folder / "objects", sync=False)
    settings = Settings(data=folder)
    gateway = Gateway(registry(trail), store, objects, trail, Uses(), world.clock, settings, ACCOUNT)
    yield House(gateway, Signer(world.root.access_key_id, "secret" * 6, world.clock.now()))
    trail.close()
    store.close()


def place(operation: OperationModel) -> tuple[str, list[tuple[str, str]], dict[str, str]]:
    """Return path, query and headers by which S3 knows the operation."""
    path, _, constants = operation.uri.partition("?")
    path = path.replace("{Bucket}", "bucket").replace("{Key+}", "key")
    query = [tuple((pair + "=").split("=")[:2]) for pair in constants.split("&") if pair]
    headers: dict[str, str] = {}
    shape = operation.input
    for member in shape.members.values() if shape else ():
        if shape and member.snake in shape.required:
            if member.location == "querystring":
                query.append((member.wire_name, "1"))
            elif member.location == "header":
                headers[member.wire_name.lower()] = "bucket/other" if "copy" in member.wire_name else "1"
    return path, [(name, value) for name, value in query], headers


@pytest.mark.parametrize("operation", S3, ids=lambda operation: operation.name)
def test_s3_refuses_a_bad_signature_whatever_the_body_is_said_to_be(house: House, operation: OperationModel) -> None:
    """CVE-2026-40344, GHSA-9c4q-hq6p-c237, GHSA-hv4r-mvr4-25vw: a handler without a case for a mode."""
    path, query, headers = place(operation)
    for mode in MODES:
        good = house.signer.send(operation.method, path, query, headers, b"data", mode=mode)
        in_header = house.signer.presign(operation.method, path, query, headers, b"data", mode=mode)
        in_query = house.signer.presign(operation.method, path, query, headers, b"data", mode=mode, mode_in_query=True)
        for sent in (good, in_header, in_query):
            status, answer = house.ask(sent.tampered())
            assert status == 403, (mode, answer)
            if operation.method != "HEAD":
                assert b"<Code>SignatureDoesNotMatch</Code>" in answer
        assert b"SignatureDoesNotMatch" not in house.ask(good)[1]


@pytest.mark.parametrize("operation", S3, ids=lambda operation: operation.name)
def test_s3_refuses_strangers(house: House, operation: OperationModel) -> None:
    path, query, headers = place(operation)
    signed = house.signer.send(operation.method, path, query, headers)
    unsigned = signed.with_header("authorization", None)
    unknown = replace(house.signer, access_key_id="AKIAUNKNOWN234567ABC").send(operation.method, path, query, headers)
    forged = replace(house.signer, token="forged").send(operation.method, path, query, headers)
    assert house.ask(unsigned)[0] in {400, 403, 404}
    assert house.ask(unknown)[0] == 403
    assert house.ask(forged)[0] == 400


@pytest.mark.parametrize(("name", "operation"), QUERY, ids=lambda value: getattr(value, "name", value))
def test_iam_and_sts_refuse_a_bad_signature(house: House, name: str, operation: OperationModel) -> None:
    signer = replace(house.signer, service=name)
    body = f"Action={operation.name}&Version={service(name).api_version}".encode()
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    good = signer.send("POST", "/", (), form, body)
    presigned = signer.presign("GET", "/", [("Action", operation.name), ("Version", service(name).api_version)])
    for sent in (good.tampered(), presigned.tampered()):
        status, answer = house.ask(sent)
        assert status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer
    for mode in MODES[1:]:
        streamed = signer.send("POST", "/", (), {**form, "x-amz-content-sha256": mode}, body)
        assert house.ask(streamed)[0] == 403
    assert b"SignatureDoesNotMatch" not in house.ask(good)[1]


@pytest.mark.parametrize(("name", "operation"), QUERY, ids=lambda value: getattr(value, "name", value))
def test_iam_and_sts_refuse_strangers(house: House, name: str, operation: OperationModel) -> None:
    """GHSA-5qfg-mf7r-jp3w: credentials were issued to unsigned requests."""
    signer = replace(house.signer, service=name)
    body = f"Action={operation.name}&Version={service(name).api_version}".encode()
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    good = signer.send("POST", "/", (), form, body)
    status, answer = house.ask(good.with_header("authorization", None))
    if operation.name in BY_ASSERTION:
        assert status in {400, 403, 501}
        assert b"<AccessKeyId>" not in answer
    else:
        assert status in {400, 403}
        assert b"<RequestId>" in answer
        assert b"<Error>" in answer
    unknown = replace(signer, access_key_id="AKIAUNKNOWN234567ABC").send("POST", "/", (), form, body)
    forged = replace(signer, token="forged").send("POST", "/", (), form, body)
    for sent in (unknown, forged):
        status, answer = house.ask(sent)
        assert status == 403
        assert b"<Code>InvalidClientTokenId</Code>" in answer
