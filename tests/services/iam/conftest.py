from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.services.iam.account import ServedAccount


@pytest.fixture
def account(tmp_path: Path) -> Iterator[ServedAccount]:
    served = ServedAccount(tmp_path)
    yield served
    served.close()


@pytest.fixture
def iam(account: ServedAccount) -> Any:
    """The root user's IAM client."""
    return account.client()
