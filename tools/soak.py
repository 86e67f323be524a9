"""`make soak`: the long runs, in three lanes beside each other, for SOAK_MINUTES (60).

One lane keeps a server under load for the whole time and watches its memory; one takes processes, power and disks away
and looks at histories; in the third all other tests with the marker `soak` run one after the other. The exit code is 0
when all lanes passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

ENDURANCE = "tests/reliability/test_endurance.py"
FAULTS = ("tests/reliability", "tests/store", "tests/services")
LANES = {
    "endurance": [ENDURANCE],
    "faults": [*FAULTS, f"--ignore={ENDURANCE}"],
    "inputs": ["tests", *(f"--ignore={path}" for path in FAULTS)],
}
NOTHING_COLLECTED = 5


def main() -> int:
    """Run the lanes, show their lines as they come, and sum up."""
    minutes = os.environ.get("SOAK_MINUTES", "60")
    print(f"soak: {minutes} minutes (SOAK_MINUTES); make soak 2>&1 | tee soak.log keeps what is said", flush=True)
    begun = time.monotonic()
    running = {lane: _start(paths) for lane, paths in LANES.items()}
    readers = [threading.Thread(target=_show, args=(lane, process, begun)) for lane, process in running.items()]
    for reader in readers:
        reader.start()
    try:
        codes = {lane: process.wait() for lane, process in running.items()}
    except KeyboardInterrupt:
        for process in running.values():
            process.terminate()
        raise
    for reader in readers:
        reader.join()
    failed = [lane for lane, code in codes.items() if code not in {0, NOTHING_COLLECTED}]
    print(f"soak: {'FAILED: ' + ', '.join(failed) if failed else 'passed'} in {_clock(begun)}")
    return 1 if failed else 0


def _start(paths: list[str]) -> subprocess.Popen[str]:
    # Captured output would show only at the end; what the parts say on the way is half of their worth.
    command = [sys.executable, "-m", "pytest", "-v", "-s", "-m", "soak", "--timeout", "0", *paths]
    return subprocess.Popen(
        command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _show(lane: str, process: subprocess.Popen[str], begun: float) -> None:
    for line in process.stdout or ():
        if line.strip():
            print(f"{_clock(begun)} {lane:9} | {line.rstrip()}", flush=True)


def _clock(begun: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - begun), 60)
    return f"{minutes:3d}:{seconds:02d}"


if __name__ == "__main__":
    sys.exit(main())
