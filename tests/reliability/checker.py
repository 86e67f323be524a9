"""Is there an order in which everything happened at once, each between its question and its answer?

The algorithm is that of Wing and Gong with Lowe's memory of what was tried: take any operation that could be the next
one, let it change the state, go on; where nothing fits, step back. A history is of one register; registers are
independent, so that a whole is linearizable exactly where each of its registers is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

State = str

NEVER = math.inf
MOST_STEPS = 500_000


class Undecided(Exception):
    """The search took too long."""


@dataclass(frozen=True)
class Step:
    """What an operation with its answer makes of the state: None where it cannot have been answered so in this state."""

    apply: Callable[[State], State | None]
    only_reads: bool = False


@dataclass(frozen=True)
class Operation:
    """Something that was asked at one moment and answered at another. Without an answer it may never have happened."""

    invoked: float
    returned: float
    what: str
    step: Step


def wrote(value: State) -> Step:
    """Return the step of a write, whatever was there."""
    return Step(lambda _: value)


def swapped(old: State, new: State) -> Step:
    """Return the step of a write that was to happen, and did, only where `old` was there."""
    return Step(lambda state: new if state == old else None)


def read(value: State) -> Step:
    """Return the step of a read that found `value`."""
    return Step(lambda state: state if state == value else None, only_reads=True)


def was_not(value: State) -> Step:
    """Return the step of one who was told that `value` is not there."""
    return Step(lambda state: state if state != value else None, only_reads=True)


ANYTHING = Step(lambda state: state, only_reads=True)
"""The step of what fits always and changes nothing."""


def impossible(history: Sequence[Operation], initial: State) -> str | None:
    """Return None where an order exists, else up to where one could be found. Raises Undecided."""
    operations = sorted(history, key=lambda operation: operation.invoked)
    needed = sum(1 << place for place, operation in enumerate(operations) if operation.returned != NEVER)
    stack = [(0, initial)]
    seen = set(stack)
    best = 0
    for _ in range(MOST_STEPS):
        if not stack:
            return _told(operations, best)
        done, state = stack.pop()
        if done & needed == needed:
            return None
        if (done & needed).bit_count() > (best & needed).bit_count():
            best = done
        for found in _after(operations, done, state):
            if found not in seen:
                seen.add(found)
                stack.append(found)
    raise Undecided(f"{len(operations)} operations")


def _after(operations: Sequence[Operation], done: int, state: State) -> list[tuple[int, State]]:
    """Return what may come next: for each operation that can be the next one, what is done then, and the state."""
    could = _next(operations, done)
    found = []
    for place in could:
        operation = operations[place]
        after = operation.step.apply(state)
        if after is None:
            continue
        if operation.step.only_reads:
            return [(done | 1 << place, state)]  # it fits now and disturbs nobody: whatever is possible still is
        if operation.returned != NEVER or _is_awaited(operations, could, state, after):
            found.append((done | 1 << place, after))
    return found


def _is_awaited(operations: Sequence[Operation], could: Sequence[int], before: State, after: State) -> bool:
    """Tell whether something waits for the new state. What nobody was told of may as well happen later, or never."""
    steps = [operations[place].step for place in could]
    return any(step.apply(before) is None and step.apply(after) is not None for step in steps)


def _next(operations: Sequence[Operation], done: int) -> list[int]:
    """Return the operations that could be the next one: those asked before any other that is left was answered."""
    first = (~done & (done + 1)).bit_length() - 1
    could = []
    earliest = NEVER
    for place in range(first, len(operations)):
        operation = operations[place]
        if operation.invoked > earliest:
            break
        if not done >> place & 1:
            could.append(place)
            earliest = min(earliest, operation.returned)
    # The last is tried first: the one that was answered first is most often the right one.
    return sorted(could, key=lambda place: -operations[place].returned)


def _told(operations: Sequence[Operation], best: int) -> str:
    left = [operation for place, operation in enumerate(operations) if not best >> place & 1]
    before = [operation for place, operation in enumerate(operations) if best >> place & 1]
    lines = [*map(_line, before[-6:]), "no order goes on from here:", *map(_line, left[:6])]
    return "\n".join(lines)


def _line(operation: Operation) -> str:
    return f"  {operation.invoked:.6f} to {operation.returned:.6f}: {operation.what}"
