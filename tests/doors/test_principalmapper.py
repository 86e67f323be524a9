"""principalmapper, which draws who can become whom from what it reads, and simulates policies by its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.doors.conftest import SCRIPTS, Door, Said

pytestmark = pytest.mark.doors


class Mapper:
    """The command, with a store of its own."""

    def __init__(self, door: Door, python: Path) -> None:
        self.door = door
        self.python = python

    def __call__(self, *words: str) -> Said:
        storage = str(self.door.home / "graphs")
        return self.door.run(
            self.python,
            SCRIPTS / "pmapper.py",
            *words,
            who=self.door.server.root,
            PMAPPER_STORAGE=storage,
            AWS_MAX_ATTEMPTS="1",  # the services that are not here are asked once
        )


@pytest.fixture(scope="module")
def mapper(door: Door, python: Path) -> Mapper:
    found = Mapper(door, python)
    found("graph", "create", "--include-regions", "us-east-1")
    return found


def test_it_finds_that_the_user_can_become_the_role(mapper: Mapper) -> None:
    said = mapper(
        "--account", "123456789012", "query", f"who can do s3:PutObject with arn:aws:s3:::{mapper.door.bucket}/x"
    )
    name = "door-principalmapper"
    assert f"user/{name} can access via sts:AssumeRole role/{name}" in said.out
    assert f"role/{name} IS authorized to call action s3:PutObject" in said.out


def test_its_own_simulation_agrees_on_what_is_closed(mapper: Mapper) -> None:
    closed = f"arn:aws:s3:::{mapper.door.bucket}/closed/x"
    said = mapper("--account", "123456789012", "query", f"who can do s3:PutObject with {closed}")
    assert "role/door-principalmapper IS" not in said.out
    client = mapper.door.server.client("s3", mapper.door.session())
    with pytest.raises(ClientError, match="explicit deny"):
        client.put_object(Bucket=mapper.door.bucket, Key="closed/x", Body=b"")
