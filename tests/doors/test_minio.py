"""The MinIO SDK for Python, whose own provider assumes the role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import SCRIPTS, Door

pytestmark = pytest.mark.doors


@pytest.fixture(scope="module")
def outcome(door: Door, python: Path) -> dict[str, Any]:
    return door.script(python, SCRIPTS / "minio_sdk.py")


def test_what_goes_up_in_one_or_in_parts_comes_down(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] == [True, True]
    assert outcome["download"] is True
    assert outcome["ranged"] is True
    assert outcome["copied"] == 12 * 1024 * 1024


def test_listings_show_keys_and_folders(outcome: dict[str, Any]) -> None:
    assert outcome["listed"] == ["deep/parts", "small"]
    assert sorted(outcome["folders"]) == [["deep/", True], ["small", False]]


def test_a_presigned_url_of_a_session_opens(outcome: dict[str, Any]) -> None:
    assert outcome["presigned"] == "small"


def test_many_objects_are_deleted_at_once(outcome: dict[str, Any]) -> None:
    assert outcome["deleted"] == []


def test_a_refusal_is_an_access_denied_of_the_client(outcome: dict[str, Any]) -> None:
    assert outcome["refused"]["raised"] == "S3Error"
    assert "AccessDenied" in outcome["refused"]["said"]
    assert "explicit deny" in outcome["refused"]["said"]


def test_what_is_not_there_is_told_apart_from_what_is_refused(outcome: dict[str, Any]) -> None:
    assert "NoSuchKey" in outcome["missing"]["said"]
