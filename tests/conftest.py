"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
