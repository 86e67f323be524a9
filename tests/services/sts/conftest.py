"""The account that STS is tried in."""

from __future__ import annotations

import pytest
from tests.access.world import World

from rolecall.store.sqlite import SqliteStore


@pytest.fixture
def world(store: SqliteStore) -> World:
    return World(store)
