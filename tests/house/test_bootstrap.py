"""`make setup`: which Python it takes, and one sentence where no virtual environment can be made."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools import bootstrap


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Return a function that makes an environment in `tmp_path` and tells whose Python it has."""

    def run(*arguments: str, optimized: bool = False, new_enough: bool = True) -> str:
        distribution = tmp_path / "python3"
        refuse = "" if new_enough else 'if [ "$1" = -c ]; then exit 1; fi; '
        distribution.write_text(f'#!/bin/sh\n{refuse}exec {sys.executable} "$@"\n')
        distribution.chmod(0o755)
        built = "--enable-optimizations" if optimized else "--enable-shared"
        monkeypatch.setattr(bootstrap, "DISTRIBUTION", str(distribution))
        monkeypatch.setattr(sys, "base_prefix", "/somewhere")
        monkeypatch.setattr(sysconfig, "get_config_var", lambda _: built)
        monkeypatch.setattr(venv, "create", lambda path, **_: (path / "bin").mkdir(parents=True))
        monkeypatch.setattr(sys, "argv", ["bootstrap.py", str(tmp_path / ".venv"), *arguments])
        commands: list[list[str]] = []
        really = subprocess.run

        def only_locally(command: list[str], **options: Any) -> Any:
            commands.append(command)
            return subprocess.CompletedProcess(command, 0) if "install" in command else really(command, **options)

        monkeypatch.setattr(subprocess, "run", only_locally)
        assert bootstrap.main() == 0
        assert commands[-1][:4] == [str(tmp_path / ".venv" / "bin" / "python"), "-m", "pip", "install"]
        return "the distribution's" if (tmp_path / ".venv" / "pyvenv.cfg").exists() else "this one"

    return run


def test_a_python_built_without_a_profile_gives_way_to_the_distributions(taken: Callable[..., str]) -> None:
    assert taken() == "the distribution's"


def test_a_python_that_was_asked_for_is_taken(taken: Callable[..., str]) -> None:
    assert taken("chosen") == "this one"


def test_a_python_built_with_a_profile_is_taken(taken: Callable[..., str]) -> None:
    assert taken(optimized=True) == "this one"


def test_a_distribution_whose_python_is_too_old_is_passed_over(taken: Callable[..., str]) -> None:
    assert taken(new_enough=False) == "this one"


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
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", str(target), "chosen"])
    assert bootstrap.main() == 1
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said.endswith(f"sudo apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv")
    assert not target.exists()
