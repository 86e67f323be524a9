"""Steps of a client's script: each runs, whatever became of the others, and what became of each is printed as JSON."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MIB = 1024 * 1024
BODY = bytes(range(256)) * 4096 * 12  # twelve MiB: more than one part, for every client


@dataclass(frozen=True)
class Facts:
    """What the test tells the script."""

    endpoint: str
    region: str
    bucket: str
    role: str
    user: tuple[str, str]
    session: tuple[str, str, str]

    @property
    def host(self) -> str:
        return self.endpoint.removeprefix("http://")


FACTS = Facts(**json.loads(os.environ["DOOR"]))


def run(*steps: Callable[[], Any]) -> None:
    """Run every step and print the outcomes by name."""
    print(json.dumps({step.__name__: _outcome(step) for step in steps}))


def _outcome(step: Callable[[], Any]) -> Any:
    try:
        result = step()
        return asyncio.run(result) if inspect.iscoroutine(result) else result
    except Exception as error:
        return {"raised": type(error).__name__, "said": str(error)}
