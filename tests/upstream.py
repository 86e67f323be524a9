"""Other people's test vectors, fetched once from the package registry and never committed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.requirements import TOOLS, missing


def botocore_source() -> Path:
    """Return the folder with the source distribution of the installed botocore: its `tests/unit`.

    Downloaded once into .tools; where that fails, the test is skipped (or fails, where nothing may be skipped).
    """
    name = f"botocore-{version('botocore')}"
    folder = TOOLS / "upstream" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _download(name.replace("-", "=="), Path(scratch))
            with tarfile.open(Path(scratch) / f"{name}.tar.gz") as archive:
                wanted = [member for member in archive if member.name.startswith(f"{name}/tests/unit/")]
                archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
                archive.extractall(scratch, members=wanted)
            unpacked = Path(scratch) / name
            try:
                unpacked.rename(folder)
            except OSError:
                # Another run was faster; what it unpacked is the same.
                shutil.rmtree(unpacked, ignore_errors=True)
    return folder


def _download(requirement: str, into: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "botocore"]
    command += ["--dest", str(into), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        missing(f"{requirement} cannot be downloaded: {done.stderr.strip()[-300:]}")
