"""Exact answers about wildcard patterns: whether one covers another, whether two meet, what tells them apart.

A pattern is an automaton over characters. Which texts belong to some patterns and not to others is found by walking
their automata together, breadth first, so that the witness is as short as can be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

MOST_STEPS = 300_000
"""How many steps of automata are taken before a question is given up: about a second's worth."""


_A_QUESTION = 20


class Undecided(Exception):
    """The question is too large to be answered for certain."""


class Work:
    """How much may be done for some questions together."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        """Allow so many steps."""
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take some of it. Raises Undecided where nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise Undecided


class Wild(Enum):
    """What a token that is no character stands for."""

    ANY = "?"
    """One character."""
    MANY = "*"
    """Any characters."""
    ANY_IN_PART = "? without a colon"
    MANY_IN_PART = "* without a colon"


Pattern = tuple[str | Wild, ...]
"""A pattern: characters and wildcards in a row."""

EVERYTHING: Pattern = (Wild.MANY,)

FIRST_SYMBOL = "\U000f0000"
"""From this character on, characters stand for unknown texts of any length: `*` covers them, `?` does not."""

_ONE = (Wild.ANY, Wild.ANY_IN_PART)
_LOOPS = (Wild.MANY, Wild.MANY_IN_PART)
_IN_PART = frozenset({Wild.ANY_IN_PART, Wild.MANY_IN_PART})
_WILD = {"*": Wild.MANY, "?": Wild.ANY}
_WILD_IN_PART = {"*": Wild.MANY_IN_PART, "?": Wild.ANY_IN_PART}
_OTHERS = "xyzqwjkvbhfgpumdlcrsnioaetXYZQWJKVBHFGPUMDLCRSNIOAET0123456789-_.~!|"
"""Where a character is needed that no pattern names, the first of these that is not named."""


@lru_cache(maxsize=4096)
def glob(text: str) -> Pattern:
    """Return the pattern of a text whose `*` and `?` are wildcards."""
    return tuple(_WILD.get(sign, sign) for sign in text)


@lru_cache(maxsize=4096)
def literal(text: str) -> Pattern:
    """Return the pattern of one text."""
    return tuple(text)


@lru_cache(maxsize=4096)
def in_part(text: str) -> Pattern:
    """Return the pattern of a text whose wildcards cover no colon: a part of an ARN, the service of an action."""
    return tuple(_WILD_IN_PART.get(sign, sign) for sign in text)


def action_pattern(text: str) -> Pattern:
    """Return the pattern of an action in lower case, as the policy language reads it: no star crosses the colon."""
    lowered = text.lower()
    if lowered == "*":
        return EVERYTHING
    service, colon, name = lowered.partition(":")
    return (*in_part(service), *literal(colon), *in_part(name))


def resource_pattern(text: str) -> Pattern:
    """Return the pattern of a resource without variables, as the policy language reads it."""
    if text == "*":
        return EVERYTHING
    parts = text.split(":", 5)
    head = (parts + ["*"] * 5)[:5]
    tail = parts[5] if len(parts) == 6 else "*"
    return (*(token for part in head for token in (*in_part(part), ":")), *glob(tail))


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
    parts: list[Pattern] = []
    begin = 0
    for place, sign in enumerate(pattern):
        if sign in {Wild.MANY, Wild.ANY}:
            return None
        if sign == ":":
            parts.append(pattern[begin:place])
            begin = place + 1
            if len(parts) == 5:
                return [*parts, pattern[begin:]]
    return None


def needless(patterns: Sequence[Pattern], work: Work) -> list[int]:
    """Return the places of patterns that another one covers; of equal ones all but the first.

    Where there is not work enough to find all, some.
    """
    found: list[int] = []
    starts = [_start(pattern) for pattern in patterns]
    for place, narrow in enumerate(patterns):
        for other, wide in enumerate(patterns):
            if other == place or (wide == narrow and other > place):
                continue
            if not _may_cover(wide, starts[other], narrow, starts[place]):
                continue
            try:
                if wide == narrow or covers([wide], narrow, work):
                    found.append(place)
                    break
            except Undecided:
                continue
    return found


def _start(pattern: Pattern) -> Pattern:
    """Return the characters that every text of a pattern begins with."""
    length = next((place for place, token in enumerate(pattern) if isinstance(token, Wild)), len(pattern))
    return pattern[:length]


def _may_cover(wide: Pattern, wide_start: Pattern, narrow: Pattern, narrow_start: Pattern) -> bool:
    """Tell quickly whether a pattern could cover another one; False is certain."""
    if len(wide_start) == len(wide):
        return wide == narrow
    return narrow_start[: len(wide_start)] == wide_start


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


def witness(groups: Sequence[Sequence[Pattern]], outside: Sequence[Pattern], work: Work | None = None) -> str | None:
    """Return the shortest text that belongs to a pattern of each group and to none of `outside`; None: there is none.

    Raises Undecided.
    """
    if EVERYTHING in outside:
        return None
    sides = (*(tuple(group) for group in groups), tuple(outside))
    work = work or Work()
    work.spend(_A_QUESTION)
    other = _other(sides)
    begin = tuple(_closed(side, {(number, 0) for number in range(len(side))}) for side in sides)
    seen = {begin}
    waiting: deque[tuple[tuple[_States, ...], str]] = deque([(begin, "")])
    while waiting:
        states, text = waiting.popleft()
        if all(map(_accepts, sides[:-1], states[:-1])) and not _accepts(sides[-1], states[-1]):
            return text
        for letter in _next_letters(sides, states, other):
            after = tuple(_step(side, state, letter) for side, state in zip(sides, states, strict=True))
            work.spend(1 + sum(map(len, after)))
            if all(after[:-1]) and after not in seen:
                seen.add(after)
                waiting.append((after, text + letter))
    return None


_Side = tuple[Pattern, ...]
_States = frozenset[tuple[int, int]]
"""Where in which of a side's patterns the text read so far may stand."""


