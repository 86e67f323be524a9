"""The tutorial's world, served over http and over TLS, and the aws CLIs that walk through it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.certificates import make_certificate
from tests.requirements import tool
from tests.serving import Credentials, Server, serving


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> dict:
        return json.loads(self.out)


class Aws:
    """An aws CLI in a home of its own, with nothing of the machine's settings."""

    def __init__(self, executable: Path, server: Server, home: Path) -> None:
        self.executable = executable
        self.server = server
        self.home = home
        (home / "testfile.txt").write_text("This is a test file.\n")

    def __call__(self, *words: str, who: Credentials | None = None, code: int | None = 0, **more: str) -> Said:
        environment = self.server.environment(self.home, who) | more
        done = subprocess.run(
            [str(self.executable), *words], cwd=self.home, env=environment, capture_output=True, text=True, timeout=90
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert code is None or said.code == code, said
        return said


@pytest.fixture(scope="module", params=["http", "tls"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    certificate, key = make_certificate(folder) if request.param == "tls" else (None, None)
    options = ("--account", "123456789012", "--tutorial")
    with serving(folder / "data", *options, certificate=certificate, key=key) as server:
        yield server


@pytest.fixture(params=["aws", "aws2"])
def aws(request: pytest.FixtureRequest, served: Server, tmp_path: Path) -> Aws:
    return Aws(tool(request.param), served, tmp_path)
