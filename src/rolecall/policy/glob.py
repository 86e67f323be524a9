"""Globs: `*` stands for any text, `?` for any one character.

Matching is linear in the text. A glob is cut at its stars into segments of fixed width; the first is held against the
start, the last against the end, and each one between is sought once, from where the one before ended. Nothing is ever
tried twice, whatever the pattern. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from rolecall.policy.template import STAR, Wild

TextTest = Callable[[str], bool]


@lru_cache(maxsize=4096)
def _finder(segment: tuple[str | None, ...]) -> re.Pattern[str]:
    """Compile a segment that holds `?` (None)."""
    return re.compile("".join("." if piece is None else re.escape(piece) for piece in segment), re.DOTALL)


Segment = str | re.Pattern[str]


def _segments(tokens: Sequence[str | Wild]) -> list[tuple[Segment, int]]:
    """Cut at the stars. Each segment comes with its width."""
    found: list[tuple[Segment, int]] = []
    piece: list[str | None] = []
    for token in (*tokens, STAR):
        if token is STAR:
            width = sum(1 if text is None else len(text) for text in piece)
            plain = None not in piece
            found.append(("".join(text for text in piece if text) if plain else _finder(tuple(piece)), width))
            piece = []
        else:
            piece.append(None if isinstance(token, Wild) else token)
    return found


def glob(tokens: Sequence[str | Wild]) -> TextTest:
    """Return the test of a whole text against a pattern without variables."""
    segments = _segments(tokens)
    first, first_width = segments[0]
    if len(segments) == 1:
        if isinstance(first, str):
            return first.__eq__
        return lambda text: len(text) == first_width and first.match(text) is not None
    last, last_width = segments[-1]
    middle = [segment for segment, width in segments[1:-1] if width]
    least = first_width + last_width
    if not middle and isinstance(first, str) and not last_width:
        if not first_width:
            return always
        return lambda text: text.startswith(first)

    def test(text: str) -> bool:
        end = len(text) - last_width
        if len(text) < least or not _stands(first, text, 0) or not _stands(last, text, end):
            return False
        at = first_width
        for segment in middle:
            at = _sought(segment, text, at, end)
            if at < 0:
                return False
        return True

    return test


def always(_text: str) -> bool:
    """Pass every text: the test of `*`."""
    return True


def _stands(segment: Segment, text: str, at: int) -> bool:
    if isinstance(segment, str):
        return text.startswith(segment, at)
    return segment.match(text, at) is not None


def _sought(segment: Segment, text: str, at: int, end: int) -> int:
    """Return where the segment's first occurrence ends, or -1."""
    if isinstance(segment, str):
        found = text.find(segment, at, end)
        return found if found < 0 else found + len(segment)
    seen = segment.search(text, at, end)
    return -1 if seen is None else seen.end()
