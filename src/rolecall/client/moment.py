"""The only reader of time of the people's tool."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def moment() -> datetime:
    """Return the present moment in UTC."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)
