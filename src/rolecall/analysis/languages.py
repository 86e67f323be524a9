"""Exact answers about wildcard patterns: whether one covers another, whether two meet, what tells them apart.

Which texts belong to some patterns and not to others is found by walking their automata together, breadth first, so
that the witness is as short as can be. Such questions can be hard beyond measure, so all of it is paid for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from rolecall.analysis.automata import (
    ANY,
    ANY_IN_PART,
    FIRST_SYMBOL,
    MANY,
    MANY_IN_PART,
    WILD,
    Automaton,
    Pattern,
    automaton,
)

__all__ = ["EVERYTHING", "FIRST_SYMBOL", "Pattern", "Undecided", "Work", "covers", "glob", "literal", "meet", "witness"]

MOST_STEPS = 100_000
"""How many steps are taken before a question is given up; one takes some microseconds."""
_A_QUESTION = 10
_SIGNS_A_STEP = 20
"""How many signs of patterns are made part of an automaton at the price of a step."""
_LOOKS_A_STEP = 20
"""How many characters are looked at, whether patterns name them here, at the price of a step."""
_BITS_A_STEP = 10_000
"""How many bits of states are moved at the price of a step."""


class Undecided(Exception):
    """The question is too large to be answered for certain."""


class Work:
    """How much may be done for some questions together."""

    def __init__(self, steps: int | None = None) -> None:
        """Allow so many steps, MOST_STEPS where nothing is said."""
        self._left = MOST_STEPS if steps is None else steps

    def spend(self, steps: int) -> None:
        """Take some of it. Raises Undecided where nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise Undecided


EVERYTHING: Pattern = MANY

_WILD = str.maketrans({"*": MANY, "?": ANY})
_WILD_IN_PART = str.maketrans({"*": MANY_IN_PART, "?": ANY_IN_PART})
_OTHERS = "xyzqwjkvbhfgpumdlcrsnioaetXYZQWJKVBHFGPUMDLCRSNIOAET0123456789-_.~!|"
"""Where a character is needed that no pattern names, the first of these that is not named."""


def glob(text: str) -> Pattern:
    """Return the pattern of a text whose `*` and `?` are wildcards."""
    return text.translate(_WILD)


def literal(text: str) -> Pattern:
    """Return the pattern of one text."""
    return text


def in_part(text: str) -> Pattern:
    """Return the pattern of a text whose wildcards cover no colon: a part of an ARN, the service of an action."""
    return text.translate(_WILD_IN_PART)


def action_pattern(text: str) -> Pattern:
    """Return the pattern of an action in lower case, as the policy language reads it: no star crosses the colon."""
    lowered = text.lower()
    return EVERYTHING if lowered == "*" else in_part(lowered)


def resource_pattern(text: str) -> Pattern:
    """Return the pattern of a resource without variables, as the policy language reads it."""
    if text == "*":
        return EVERYTHING
    parts = text.split(":", 5)
    head = (parts + ["*"] * 5)[:5]
    tail = parts[5] if len(parts) == 6 else "*"
    return ":".join([*map(in_part, head), glob(tail)])


def covers(wide: Sequence[Pattern], narrow: Pattern, work: Work | None = None) -> bool:
    """Tell whether every text of `narrow` is a text of one of `wide`. Raises Undecided."""
    pairs = _in_pairs(wide[0], narrow) if len(wide) == 1 else None
    if pairs is not None:
        return all(one == other or witness([[other]], [one], work) is None for one, other in pairs)
    return witness([[narrow]], wide, work) is None


def _in_pairs(one: Pattern, other: Pattern) -> list[tuple[Pattern, Pattern]] | None:
    """Cut two patterns of ARNs at the five colons before their names, where every text of both has them."""
    first, second = _parts(one), _parts(other)
    return None if first is None or second is None else list(zip(first, second, strict=True))


@lru_cache(maxsize=1024)
def _parts(pattern: Pattern) -> list[Pattern] | None:
    parts = pattern.split(":", 5)
    free = any(MANY in part or ANY in part for part in parts[:5])
    return None if free or len(parts) != 6 else parts


def needless(patterns: Sequence[Pattern], work: Work) -> list[int]:
    """Return the places of patterns that another one covers; of equal ones all but the first.

    Where there is not work enough to find all, some.
    """
    found: list[int] = []
    is_spent = False
    starts = [_start(pattern) for pattern in patterns]
    for place, narrow in enumerate(patterns):
        for other, wide in enumerate(patterns):
            if other == place or (wide == narrow and other > place):
                continue
            if wide != narrow and (is_spent or not _may_cover(wide, starts[other], narrow, starts[place])):
                continue
            try:
                if wide == narrow or covers([wide], narrow, work):
                    found.append(place)
                    break
            except Undecided:
                is_spent = True
    return found


