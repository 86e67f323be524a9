"""s3fs, and with it aiobotocore, with a session's credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import SCRIPTS, Door

pytestmark = pytest.mark.doors

BUCKET = "door-s3fs"


@pytest.fixture(scope="module")
def outcome(door: Door, python: Path) -> dict[str, Any]:
    return door.script(python, SCRIPTS / "s3fs_files.py")


def test_what_goes_up_in_one_or_in_parts_comes_down(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] == outcome["copied"] == 12 * 1024 * 1024
    assert outcome["download"] is True
    assert outcome["ranged"] is True


def test_listings_show_files_and_folders(outcome: dict[str, Any]) -> None:
    assert outcome["listed"] == [f"{BUCKET}/deep/parts", f"{BUCKET}/small"]
    assert outcome["folders"] == [[f"{BUCKET}/deep", "directory"], [f"{BUCKET}/small", "file"]]


def test_metadata_and_tags_are_kept(outcome: dict[str, Any]) -> None:
    assert outcome["described"] == ["blue", {"team": "one"}]


def test_a_file_grows_by_a_copy_of_its_beginning(outcome: dict[str, Any]) -> None:
    assert outcome["appended"] == "small and more"


def test_an_exclusive_write_finds_what_is_there(outcome: dict[str, Any]) -> None:
    assert outcome["exclusive"]["raised"] == "FileExistsError"


def test_many_files_are_deleted_at_once(outcome: dict[str, Any]) -> None:
    assert outcome["deleted"] == []


def test_a_refusal_is_a_permission_error_of_the_client(outcome: dict[str, Any]) -> None:
    assert outcome["refused"]["raised"] == "PermissionError"
    assert "explicit deny" in outcome["refused"]["said"]


def test_what_is_not_there_is_told_apart_from_what_is_refused(outcome: dict[str, Any]) -> None:
    assert outcome["missing"]["raised"] == "FileNotFoundError"
