"""What a test needs of the machine: present, or the test is skipped, or, where everything must be, the run fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / ".tools"


def tool(name: str) -> Path:
    """Return the path of a client under .tools; skip the test where it is not there (fail, where all must be)."""
    path = TOOLS / name
    if path.exists():
        return path
    return Path(missing(f"{path} is missing: run `make test` or tools/clients.py"))


def program(name: str) -> Path:
    """Return the path of a program of the machine; skip the test where it is not there (fail, where all must be)."""
    found = shutil.which(name)
    return Path(found) if found else Path(missing(f"{name} is not installed"))


def missing(reason: str) -> str:
    """Skip, or fail where ROLECALL_REQUIRE_ALL says that nothing may be skipped."""
    if os.environ.get("ROLECALL_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)