def _start(pattern: Pattern) -> Pattern:
    """Return the characters that every text of a pattern begins with."""
    return pattern[: min((place for sign in WILD if (place := pattern.find(sign)) >= 0), default=len(pattern))]


def _may_cover(wide: Pattern, wide_start: Pattern, narrow: Pattern, narrow_start: Pattern) -> bool:
    """Tell quickly whether a pattern could cover another one; False is certain."""
    if len(wide_start) == len(wide):
        return wide == narrow
    return narrow_start.startswith(wide_start)


def meet(one: Pattern, other: Pattern, work: Work | None = None) -> bool:
    """Tell whether some text belongs to both. Raises Undecided."""
    start, other_start = _start(one), _start(other)
    shared = min(len(start), len(other_start))
    if start[:shared] != other_start[:shared]:
        return False
    pairs = _in_pairs(one, other)
    if pairs is not None:
        return all(witness([[first], [second]], [], work) is not None for first, second in pairs)
    return witness([[one], [other]], [], work) is not None


def matches(patterns: Sequence[Pattern], text: str, work: Work) -> bool:
    """Tell whether a text belongs to one of some patterns. Raises Undecided."""
    work.spend(1 + sum(map(len, patterns)) // _SIGNS_A_STEP)
    side = automaton(tuple(patterns))
    work.spend(len(text) * (1 + side.size // _BITS_A_STEP) // 4)
    state = side.begin
    for letter in text:
        state = side.step(state, letter)
    return side.accepts(state)


def witness(groups: Sequence[Sequence[Pattern]], outside: Sequence[Pattern], work: Work | None = None) -> str | None:
    """Return the shortest text that belongs to a pattern of each group and to none of `outside`; None: there is none.

    Raises Undecided.
    """
    work = work or Work()
    without = frozenset(outside)
    inside = [tuple(pattern for pattern in group if pattern not in without) for group in groups]
    if EVERYTHING in without or not all(inside):
        return None
    sides = [*dict.fromkeys(inside), tuple(outside)]
    work.spend(_A_QUESTION + sum(len(pattern) for side in sides for pattern in side) // _SIGNS_A_STEP)
    return _walk([automaton(side) for side in sides], work)


_Way = tuple["_Way", str] | None
"""The letters of a text from the last to the first."""


def _walk(sides: Sequence[Automaton], work: Work) -> str | None:
    """Return the shortest text that all automata but the last accept, and that one does not. Raises Undecided."""
    other, price = _other(sides), 1 + sum(side.size for side in sides) // _BITS_A_STEP
    begin = tuple(side.begin for side in sides)
    seen = {begin}
    waiting: deque[tuple[tuple[int, ...], _Way]] = deque([(begin, None)])
    while waiting:
        states, way = waiting.popleft()
        accepted = [side.accepts(state) for side, state in zip(sides, states, strict=True)]
        if all(accepted[:-1]) and not accepted[-1]:
            return _text(way)
        letters = _next_letters(sides, states, other)
        looks = [side.looks(state) for side, state in zip(sides, states, strict=True) if side.names_many]
        work.spend(price * (1 + len(letters) + sum(looks) // _LOOKS_A_STEP))
        for letter in letters:
            after = tuple(side.step(state, letter) for side, state in zip(sides, states, strict=True))
            if all(after[:-1]) and after not in seen:
                seen.add(after)
                waiting.append((after, (way, letter)))
    return None


def _text(way: _Way) -> str:
    letters: list[str] = []
    while way is not None:
        way, letter = way
        letters.append(letter)
    return "".join(reversed(letters))


def _other(sides: Sequence[Automaton]) -> str:
    """Return a character that no pattern names."""
    return next(
        (sign for sign in _OTHERS if not any(sign in side.letters for side in sides)),
        "\N{SNOWMAN}",
    )


def _next_letters(sides: Sequence[Automaton], states: Sequence[int], other: str) -> list[str]:
    """Return characters that lead on in every group, one for each way in which characters differ here."""
    letters = {other}
    for place, (side, state) in enumerate(zip(sides, states, strict=True), 1):
        if place < len(sides) and side.is_plain(state):
            return sorted(side.named(state))
        letters.update(side.named(state))
        if side.minds_colons(state):
            letters.add(":")
    return sorted(letters)
