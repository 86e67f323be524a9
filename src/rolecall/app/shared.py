"""The memory that the workers of one server share: what they count, and what each sender has left to spend."""

from __future__ import annotations

from rolecall.access.limits import NUMBERS
from rolecall.measures import CELLS, numbers_of, shared_memory


class Shared:
    """The server's shared numbers, or, without a descriptor, one worker's own."""

    def __init__(self, descriptor: int | None = None, workers: int = 1) -> None:
        """Map the memory that `make_shared` made for the same number of workers."""
        self.measures = None if descriptor is None else numbers_of(descriptor, 0, CELLS * workers)
        self.buckets = None if descriptor is None else numbers_of(descriptor, CELLS * workers, NUMBERS)


def make_shared(workers: int) -> int:
    """Return the descriptor of memory for so many workers, for them to inherit."""
    return shared_memory((CELLS * workers + NUMBERS) * 8)
