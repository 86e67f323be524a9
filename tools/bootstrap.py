"""Make the virtual environment and install the project with what its tests need. Runs on the machine's own Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path


def main() -> int:
    """Return 0 when the environment is ready, 1 with one sentence that says what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036
        print(f"Rolecall needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 run")
        return 1
    target = Path(sys.argv[1])
    python = target / "bin" / "python"
    if not python.exists():
        print(f"Setting up {target} (once, about a minute) ...", flush=True)
        try:
            venv.create(target, with_pip=True, clear=target.exists(), symlinks=True)
        except (subprocess.CalledProcessError, OSError, ImportError):
            shutil.rmtree(target, ignore_errors=True)
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            print(
                f"`{sys.executable} -m venv` does not work here. On Debian or Ubuntu, install it with:"
                f" sudo apt-get install python{version}-venv"
            )
            return 1
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--constraint", "constraints.txt", "-e", ".[dev,catalog]"]
    return subprocess.run(install, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
