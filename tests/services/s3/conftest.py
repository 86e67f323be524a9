"""A real server, the root user's client of it, and a new bucket."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from tests.serving import ACCOUNT, Server, serving

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("s3") / "data"
    with serving(folder, "--account", ACCOUNT, workers=1) as running:
        yield running


@pytest.fixture(scope="session")
def s3(server: Server) -> Any:
    return server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """A new bucket with AWS's defaults."""
    name = f"bucket-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name
