"""Sets of wildcard patterns as one automaton: all places in all patterns are bits of one number.

Shift-and: a step for a letter is a handful of operations on whole numbers, however many patterns there are. Of each
pattern the signs stand from its highest bit down, so that a step moves a bit to the right; above them one bit guards
the segment, below them one says that the pattern is read to its end.
https://en.wikipedia.org/wiki/Bitap_algorithm
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

FIRST_SYMBOL = "\U000f0000"
"""From this character on, characters stand for unknown texts of any length: `*` covers them, `?` does not."""
ANY, MANY = "\U0010ff01", "\U0010ff02"
"""In a pattern: one character, any characters."""
ANY_IN_PART, MANY_IN_PART = "\U0010ff03", "\U0010ff04"
"""In a pattern: one character that is no colon, any characters without a colon."""
WILD = frozenset((ANY, MANY, ANY_IN_PART, MANY_IN_PART))
_GUARD, _END = "\U0010ff05", "\U0010ff06"
_STARS = re.compile(f"[{MANY}{MANY_IN_PART}]{{2,}}")

Pattern = str
"""A pattern: characters and wildcards in a row."""


class Automaton:
    """The automaton of some patterns. Its states are numbers, `begin` before anything is read; 0 leads nowhere."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Build it, in time linear in the patterns' length for each character that they name."""
        row = "".join(f"{_GUARD}{_STARS.sub(_one_star, pattern)}{_END}" for pattern in patterns)
        masks = _masks(row)
        self.size = len(row)
        """How many bits a state has."""
        self._guard, self._end = masks.pop(_GUARD, 0), masks.pop(_END, 0)
        self._any, self._many = masks.pop(ANY, 0), masks.pop(MANY, 0)
        self._any_in_part, self._many_in_part = masks.pop(ANY_IN_PART, 0), masks.pop(MANY_IN_PART, 0)
        self._stars = self._many | self._many_in_part
        self._in_part = self._any_in_part | self._many_in_part
        self._wild = self._stars | self._any | self._any_in_part
        self.letters = masks
        """The characters that the patterns name, each with the places where it stands."""
        self._moves: dict[str, tuple[int, int]] = {}
        self.begin = self._closed(self._guard >> 1)

    def step(self, state: int, letter: str) -> int:
        """Return the state after one more letter."""
        move = self._moves.get(letter)
        if move is None:
            move = self._moves[letter] = self._move(letter)
        return self._closed(((state & move[0]) >> 1) | (state & move[1]))

    def _move(self, letter: str) -> tuple[int, int]:
        """Return the places that a letter leads on from, and those where it leads nowhere else."""
        in_part = letter != ":"
        one = 0 if letter >= FIRST_SYMBOL else self._any | (self._any_in_part if in_part else 0)
        return self.letters.get(letter, 0) | one, self._stars if in_part else self._many

    def _closed(self, state: int) -> int:
        """Add the places behind stars; of each pattern leave out those before a `*`, which takes all that they do.

        The least bit of `guarded` in a segment is its last `*` that is reached, or the guard.
        """
        state |= (state & self._stars) >> 1
        guarded = (state & self._many) | self._guard
        return state & (guarded ^ (guarded - self._end))

    def accepts(self, state: int) -> bool:
        """Tell whether some pattern is read to its end."""
        return state & self._end != 0

    def named(self, state: int) -> list[str]:
        """Return the characters that patterns name here."""
        return [letter for letter, places in self.letters.items() if state & places]

    def is_plain(self, state: int) -> bool:
        """Tell whether no wildcard stands here."""
        return not state & self._wild

    def minds_colons(self, state: int) -> bool:
        """Tell whether a wildcard stands here that covers no colon."""
        return state & self._in_part != 0


@lru_cache(maxsize=256)
def automaton(patterns: tuple[Pattern, ...]) -> Automaton:
    """Return the automaton of some patterns."""
    return Automaton(patterns)


def _one_star(found: re.Match[str]) -> str:
    return MANY if MANY in found[0] else MANY_IN_PART


def _masks(row: str) -> dict[str, int]:
    """Return for each sign of a row the number whose bits say where it stands, the first sign the highest."""
    empty = b"0" * len(row)
    found: dict[str, bytearray] = {}
    for place, sign in enumerate(row):
        mask = found.get(sign)
        if mask is None:
            mask = found[sign] = bytearray(empty)
        mask[place] = 0x31
    return {sign: int(bytes(mask), 2) for sign, mask in found.items()}
