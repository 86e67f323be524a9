"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import ACCOUNT, Server, serving

from rolecall.objects.local import LocalObjects
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped, on the process that reports."""
    if report.skipped:
        _skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which everything must be there and something was skipped."""
    if _skipped and os.environ.get("ROLECALL_REQUIRE_ALL"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why such a run failed."""
    if _skipped and os.environ.get("ROLECALL_REQUIRE_ALL"):
        terminalreporter.write_line(f"ROLECALL_REQUIRE_ALL: {len(_skipped)} skipped: {', '.join(_skipped)}", red=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A new, empty store, which does not wait for the disk."""
    opened = SqliteStore(tmp_path / "store.db", master_keys=MasterKeys.in_memory(), sync=False)
    yield opened
    opened.close()


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[LocalObjects]:
    """A new, empty folder of objects, which does not wait for the disk."""
    opened = LocalObjects(tmp_path / "objects", sync=False)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server in a process of its own, with the tutorial's world, for all tests that make names of their own."""
    with serving(tmp_path_factory.mktemp("server") / "data", "--account", ACCOUNT, "--tutorial") as running:
        yield running
