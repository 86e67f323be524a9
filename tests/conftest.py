"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import ACCOUNT, Server, serving

from rolecall.objects.local import LocalObjects
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore


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
