"""The people's commands, run as people run them but in this process: the page about refusals starts the program itself."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.serving import Credentials, Server

from rolecall.cli import main


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
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, environment, clear=True), redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as usage:
                code = int(usage.code or 0)
        return Said(code, out.getvalue(), err.getvalue())
