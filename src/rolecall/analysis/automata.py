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
_SIGNS = WILD | {_GUARD, _END}
_FEW = 128
"""Up to how many characters are all looked at to tell which of them patterns name somewhere."""
_SMALL = 1024
"""Up to how many signs patterns are small."""
_STARS = re.compile(f"[{MANY}{MANY_IN_PART}]{{2,}}")

Pattern = str
"""A pattern: characters and wildcards in a row."""


class Automaton:
    """The automaton of some patterns. Its states are numbers, `begin` before anything is read; 0 leads nowhere."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Build it, in time linear in the patterns' length."""
        row = "".join(f"{_GUARD}{_STARS.sub(_one_star, pattern)}{_END}" for pattern in patterns)
        self.size = len(row)
        """How many bits a state has."""
        self._row, self._places = row, _places(row)
        self._guard, self._end = self._mask(_GUARD), self._mask(_END)
        self._any, self._many = self._mask(ANY), self._mask(MANY)
        self._any_in_part, self._many_in_part = self._mask(ANY_IN_PART), self._mask(MANY_IN_PART)
        self._stars = self._many | self._many_in_part
        self._in_part = self._any_in_part | self._many_in_part
        self._wild = self._stars | self._any | self._any_in_part
        self._plain = ((1 << self.size) - 1) ^ (self._wild | self._guard | self._end)
        self.letters = self._places.keys() - _SIGNS
        """The characters that the patterns name."""
        self.names_many = len(self.letters) > _FEW
        self._masks = {} if self.names_many else {letter: self._mask(letter) for letter in self.letters}
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
        return self._mask(letter) | one, self._stars if in_part else self._many

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

    def looks(self, state: int) -> int:
        """Return how many characters, or places of them, `named` looks at."""
        return min((state & self._plain).bit_count(), len(self.letters))

    def named(self, state: int) -> set[str]:
        """Return the characters that patterns name here."""
        if not self.names_many:
            return {letter for letter, mask in self._masks.items() if state & mask}
        state &= self._plain
        if state.bit_count() > len(self.letters):
            return {letter for letter in self.letters if state & self._mask_kept(letter)}
        found: set[str] = set()
        while place := state.bit_length():
            found.add(self._row[-place])
            state ^= 1 << (place - 1)
        return found

    def _mask_kept(self, letter: str) -> int:
        if letter not in self._masks:
            self._masks[letter] = self._mask(letter)
        return self._masks[letter]

    def _mask(self, sign: str) -> int:
        """Return the number whose bits say where a sign stands, the first sign of the row the highest."""
        places = self._places.get(sign)
        if places is None:
            return 0
        digits = bytearray(b"0" * self.size)
        for place in places:
            digits[place] = 0x31
        return int(digits, 2)

    def is_plain(self, state: int) -> bool:
        """Tell whether no wildcard stands here."""
        return not state & self._wild

    def minds_colons(self, state: int) -> bool:
        """Tell whether a wildcard stands here that covers no colon."""
        return state & self._in_part != 0


_small = lru_cache(maxsize=256)(Automaton)
_large = lru_cache(maxsize=8)(Automaton)


def automaton(patterns: tuple[Pattern, ...]) -> Automaton:
    """Return the automaton of some patterns. Of large ones, which grow as they are used, few are kept."""
    return (_small if sum(map(len, patterns)) <= _SMALL else _large)(patterns)


def _one_star(found: re.Match[str]) -> str:
    return MANY if MANY in found[0] else MANY_IN_PART


def _places(row: str) -> dict[str, list[int]]:
    """Return for each sign of a row where it stands."""
    found: dict[str, list[int]] = {}
    for place, sign in enumerate(row):
        if sign in found:
            found[sign] += [place]
        else:
            found[sign] = [place]
    return found
