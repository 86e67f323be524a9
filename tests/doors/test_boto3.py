"""boto3 and aiobotocore, whose profile names the role and the user who assumes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import SCRIPTS, Door

pytestmark = pytest.mark.doors


@pytest.fixture(scope="module")
def outcome(door: Door, python: Path) -> dict[str, Any]:
    folder = door.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        f"[profile door]\nrole_arn = {door.role}\nsource_profile = user\nrole_session_name = profile\n"
    )
    (folder / "credentials").write_text(
        f"[user]\naws_access_key_id = {door.user.access_key_id}\naws_secret_access_key = {door.user.secret_access_key}\n"
    )
    return door.script(python, SCRIPTS / "assume_by_profile.py")


def test_the_profile_assumes_the_role(outcome: dict[str, Any]) -> None:
    assert outcome["identity"] == "arn:aws:sts::123456789012:assumed-role/door-boto3/profile"


def test_what_goes_up_in_parts_comes_down_and_is_copied_in_parts(outcome: dict[str, Any]) -> None:
    assert outcome["upload"].endswith('-3"')
    assert outcome["download"] is True
    assert outcome["copied"] == 12 * 1024 * 1024


def test_a_waiter_sees_what_comes_late(outcome: dict[str, Any]) -> None:
    assert outcome["waited"] is True


def test_a_form_signed_by_the_session_uploads(outcome: dict[str, Any]) -> None:
    assert outcome["posted"] == [204, "", ["posted/name.txt"]]


def test_aiobotocore_works_by_the_same_profile(outcome: dict[str, Any]) -> None:
    assert outcome["asynchronous"] == [["async"], "syn"]


def test_a_refusal_is_an_access_denied_of_the_client(outcome: dict[str, Any]) -> None:
    code, message = outcome["refused"]
    assert code == "AccessDenied"
    assert message.endswith("with an explicit deny in an identity-based policy")
    code, message = outcome["not_again"]
    assert code == "AccessDenied"
    assert "because no identity-based policy allows the s3:ListBucket action" in message
