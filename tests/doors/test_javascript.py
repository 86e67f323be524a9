"""The AWS SDK for JavaScript, version 3, run by the machine's node."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.conftest import Door
from tests.requirements import program, tool

pytestmark = pytest.mark.doors

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def outcome(door: Door, request: pytest.FixtureRequest) -> dict[str, Any]:
    node = program("node")
    return door.script(node, request.path.parent / "js" / "steps.mjs", SDK=str(tool("js")))


def test_its_provider_assumes_the_role(outcome: dict[str, Any]) -> None:
    assert outcome["identity"] == "arn:aws:sts::123456789012:assumed-role/door-javascript/javascript"


def test_what_goes_up_in_one_or_in_parts_comes_down(outcome: dict[str, Any]) -> None:
    assert outcome["upload"] is True
    assert outcome["download"] is True
    assert outcome["ranged"] == [f"bytes {5 * MIB - 2}-{5 * MIB + 2}/{12 * MIB}", True]
    assert outcome["copied"] == 12 * MIB


def test_a_stream_goes_up_in_chunks_with_a_checksum_behind(outcome: dict[str, Any]) -> None:
    assert outcome["streamed"] is True


def test_listings_are_paged(outcome: dict[str, Any]) -> None:
    assert outcome["listed"] == ["deep/parts ü+", "small"]


def test_presigned_urls_of_a_session_open_what_they_were_signed_for(outcome: dict[str, Any]) -> None:
    assert outcome["presigned"] == [200, "signed", 403]


def test_a_write_that_must_be_the_first_finds_another(outcome: dict[str, Any]) -> None:
    assert (outcome["created"]["raised"], outcome["created"]["status"]) == ("PreconditionFailed", 412)


def test_many_objects_are_deleted_at_once(outcome: dict[str, Any]) -> None:
    assert outcome["deleted"] == [True, 0]


def test_a_refusal_is_an_access_denied_of_the_client(outcome: dict[str, Any]) -> None:
    assert (outcome["refused"]["raised"], outcome["refused"]["status"]) == ("AccessDenied", 403)
    assert "explicit deny" in outcome["refused"]["said"]
    assert (outcome["refusedByIam"]["raised"], outcome["refusedByIam"]["status"]) == ("AccessDenied", 403)


def test_what_is_not_there_is_told_apart_from_what_is_refused(outcome: dict[str, Any]) -> None:
    assert outcome["missing"]["raised"] == "NoSuchKey"
