"""Make the virtual environment and install the project with what its tests need. Runs on the machine's own Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "/usr/bin/python3"
"""The Python of the system, which distributions build with a profile."""


def main() -> int:
    """Return 0 when the environment is ready, 1 with one sentence that says what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036
        print(f"Rolecall needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 run")
        return 1
    target, chosen = Path(sys.argv[1]), sys.argv[2:] == ["chosen"]
    python = target / "bin" / "python"
    if not python.exists():
        print(f"Setting up {target} (once, about a minute) ...", flush=True)
        if (chosen or not _from_the_distribution(target)) and not _from_this_python(target):
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            print(
                f"`{sys.executable} -m venv` does not work here. On Debian or Ubuntu, install it with:"
                f" sudo apt-get install python{version}-venv"
            )
            return 1
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--constraint", "constraints.txt", "-e", ".[dev,catalog]"]
    return subprocess.run(install, check=False).returncode


def _from_the_distribution(target: Path) -> bool:
    """Return whether the environment was made with the system's Python, because this one was built without a profile.

    A Python compiled with defaults, as pyenv does, takes 12 to 15 % more time for a request (docs/performance.md).
    """
    if sys.base_prefix == "/usr" or "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""):
        return False
    new_enough = [DISTRIBUTION, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]
    make = [DISTRIBUTION, "-m", "venv", "--without-pip", "--clear", str(target)]
    pip = [sys.executable, "-m", "pip", "--python", str(target / "bin" / "python"), "install", "--quiet"]
    try:
        pip += ["--disable-pip-version-check", f"pip=={metadata.version('pip')}"]
        for command in (new_enough, make, pip):
            subprocess.run(command, check=True, capture_output=True)
    except (subprocess.CalledProcessError, OSError, metadata.PackageNotFoundError):
        shutil.rmtree(target, ignore_errors=True)
        return False
    print(f"With {DISTRIBUTION}, which is faster than {sys.executable} (PYTHON=... chooses another).", flush=True)
    return True


def _from_this_python(target: Path) -> bool:
    """Return whether the environment was made with the Python that runs this."""
    try:
        venv.create(target, with_pip=True, clear=target.exists(), symlinks=True)
    except (subprocess.CalledProcessError, OSError, ImportError):
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
