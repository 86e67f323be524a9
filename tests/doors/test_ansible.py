"""Ansible's amazon.aws modules, which read back what they wrote: a second run that changes something has read a difference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from tests.doors.conftest import Door
from tests.requirements import tool

pytestmark = [pytest.mark.doors, pytest.mark.timeout(300)]

ROLE = "arn:aws:iam::123456789012:role/team/ansible-role"


@dataclass(frozen=True)
class Runs:
    """What each task said: at first, again, and while it took everything down."""

    first: dict[str, Any]
    second: dict[str, Any]
    down: dict[str, Any]


@pytest.fixture(scope="module")
def runs(door: Door, request: pytest.FixtureRequest) -> Runs:
    play = tool("ansible/bin/ansible-playbook")
    folder = request.path.parent / "playbooks"
    facts = {"user": [door.user.access_key_id, door.user.secret_access_key], "role": door.role, "bucket": door.bucket}
    variables = {"ansible_python_interpreter": str(play.parent / "python"), "facts": facts, "home": str(door.home)}
    settings = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_HOME": str(door.home / ".ansible")}
    settings |= {"ANSIBLE_LOCALHOST_WARNING": "False", "LC_ALL": "C.UTF-8"}

    def run(name: str) -> dict[str, Any]:
        said = door.run(
            play, folder / name, "--extra-vars", json.dumps(variables), who=door.server.root, code=None, **settings
        )
        plays = json.loads(said.out)["plays"]
        return {task["task"]["name"]: task["hosts"]["localhost"] for each in plays for task in each["tasks"]}

    return Runs(run("world.yml"), run("world.yml"), run("nothing.yml"))


def test_the_first_run_makes_everything(runs: Runs) -> None:
    failed = {name: said.get("msg") for name, said in runs.first.items() if said.get("failed")}
    assert list(failed) == ["refused"], failed
    assert all(
        said["changed"]
        for name, said in runs.first.items()
        if name not in {"role info", "user info", "list", "refused"}
    )


def test_the_second_run_finds_everything_as_it_should_be(runs: Runs) -> None:
    changed = {name for name, said in runs.second.items() if said.get("changed")}
    assert changed <= {"assume"}  # a new session each time
    assert list(runs.second) == list(runs.first)


def test_what_was_written_is_read_back(runs: Runs) -> None:
    (role,) = runs.second["role info"]["iam_roles"]
    assert role["arn"] == ROLE
    assert role["max_session_duration"] == 7200
    assert role["tags"] == {"team": "one"}
    (user,) = runs.second["user info"]["iam_users"]
    assert user["arn"] == "arn:aws:iam::123456789012:user/team/ansible-user"
    assert user["tags"] == {"team": "one", "cost centre": "a=b"}


def test_the_session_works_in_its_bucket(runs: Runs, door: Door) -> None:
    assert runs.first["assume"]["sts_user"]["arn"].endswith("assumed-role/door-ansible/ansible")
    assert (door.home / "got").read_text() == "text"
    assert runs.first["list"]["s3_keys"] == ["deep/text"]


def test_a_refusal_is_an_access_denied_of_the_module(runs: Runs) -> None:
    # It asks for the head first, which has no words.
    assert runs.first["refused"]["response_metadata"]["http_status_code"] == 403


def test_everything_is_taken_down(runs: Runs, door: Door) -> None:
    failed = {name: said.get("msg") for name, said in runs.down.items() if said.get("failed")}
    assert not failed
    assert all(said["changed"] for said in runs.down.values())
    assert "ansible-role" not in [role["RoleName"] for role in door.server.client("iam").list_roles()["Roles"]]
