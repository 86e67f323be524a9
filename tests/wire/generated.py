"""Values that a model allows, drawn from its shapes: as botocore takes and gives them, and as the wire does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]

from rolecall.wire.model import Member, Shape
from rolecall.wire.patterns import compiled, translated

START = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
TEXT = "ab Z09-_.:/=+@~!*'()&<>\"%?#é漢🙂\n\t"
PLAIN = "abZ09-_.:/=+@~"

Both = tuple[object, object]
"""One value twice: in AWS's spelling, and in ours."""


class TooDeep(Exception):
    """A shape that holds itself has been followed far enough."""


@dataclass
class Draw:
    """Draws values of shapes."""

    random: Random
    deep: int = 8
    optional: float = 0.5
    """How often a member that is not required is given."""

    def structure(
        self, shape: Shape, *, everything: bool, depth: int = 0
    ) -> tuple[dict[str, object], dict[str, object]]:
        """Return a structure's members: all of them, or the required ones and some more."""
        if depth > self.deep:
            raise TooDeep
        theirs: dict[str, object] = {}
        ours: dict[str, object] = {}
        members = list(shape.members.values())
        if shape.traits.union:
            members = [self.random.choice(members)]
        for member in members:
            needed = member.snake in shape.required or shape.traits.union or member is shape.payload
            if not (needed or everything or self.random.random() < self.optional):
                continue
            try:
                theirs[member.name], ours[member.snake] = self.value(member, everything=everything, depth=depth + 1)
            except TooDeep:
                if needed:
                    raise
        if members and not theirs and not everything:  # what holds nothing cannot be told from what is not there
            return self.structure(shape, everything=True, depth=depth)
        return theirs, ours

    def value(self, member: Member, *, everything: bool, depth: int) -> Both:
        """Return a member's value."""
        shape = member.shape
        if shape.type == "structure":
            return self.structure(shape, everything=everything, depth=depth)
        if shape.type == "list":
            count = max(int(shape.traits.min or 1), min(int(shape.traits.max or 2), self.random.randint(1, 2)))
            pairs = [self.value(shape.element, everything=everything, depth=depth + 1) for _ in range(count)]
            return [one for one, _ in pairs], [other for _, other in pairs]
        if shape.type == "map":
            return self._map(member, everything=everything, depth=depth)
        drawn = self.scalar(member)
        return drawn, drawn

    def _map(self, member: Member, *, everything: bool, depth: int) -> Both:
        theirs: dict[object, object] = {}
        ours: dict[object, object] = {}
        for _ in range(min(int(member.shape.traits.max or 2), self.random.randint(1, 2))):
            key = self.text("abc-xyz" if member.location == "headers" else PLAIN, 1, 8)
            if not member.location:
                key = str(self.scalar(member.shape.key))
            theirs[key], ours[key] = self.value(member.shape.value, everything=everything, depth=depth + 1)
            if member.location == "headers":
                theirs[key] = ours[key] = self.text(PLAIN, 1, 9)
        return theirs, ours

    def scalar(self, member: Member) -> object:
        """Return a simple value within the model's limits."""
        shape = member.shape
        traits = shape.traits
        if traits.enum:
            return self.random.choice(traits.enum)
        if shape.type in {"integer", "long"}:
            return self.random.randint(int(traits.min or 0), int(min(traits.max or 10**6, 10**6)))
        if shape.type in {"float", "double"}:
            return self.random.randint(0, 1000) / 8
        if shape.type == "boolean":
            return self.random.random() < 0.5
        if shape.type == "timestamp":
            return START + timedelta(seconds=self.random.randint(0, 10**9))
        least, most = int(traits.min or 0), int(min(traits.max or 10**4, 10**4))
        if shape.type == "blob":
            return self.random.randbytes(max(least, min(most, 5)))
        if traits.pattern:
            return matching(traits.pattern, least, most, self.random)
        alphabet = PLAIN if member.location in {"header", "form", "uri"} else TEXT
        return self.text(alphabet, max(least, 1 if member.location else 0), min(most, max(least, 9)))

    def text(self, alphabet: str, least: int, most: int) -> str:
        """Return a text."""
        return "".join(self.random.choice(alphabet) for _ in range(self.random.randint(least, most)))


def matching(pattern: str, least: int, most: int, random: Random) -> str:
    """Return a text that a model's pattern matches, of a length within the limits."""
    tree = sre_parser.parse(translated(pattern))
    fits = compiled(pattern).fullmatch
    for wish in (1, 3, 8, 12, least, 20, 30, 70, 130, 200, 1000):
        for _ in range(20):
            text = "".join(_grow(tree, random, wish))
            if least <= len(text) <= most and fits(text):
                return text
    raise AssertionError(f"nothing found for {pattern!r} of {least} to {most} characters")


def _grow(tree: object, random: Random, wish: int) -> list[str]:
    out: list[str] = []
    for kind, value in tree:  # type: ignore[attr-defined]
        if kind is sre.LITERAL:
            out.append(chr(value))
        elif kind in {sre.ANY, sre.NOT_LITERAL}:
            out.append(random.choice("ab9-"))
        elif kind is sre.IN:
            out.append(_one_of(value, random))
        elif kind in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
            low, high, inner = value
            for _ in range(
                min(int(high), max(int(low), random.choice((wish, random.randint(int(low), int(low) + wish)))))
            ):
                out.extend(_grow(inner, random, 2))
        elif kind is sre.SUBPATTERN:
            out.extend(_grow(value[3], random, wish))
        elif kind is sre.BRANCH:
            out.extend(_grow(random.choice(value[1]), random, wish))
        elif kind not in {sre.AT, sre.ASSERT_NOT, sre.ASSERT}:
            raise AssertionError(f"{kind} is not grown")
    return out


def _one_of(choices: list[tuple[object, object]], random: Random) -> str:
    if choices[0][0] is sre.NEGATE:
        return random.choice("ab9-")
    kind, value = random.choice(choices)
    if kind is sre.LITERAL:
        return chr(value)  # type: ignore[arg-type]
    if kind is sre.RANGE:
        low, high = value  # type: ignore[misc]
        return chr(random.randint(low, min(high, low + 90)))
    return random.choice("aé漢7")


def without_metadata(parsed: Mapping[str, object]) -> dict[str, object]:
    """Return what botocore parsed without what it adds itself."""
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
