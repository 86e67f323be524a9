"""`make run` as a newcomer types it: it serves, goes on where it stopped, and `make tutorial-reset` starts over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.requirements import tool
from tests.serving import read_credentials

PROJECT = Path(__file__).parent.parent.parent


@contextmanager
def _running(data: Path) -> Iterator[str]:
    """Run `make run` until its ready line, yield what it said, and stop it as Ctrl-C does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["make", "run", f"DATA={data}", f"PORT={port}"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = ""
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if line.startswith("ready "):
                break
        assert f"ready http://127.0.0.1:{port}\n" in said, said
        yield said
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=PROJECT, capture_output=True, text=True, timeout=60)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tool("aws")  # else `make run` fetches it while the test waits
    return tmp_path / "tutorial"


def test_make_run_serves_goes_on_and_starts_over(data: Path) -> None:
    with _running(data) as said:
        assert "the tutorial begins" in said
        assert f"export AWS_SHARED_CREDENTIALS_FILE={data}/root-credentials AWS_PROFILE=root" in said
        assert data.stat().st_mode & 0o777 == 0o700
        first = read_credentials(data / "root-credentials", "root")
        assert "is using" in _make("tutorial-reset", f"DATA={data}").stdout
    with _running(data) as said:
        assert "the tutorial goes on where it stopped" in said
        assert read_credentials(data / "root-credentials", "root") == first
    assert "begins the story again" in _make("tutorial-reset", f"DATA={data}").stdout
    assert not data.exists()


def test_a_folder_that_is_no_tutorial_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    done = _make("tutorial-reset", f"DATA={tmp_path}")
    assert done.returncode != 0
    assert "is not a tutorial's data folder; it stays as it is." in done.stdout
    assert (tmp_path / "thesis.txt").exists()
