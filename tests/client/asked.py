"""The people's commands, run as people run them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.serving import Credentials, Server


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Command:
    def __init__(self, server: Server, home: Path) -> None:
        self.server = server
        self.home = home

    def __call__(self, *words: str, who: Credentials | None = None, **more: str) -> Said:
        environment = self.server.environment(self.home, who) | {"COLUMNS": "240"} | more
        command = [sys.executable, "-m", "rolecall.cli", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout, done.stderr)
