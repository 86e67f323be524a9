"""The account that access's tests ask, and two who send requests to it."""

from __future__ import annotations

import pytest
from tests.access.client import Client
from tests.access.world import World

from rolecall.store.sqlite import SqliteStore


@pytest.fixture
def world(store: SqliteStore) -> World:
    return World(store)


@pytest.fixture
def alice(world: World) -> Client:
    return Client(world, world.user("alice", path="/team/", tags={"team": "blue", "Cost": "1"}).access_key_id)


@pytest.fixture
def root(world: World) -> Client:
    return Client(world, world.root.access_key_id)
