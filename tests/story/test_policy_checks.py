"""The guide to policy checks: each of its commands runs, in order, and says what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.requirements import tool
from tests.serving import serving

PAGE = Path(__file__).parent.parent.parent / "docs" / "guide" / "policy-checks.md"


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / ".tools").symlink_to(tool("aws").parent)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    commands = [block for language, block in blocks if not language]
    shown = [block for language, block in blocks if language]
    assert (len(commands), len(shown)) == (5, 4)
    with serving(tmp_path / ".rolecall" / "tutorial", "--account", "123456789012", "--tutorial") as server:
        script = "\n".join(commands).replace("http://127.0.0.1:4500", server.endpoint)
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{script}"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"},
            capture_output=True,
            text=True,
            timeout=110,
        )
    assert [block for block in shown if block not in done.stdout] == [], done.stdout
    assert '"Action": "s3:ListBucket"' in done.stdout
