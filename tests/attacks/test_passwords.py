"""Passwords are hashed outside of the transaction that changes them; nothing may slip in between."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import Server

OLD = "Correct-Horse-1"


def _code(call: Any, **parameters: Any) -> str:
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


@pytest.fixture(scope="module")
def changer(server: Server) -> Any:
    allow = {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": "*"}
    key = server.user("changer", json.dumps({"Version": "2012-10-17", "Statement": allow}))
    server.client("iam").create_login_profile(UserName="changer", Password=OLD)
    return server.client("iam", key)


def test_of_many_changes_at_once_one_knows_the_old_password(changer: Any) -> None:
    def change(number: int) -> str:
        return _code(changer.change_password, OldPassword=OLD, NewPassword=f"Battery-Staple-{number}")

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(change, range(6)))
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "AccessDenied", "EntityTemporarilyUnmodifiable"}
    assert _code(changer.change_password, OldPassword=OLD, NewPassword="Battery-Staple-9") == "AccessDenied"


def test_of_many_first_passwords_at_once_one_is_set(server: Server) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="beginner")

    def create(number: int) -> str:
        return _code(iam.create_login_profile, UserName="beginner", Password=f"Battery-Staple-{number}")

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(create, range(6)))
    assert sorted(outcomes) == ["EntityAlreadyExists"] * 5 + ["done"]
