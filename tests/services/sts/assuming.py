"""AssumeRole, as its tests call it, and whom they let in."""

from __future__ import annotations

from typing import Any

import pytest
from tests.access.world import ACCOUNT, Credentials, World, allow, trusting

from rolecall.access.check import Check
from rolecall.directory.sessions import Session, open_token, session_keys
from rolecall.message import ServiceError
from rolecall.policy.decide import Outcome
from rolecall.services.sts import operations

R = f"arn:aws:iam::{ACCOUNT}:role/R"


def assume(world: World, who: Credentials | None, role: str = R, **more: Any) -> dict[str, Any]:
    more = {"role_session_name": "work", **more}
    if "tags" in more:
        more["tags"] = [{"key": key, "value": value} for key, value in more["tags"]]
    return world.call(operations, who, "AssumeRole", role_arn=role, **more)


def session_of(world: World, answer: dict[str, Any]) -> Session:
    with world.store.view() as view:
        return open_token(session_keys(view), answer["credentials"]["session_token"])[0]


def refused(world: World, who: Credentials | None, role: str = R, **more: Any) -> tuple[str, str, int]:
    with pytest.raises(ServiceError) as error:
        assume(world, who, role, **more)
    return error.value.code, error.value.message, error.value.status


def not_authorized(arn: str, action: str = "sts:AssumeRole", role: str = R) -> tuple[str, str, int]:
    return "AccessDenied", f"User: {arn} is not authorized to perform: {action} on resource: {role}", 403


def may(world: World, who: Credentials, action: str, resource: str = "*") -> bool:
    return world.decided(who, Check(action, resource)).decision.outcome is Outcome.ALLOW


ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def trusting_alice(world: World, action: object = "sts:AssumeRole", **more: object) -> dict[str, object]:
    return trusting({"AWS": world.user_id("alice")}, action, **more)


def tagging_world(world: World) -> Credentials:
    alice = world.user("alice", allow("sts:*"))
    for name in ("R", "S"):
        world.role(
            name,
            trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*"),
            allow("sts:*"),
            tags={"team": "red", "Kind": name},
        )
    return alice
