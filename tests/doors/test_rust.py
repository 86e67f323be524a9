"""Rust's object_store, through obstore and polars: a signer of its own, and conditional writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import SCRIPTS, Door

pytestmark = pytest.mark.doors


@pytest.fixture(scope="module")
def outcome(door: Door, python: Path) -> dict[str, Any]:
    return door.script(python, SCRIPTS / "rust_stores.py")


def test_what_goes_up_in_one_or_in_parts_comes_down(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] == outcome["copied"] == 12 * 1024 * 1024
    assert outcome["download"] is True
    assert outcome["ranged"] == [True, True]


def test_listings_show_keys_and_prefixes(outcome: dict[str, Any]) -> None:
    assert outcome["listed"] == ["deep/parts", "small"]
    assert outcome["folders"] == ["deep"]


def test_a_write_that_must_be_the_first_finds_another(outcome: dict[str, Any]) -> None:
    assert outcome["created"]["raised"] == "AlreadyExistsError"


def test_a_write_over_a_known_state_succeeds_once(outcome: dict[str, Any]) -> None:
    assert outcome["updated"] == ["second", "PreconditionError"]


def test_a_presigned_url_of_a_session_opens(outcome: dict[str, Any]) -> None:
    assert outcome["signed"] == "second"


def test_polars_writes_and_scans_a_table(outcome: dict[str, Any]) -> None:
    assert outcome["frames"] == [998, 999]


def test_many_objects_are_deleted_at_once(outcome: dict[str, Any]) -> None:
    assert outcome["deleted"] == []


def test_a_refusal_is_a_permission_error_of_the_client(outcome: dict[str, Any]) -> None:
    assert outcome["refused"]["raised"] == "PermissionDeniedError"
    assert "AccessDenied" in outcome["refused"]["said"]


def test_what_is_not_there_is_told_apart_from_what_is_refused(outcome: dict[str, Any]) -> None:
    assert outcome["missing"]["raised"] in {"NotFoundError", "FileNotFoundError"}
