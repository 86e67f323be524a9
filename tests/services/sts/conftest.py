"""The account that STS is tried in."""

from __future__ import annotations

import pytest

from rolecall.store.sqlite import SqliteStore
from tests.access.world import World


@pytest.fixture
def world(store: SqliteStore) -> World:
    return World(store)
