"""What is watched while a server runs for long: the memory of its workers, and whether a secret is written anywhere."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression
from urllib.parse import unquote

from tests.reliability.asking import Key
from tests.reliability.over_http import resident, workers
from tests.serving import Server

MIB = 1024 * 1024
LONGEST = 200 * MIB
"""What one worker may ever hold in memory."""
GROWTH = 16 * MIB
"""By how much the line through its samples may rise, from the end of the first third to the end."""

SECRET = re.compile(r"[A-Za-z0-9/+=]{40,}")
SHOWN = 40
"""So many characters of a secret, at whichever end, are as good as the whole."""


class Memory:
    """Samples of the bytes that each worker has in memory, second by second."""

    def __init__(self) -> None:
        self.samples: dict[int, list[tuple[float, int]]] = {}

    def take(self, server: Server) -> None:
        for pid in workers(server):
            self.samples.setdefault(pid, []).append((time.monotonic(), resident(pid)))

    def wrong(self) -> list[str]:
        """Return which workers hold too much, or ever more."""
        found = []
        for pid, samples in self.samples.items():
            most = max(size for _, size in samples)
            if most > LONGEST:
                found.append(f"worker {pid} held {most / MIB:.0f} MiB")
            if (grown := growth(samples)) > GROWTH:
                found.append(f"worker {pid} grew by {grown / MIB:.0f} MiB")
        return found

    def told(self) -> str:
        return "; ".join(
            f"worker {pid}: {samples[-1][1] / MIB:.0f} MiB, at most {max(size for _, size in samples) / MIB:.0f},"
            f" grown by {growth(samples) / MIB:.1f}"
            for pid, samples in self.samples.items()
        )

    @contextmanager
    def sampled(self, server: Server, every: float = 1.0) -> Iterator[None]:
        """Sample for as long as the block runs."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(every):
                self.take(server)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def growth(samples: list[tuple[float, int]]) -> float:
    """Return by how many bytes the line through the samples rises. The first third, in which caches fill, is left out."""
    settled = samples[len(samples) // 3 :]
    if len(settled) < 3:
        return 0.0
    moments, sizes = zip(*settled, strict=True)
    return linear_regression(moments, sizes).slope * (moments[-1] - moments[0])


class Secrets:
    """Secrets that were used, and the search for them in what was written."""

    def __init__(self, keys: Collection[Key]) -> None:
        self._parts = {part for key in keys for secret in (key.secret, key.token) if secret for part in _ends(secret)}

    def leaked(self, text: str) -> list[str]:
        """Return the beginnings of the secrets that stand in `text`, spelled as they are or percent-encoded."""
        found = []
        for spelled in {text, unquote(text)}:
            for run in SECRET.findall(spelled):
                pieces = (run[start : start + SHOWN] for start in range(len(run) - SHOWN + 1))
                found += [f"{piece[:4]}..." for piece in pieces if piece in self._parts]
        return found

    def leaked_into(self, path: Path) -> list[str]:
        """Return what is leaked into a file, line by line."""
        with path.open(errors="replace") as file:
            return [told for line in file for told in self.leaked(line)]


def _ends(secret: str) -> set[str]:
    return {secret[:SHOWN], secret[-SHOWN:]}
