"""`make setup` on machines that cannot make a virtual environment: one sentence, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tools import bootstrap


def test_a_python_without_venv_hears_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / ".venv"

    def create(path: Path, **_: object) -> None:
        """Do as Debian's Python without python3-venv: make half of it, then fail in ensurepip."""
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").touch()
        raise subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"])

    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", str(target)])
    assert bootstrap.main() == 1
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said.endswith(f"sudo apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv")
    assert not target.exists()
