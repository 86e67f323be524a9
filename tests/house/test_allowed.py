"""Nothing runs without the authorizer's word: an `Allowed` cannot be made, faked or left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rolecall.access.allowed import Allowed
from rolecall.services.operation import NoParameters, Operation, Operations, Registry

PROJECT = Path(__file__).parent.parent.parent


def test_a_subclass_outside_the_authorizer_is_refused() -> None:
    with pytest.raises(TypeError, match="only rolecall.access.authorize makes an Allowed"):
        type("Forged", (Allowed,), {})


def test_an_allowed_cannot_be_made_of_nothing() -> None:
    with pytest.raises(TypeError):
        Allowed()  # type: ignore[abstract]


def test_an_operation_without_an_access_declaration_is_refused() -> None:
    with pytest.raises(TypeError, match="iam:GetUser declares no access"):
        Operation("iam", "GetUser", NoParameters, None, read=lambda allowed, parameters, view: {})  # type: ignore[arg-type]


def test_a_service_that_leaves_an_operation_undeclared_is_refused() -> None:
    with pytest.raises(TypeError, match="sts leaves operations undeclared: .*AssumeRole"):
        Registry(Operations("sts"))


SNIPPETS = {
    "a handler called without an Allowed": "run.reading(None, NoParameters(), view)",
    "a structural fake in place of an Allowed": "run.reading(Fake(), NoParameters(), view)",
    "an access declaration left out": 'Operation("iam", "GetUser", NoParameters, read=handler)',
}

PRELUDE = """
from rolecall.access.allowed import Allowed
from rolecall.access.check import Access
from rolecall.services.operation import NoParameters, Operation, Result
from rolecall.store.interface import Snapshot


class Fake:
    now = request_id = caller = request = signature = None


def handler(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    return {}


def scene(access: Access[NoParameters], view: Snapshot) -> None:
    run = Operation("iam", "GetUser", NoParameters, access, read=handler)
    assert run.reading is not None
"""


def test_what_should_not_type_check_does_not(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    lines = [f"    {code}  # {claim}" for claim, code in SNIPPETS.items()]
    planted.write_text(PRELUDE + "\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(PROJECT / "pyproject.toml"), str(planted)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    first = PRELUDE.count("\n") + 1
    for offset, claim in enumerate(SNIPPETS):
        assert f"planted.py:{first + offset}: error" in done.stdout, (claim, done.stdout, done.stderr)
