"""Findings in AWS's words: what was found, of which weight, and where in the document.

The checks are data: code, weight, text and the anchor of AWS's page about it, as AWS's reference has them.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import msgspec

from rolecall.analysis.languages import Work
from rolecall.analysis.located import Node, Path
from rolecall.catalog.actions import Action

PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"


class Check(msgspec.Struct, frozen=True):
    """A check as AWS describes it."""

    type: str
    """`ERROR`, `SECURITY_WARNING`, `WARNING` or `SUGGESTION`."""
    anchor: str
    texts: tuple[str, ...]
    """Its findings' texts, most have one; `{{name}}` stands for what is particular to a finding."""


@lru_cache(maxsize=1)
def checks() -> Mapping[str, Check]:
    """Return the checks by issue code."""
    raw = (files("rolecall.analysis") / "data" / "checks.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, Check])


@dataclass(frozen=True, slots=True)
class Location:
    """A part of the document: the way to it, and its offsets in the text."""

    path: Path
    start: int
    end: int
    substring: tuple[int, int] | None = None
    """Start and length of a part of the string at the path."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding."""

    code: str
    type: str
    details: str
    link: str
    locations: tuple[Location, ...]


Where = Node | Location


def at(place: Where) -> Location:
    """Return a value's location."""
    return place if isinstance(place, Location) else Location(place.path, place.start, place.end)


def within(node: Node, start: int, length: int) -> Location:
    """Return the location of a part of a string, whose text is spelled without escapes up to there."""
    place = at(node)
    if node.end - node.start != len(node.text) + 2:
        return place
    begin = node.start + 1 + start
    return replace(place, start=begin, end=begin + length, substring=(start, length))


MOST_STEPS = 150_000
"""How much one document's findings may cost; a step takes some microseconds."""
_A_FINDING = 5


class Report:
    """Findings as they are made. Whatever is looked at is paid for: Undecided is raised where that is too much."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: list[Finding] = []
        self._known: set[Finding] = set()
        self.effort = Work(MOST_STEPS)
        """What may be spent on all of it: whoever writes a document must not be able to stop us."""
        self.work = Work()
        """What may be spent on advice about patterns, which is not given where that is too little."""
        self.named: dict[str, Sequence[Action]] = {}
        """The actions of AWS that patterns name, which were looked for and paid for once."""
        self.guesses = 10
        """How many misspelt names are still compared with those that there are."""

    def add(self, code: str, *where: Where, **values: object) -> None:
        """Note a finding. `values` are put into its text, under the names that AWS's reference gives them."""
        details = checks()[code].texts[0]
        for name, value in values.items():
            details = details.replace("{{" + name + "}}", str(value))
        self.say(code, details, *where)

    def add_second(self, code: str, *where: Where) -> None:
        """Note a finding in the second of its check's texts."""
        self.say(code, checks()[code].texts[1], *where)

    def say(self, code: str, details: str, *where: Where) -> None:
        """Note a finding in words of its own."""
        self.effort.spend(_A_FINDING + len(where))
        check = checks()[code]
        link = f"{PAGE}#access-analyzer-reference-policy-checks-{check.anchor}"
        finding = Finding(code, check.type, details, link, tuple(at(place) for place in where))
        if finding not in self._known:
            self._known.add(finding)
            self._found.append(finding)

    def findings(self) -> list[Finding]:
        """Return what was found, in the order of the document."""
        return sorted(self._found, key=lambda finding: finding.locations[0].start if finding.locations else 0)
