"""The walls of the house hold: each planted violation is caught by the check that guards it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent

PLANTED = {
    "a lower room imports a higher one": ("policy/planted.py", "import rolecall.access.check\n"),
    "a directory knows the gateway": ("directory/planted.py", "import rolecall.gateway\n"),
    "siblings on one floor know each other": ("catalog/planted.py", "import rolecall.directory.principals\n"),
    "the ground floor knows itself": ("clock.py", "import rolecall.message\n"),
    "services know each other": ("services/sts/planted.py", "import rolecall.services.iam\n"),
    "an operation's form knows a service": ("services/operation.py", "import rolecall.services.iam\n"),
    "a service names an engine": ("services/s3/planted.py", "import rolecall.objects.local\n"),
    "access names an engine": ("access/planted.py", "import rolecall.store.sqlite\n"),
    "a service asks the authorizer": ("services/iam/planted.py", "import rolecall.access.authorize\n"),
    "gateway knows a service": ("gateway.py", "import rolecall.services.s3\n"),
    "edge knows a service": ("edge/planted.py", "import rolecall.services.s3\n"),
    "the people's tool enters the tower": ("client/planted.py", "import rolecall.directory.principals\n"),
    "a pure room reads files": ("policy/planted.py", "import os\n"),
    "policies are analysed without the machine": ("analysis/planted.py", "import os\n"),
    "analysis asks who is allowed": ("analysis/planted.py", "import rolecall.access.check\n"),
    "a pure room waits": ("sigv4/planted.py", "import asyncio\n"),
    "a pure room reads the clock": ("wire/planted.py", "import rolecall.clock\n"),
    "a room that nobody planned": ("helpers.py", '"""Not in the plan."""\n'),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(
        PROJECT / "src", folder / "src", ignore=shutil.ignore_patterns("*.json", "*.bin", "*.gz", "__pycache__")
    )
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "lint-imports"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": ""},
        capture_output=True,
        text=True,
    )


def test_the_house_as_it_stands_keeps_its_walls(copy: Path) -> None:
    done = _lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("violation", PLANTED)
def test_a_planted_violation_is_caught(copy: Path, violation: str) -> None:
    place, line = PLANTED[violation]
    path = copy / "src" / "rolecall" / place
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + line)
    try:
        done = _lint(copy)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert done.returncode == 1, f"{violation}: {done.stdout}{done.stderr}"
    assert "BROKEN" in done.stdout or "exhaustive" in done.stdout


LINTED = {
    "PLC0415": "def late() -> None:\n    import json\n\n    json.dumps(1)\n",
    "TID251": "import datetime\n\nNOW = datetime.datetime.now()\n",
    "SLF001": "from rolecall import clock\n\nprint(clock._hidden)\n",
    "PLC2701": "from msgspec._core import Struct\n\nSHAPE = Struct\n",
}


@pytest.mark.parametrize("rule", LINTED)
def test_what_imports_do_not_show_ruff_refuses(rule: str) -> None:
    done = subprocess.run(
        [str(BIN / "ruff"), "check", "--stdin-filename", "src/rolecall/services/planted.py", "-"],
        cwd=PROJECT,
        input=f'"""Planted."""\n\n{LINTED[rule]}',
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"[{rule}]" in done.stdout or rule in done.stdout or _name(rule) in done.stdout


def test_no_room_imports_what_another_keeps_private() -> None:
    """Ruff's PLC2701 looks the other way inside one package, and all rooms are of one."""
    taken = [
        f"{path.relative_to(PROJECT)}:{node.lineno} {alias.name}"
        for path in sorted((PROJECT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert taken == []


def _name(rule: str) -> str:
    """Return the rule's name, which newer versions print in place of its code."""
    done = subprocess.run([str(BIN / "ruff"), "rule", rule], capture_output=True, text=True, check=True)
    return done.stdout.partition("\n")[0].removeprefix("# ").partition(" ")[0]