def _other(sides: Sequence[_Side]) -> str:
    """Return a character that no pattern names."""
    named = {token for side in sides for pattern in side for token in pattern if isinstance(token, str)} | {":"}
    return next((sign for sign in _OTHERS if sign not in named), "\N{SNOWMAN}")


def _next_letters(sides: Sequence[_Side], states: Sequence[_States], other: str) -> str:
    """Return characters that lead on in every group, one for each way in which characters differ here."""
    letters = {other}
    for place_of_side, (side, found) in enumerate(zip(sides, states, strict=True), 1):
        tokens = {side[number][place] for number, place in found if place < len(side[number])}
        literals = {token for token in tokens if isinstance(token, str)}
        if place_of_side < len(sides) and len(literals) == len(tokens):
            return "".join(sorted(literals))
        letters |= literals
        if not tokens.isdisjoint(_IN_PART):
            letters.add(":")
    return "".join(sorted(letters))


def _accepts(side: _Side, states: _States) -> bool:
    return any(place == len(side[number]) for number, place in states)


def _closed(side: _Side, states: set[tuple[int, int]]) -> _States:
    """Add the places behind stars, and leave out those that a later `*` makes needless."""
    last: dict[int, int] = {}
    found: set[tuple[int, int]] = set()
    for number, begin in states:
        pattern, place = side[number], begin
        found.add((number, place))
        while place < len(pattern) and pattern[place] in _LOOPS:
            if pattern[place] is Wild.MANY:
                last[number] = max(last.get(number, 0), place)
            place += 1
            found.add((number, place))
    return frozenset((number, place) for number, place in found if place >= last.get(number, 0))


def _step(side: _Side, states: _States, letter: str) -> _States:
    after: set[tuple[int, int]] = set()
    for number, place in states:
        if place == len(side[number]):
            continue
        token = side[number][place]
        if isinstance(token, str):
            if token == letter:
                after.add((number, place + 1))
        elif token in _ONE and letter >= FIRST_SYMBOL:
            continue
        elif token in {Wild.MANY, Wild.ANY} or letter != ":":
            after.add((number, place if token in _LOOPS else place + 1))
    return _closed(side, after)
