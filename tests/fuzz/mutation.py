"""Bytes that are nearly right: a good input with a few places changed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

MOST_CHANGES = 6


def mutated(seed: bytes, words: Sequence[bytes], random: Random) -> bytes:
    """Return `seed` with some bytes changed, cut out, doubled, or with words of its language put in."""
    data = bytearray(seed)
    for _ in range(random.randint(1, MOST_CHANGES)):
        at = random.randint(0, len(data))
        end = min(len(data), at + random.choice((1, 1, 2, 8, 40)))
        match random.randint(0, 5):
            case 0:
                data[at:end] = bytes(random.randint(0, 255) for _ in range(end - at))
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                data[at:at] = random.choice((*words, b"\0", b"\xff", b" ", b"\r\n"))
            case 4:
                other = random.randint(0, len(data))
                data[at:end] = data[other : other + end - at]
            case _:
                data[at:at] = random.choice((b"9" * 30, b"-1", b"%", b"\xed\xa0\x80", b"\xf0\x9f\x99\x82", b"A" * 300))
    return bytes(data)
