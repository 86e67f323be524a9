"""`python -m tests.reliability.history [KILLS]`: kills on the time line, as the table in docs/reliability.md.

Ends with an error at the first thing that was acknowledged and is not found.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

from tests.reliability.test_kills import Siege

HEAD = """\
| at | killed | acknowledged | in doubt | looked up | lost | events lost |
|--:|---|--:|--:|--:|--:|--:|"""


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        siege, begun = Siege(Path(folder) / "data"), time.monotonic()
        for first in itertools.cycle(["worker", "writer"]):
            if len(siege.kills) >= wanted:
                break
            known = len(siege.kills)
            siege.live_through([first, "server"])
            siege.look_at_everything()
            missing, age = siege.missing_events()
            lived = siege.kills[known:]
            killed = ", then ".join(f"{kind}{' in mid batch' if busy else ''}" for kind, _, busy in lived)
            ledger = siege.ledger
            counts = f"{ledger.acknowledged:,} | {ledger.doubtful} | {len(ledger.subjects()):,} | 0 | {missing}"
            print(f"| {lived[-1][1] - begun:.0f} s | {killed} | {counts} |", flush=True)
        print(f"\nThe trail lacks {missing} events, the oldest {age:.2f} s before a kill.")


if __name__ == "__main__":
    main()
