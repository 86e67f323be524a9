"""Start the tutorial's story over: remove its data folder, and only that."""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path


def main() -> int:
    """Return 0 when the folder is gone, 1 with a sentence when it must stay."""
    folder = Path(sys.argv[1])
    if not folder.exists():
        print(f"{folder} does not exist; `make run` begins the story.")
        return 0
    if not (folder / "tutorial-credentials").exists():
        print(f"{folder} is not a tutorial's data folder; it stays as it is.")
        return 1
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"A server is using {folder}. Stop it first (Ctrl-C where `make run` runs).")
            return 1
        shutil.rmtree(folder)
    print(f"{folder} is removed; `make run` begins the story again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
