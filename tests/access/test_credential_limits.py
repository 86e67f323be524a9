"""What kinds of credentials cannot call, whatever policies say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.access.client import Client, enter, opened
from tests.access.world import START, World, trusting

from rolecall.access.caller import Caller
from rolecall.access.credential_limits import may_call
from rolecall.directory.sessions import SessionKind
from rolecall.message import ServiceError

TOKEN = ("InvalidClientTokenId", "The security token included in the request is invalid.")
NEVER_AGAIN = "Cannot call {} with session credentials"
STS = [
    "AssumeRole",
    "GetCallerIdentity",
    "GetSessionToken",
    "GetFederationToken",
    "GetAccessKeyInfo",
    "DecodeAuthorizationMessage",
]


@pytest.fixture
def callers(world: World) -> dict[str, Caller]:
    user = Client(world, world.user("alice").access_key_id)
    user_id = world.user_id("alice")
    role = world.role("reader", trusting("*"))
    clients = {
        "user": user,
        "root": Client(world, world.root.access_key_id),
        "session": opened(world, SessionKind.SESSION_TOKEN, user_id),
        "session with MFA": opened(world, SessionKind.SESSION_TOKEN, user_id, mfa_at=START),
        "session of root": opened(world, SessionKind.SESSION_TOKEN, ""),
        "role": opened(world, SessionKind.ROLE, role.role_id),
        "federated": opened(world, SessionKind.FEDERATION, user_id),
    }
    return {name: enter(world, client.sent("sts"), "sts").caller for name, client in clients.items()}


ALLOWED = {
    "user": set(STS),
    "root": set(STS) - {"AssumeRole"},
    "session": {"AssumeRole", "GetCallerIdentity"},
    "session with MFA": {"AssumeRole", "GetCallerIdentity"},
    "session of root": {"GetCallerIdentity"},
    "role": set(STS) - {"GetSessionToken", "GetFederationToken"},
    "federated": {"GetCallerIdentity"},
}


@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize("name", STS)
def test_sts(callers: dict[str, Caller], kind: str, name: str) -> None:
    if name in ALLOWED[kind]:
        may_call(callers[kind], f"sts:{name}")
        return
    with pytest.raises(ServiceError) as caught:
        may_call(callers[kind], f"sts:{name}")
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    by_root = name == "AssumeRole" and "root" in kind
    assert caught.value.message == (
        "Roles may not be assumed by root accounts." if by_root else NEVER_AGAIN.format(name)
    )


@pytest.mark.parametrize(
    ("kind", "may"),
    [
        ("user", True),
        ("root", True),
        ("role", True),
        ("session", False),
        ("session with MFA", True),
        ("session of root", False),
        ("federated", False),
    ],
)
def test_iam(callers: dict[str, Caller], kind: str, may: bool) -> None:
    """CVE-2025-62506: a restricted session must not mint credentials that are not."""
    for name in ("CreateAccessKey", "GetUser"):
        if may:
            may_call(callers[kind], f"iam:{name}")
            continue
        with pytest.raises(ServiceError) as caught:
            may_call(callers[kind], f"iam:{name}")
        assert (caught.value.code, caught.value.message) == TOKEN
        assert caught.value.status == 403


def test_federated_calls_carry_their_own_proof(callers: dict[str, Caller]) -> None:
    for caller in callers.values():
        may_call(caller, "sts:AssumeRoleWithWebIdentity")
        may_call(caller, "sts:AssumeRoleWithSAML")


def test_other_services_take_every_kind(callers: dict[str, Caller]) -> None:
    for caller in callers.values():
        may_call(replace(caller), "s3:PutObject")
