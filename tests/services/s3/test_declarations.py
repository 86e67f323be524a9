"""Every operation's access declaration, held against AWS's facts about actions, resource types and condition keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.sigv4.signer import Bytes

from rolecall.access.caller import Caller
from rolecall.access.check import Check, Guard
from rolecall.buckets.bucket import ENABLED, Bucket, create_bucket
from rolecall.buckets.versions import ObjectVersion, add
from rolecall.catalog import actions
from rolecall.message import Request
from rolecall.policy.request import Principal, PrincipalKind
from rolecall.services.operation import Declared
from rolecall.services.s3 import operations
from rolecall.store.sqlite import SqliteStore
from rolecall.wire.model import Shape, service

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCOUNT = "123456789012"
ROOT = Caller(Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), ACCOUNT)
ELSEWHERE = frozenset({"ListDirectoryBuckets", "WriteGetObjectResponse", "CreateSession", "RenameObject"})
"""Operations of other endpoints, with actions that are not s3's."""
SERVED = [operation for operation in operations if operation.name not in ELSEWHERE]


@pytest.fixture
def world(store: SqliteStore) -> SqliteStore:
    """A store with one versioned bucket and a tagged object in it."""

    def work(transaction: object) -> None:
        home = Bucket(name="home", account=ACCOUNT, created=NOW, versioning=ENABLED, abac=True, tags={"Team": "blue"})
        create_bucket(transaction, home)  # type: ignore[arg-type]
        add(transaction, home, ObjectVersion("k", NOW, tags={"Open": "yes"}), NOW)  # type: ignore[arg-type]

    store.write_now(work)
    return store


def sample(shape: Shape, *, everything: bool, named: bool = False) -> dict[str, object]:
    """Return parameters of this shape: those it requires, or all that it has; `named`: with the world's names."""
    fixed: dict[str, object] = {"bucket": "home", "key": "k", "copy_source": "home/k", "version_id": "null"}
    fixed = fixed if named else {}
    values: dict[str, object] = {}
    for name, member in shape.members.items():
        if name not in shape.required and not everything and name != "key":
            continue
        if name in fixed:
            values[name] = fixed[name]
        elif name == "tagging" and member.shape.type == "string":
            values[name] = "a=b"
        elif not member.streaming:
            values[name] = _value(member.shape, everything=everything)
    return values


def _value(shape: Shape, *, everything: bool) -> object:
    if shape.type == "structure":
        return sample(shape, everything=everything)
    if shape.type == "list":
        return [_value(shape.element.shape, everything=everything)]
    if shape.type == "map":
        return {"a": "b"}
    simple: dict[str, object] = {"integer": 1, "long": 1, "boolean": True, "timestamp": NOW, "blob": b"x"}
    return simple.get(shape.type, "x")


def asked(operation: Declared, world: SqliteStore, *, everything: bool) -> Sequence[Check]:
    shape = service("s3").operations[operation.name].input
    parameters = sample(shape, everything=everything, named=True) if shape is not None else {}
    request = Request("GET", b"/home/k", b"", (), Bytes(b""), secure=True)
    with world.view() as view:
        return operation.call(parameters).checks(ROOT, request, view, NOW)


@pytest.mark.parametrize("everything", [False, True], ids=["least", "all"])
@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)
def test_an_operation_asks_for_actions_that_fit_its_resource(
    operation: Declared, world: SqliteStore, everything: bool
) -> None:
    checks = asked(operation, world, everything=everything)
    if operation.every_caller:
        assert operation.name == "DeleteObjects"
        return
    assert checks, "an operation that asks for nothing would be refused to everybody"
    for check in checks:
        facts = actions.find(check.action)
        assert facts is not None, f"AWS has no action {check.action}"
        assert facts.name == check.action.partition(":")[2], "spelled as AWS spells it"
        kinds = {kind.name for kind in facts.resource_types}
        kind = "object" if "/" in check.resource else "listing" if "*" in check.resource else "bucket"
        assert not kinds or kind in kinds, f"{check.action} is about {kinds}, not {check.resource}"
        guarded = (check.guard, check.guarded_by, check.account)
        unguarded = operation.name in {"CreateBucket", "ListBuckets"}
        assert guarded == ((None, "", None) if unguarded else (Guard.BUCKET, "home", ACCOUNT))


@pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)
def test_condition_keys_are_those_that_aws_gives_the_action(operation: Declared, world: SqliteStore) -> None:
    for check in asked(operation, world, everything=True):
        facts = actions.find(check.action)
        assert facts is not None
        known = {re.sub(r"\$\{.*?\}", "", key).lower() for key in actions.condition_keys(check.action)}
        for key in check.context:
            name = re.sub(r"/.*", "/", key)
            assert key == key.lower()
            assert name in known | _ALWAYS, f"{key} for {check.action}"


_ALWAYS = {"s3:resourceaccount", "s3:buckettag/", "aws:resourcetag/"}


def test_no_operation_is_left_out() -> None:
    assert operations.missing() == []
