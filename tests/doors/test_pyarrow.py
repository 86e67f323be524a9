"""pyarrow's file system, which is AWS's SDK for C++ and assumes the role itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import SCRIPTS, Door

pytestmark = pytest.mark.doors

BUCKET = "door-pyarrow"


@pytest.fixture(scope="module")
def outcome(door: Door, python: Path) -> dict[str, Any]:
    return door.script(python, SCRIPTS / "arrow_files.py", who=door.user)


def test_what_goes_up_in_parts_comes_down(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] == outcome["copied"] == 12 * 1024 * 1024
    assert outcome["download"] is True
    assert outcome["ranged"] is True


def test_listings_show_files_and_folders(outcome: dict[str, Any]) -> None:
    expected = [[f"{BUCKET}/deep", "Directory"], [f"{BUCKET}/deep/parts", "File"], [f"{BUCKET}/small", "File"]]
    assert outcome["listed"] == expected


def test_a_parquet_file_is_read_by_its_parts(outcome: dict[str, Any]) -> None:
    assert outcome["parquet"] == [998, 999]


def test_a_folder_is_emptied(outcome: dict[str, Any]) -> None:
    assert outcome["deleted"] == []


def test_a_refusal_is_an_access_denied_of_the_client(outcome: dict[str, Any]) -> None:
    assert "ACCESS_DENIED" in outcome["refused"]["said"]
    assert "explicit deny" in outcome["refused"]["said"]


def test_what_is_not_there_is_told_apart_from_what_is_refused(outcome: dict[str, Any]) -> None:
    assert outcome["missing"] == "NotFound"
