"""Coverage-guided fuzzing of every reader of strangers' bytes: an hour of processor time, in `make soak`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests import soaking
from tests.fuzz.targets import TARGETS, Target

MINUTES = 1.5
"""For each target, of an hour's soak."""


@pytest.mark.soak
@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_no_bytes_break_a_reader(target: Target, tmp_path: Path) -> None:
    seconds = round(soaking.seconds(MINUTES))
    command = [sys.executable, "-m", "tests.fuzz.coverage_guided", target.name, "--seconds", str(seconds)]
    repository = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, "--artifacts", str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 3 * seconds,
    )
    soaking.progress(f"{target.name}: {done.stderr.splitlines()[-1] if done.stderr else ''}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
