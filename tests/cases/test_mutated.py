"""Cases of the corpus, spoiled in every way: whatever a line holds, it is answered, and the run goes on."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path

from rolecall.cases.decide import answers

CORPUS = Path(__file__).parent.parent / "corpus"
JUNK = [
    *[None, True, 0, -1, 1.5, "", ":", "*", "${", "${a}", "\u0000", "a" * 3000, [], {}, [[]], [None], {"a": None}],
    *[
        "arn:aws",
        "arn:aws:iam::1:user/",
        "arn:aws:sts::1:assumed-role/a/b/c",
        "anonymous",
        "x.amazonaws.com",
        "arn:::::",
    ],
    *["ForAllValues:", "Null", "1e1000000", "9" * 400, "2026-13-40", "0.0.0.0/99", "999.1.1.1", "::/129", "\ud800"],
    {"AWS": "*"},
]
Place = tuple[object, ...]


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Yield the path to everything in a JSON value."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from places(inner, (*at, position))


def spoiled(case: dict[str, object], dice: random.Random) -> dict[str, object]:
    found = copy.deepcopy(case)
    for _ in range(dice.choice([1, 1, 2, 3])):
        *way, last = dice.choice(list(places(found)) or [("request",)])
        within = found
        for step in way:
            within = within[step]
        kind = dice.randrange(4)
        if kind == 0:
            del within[last]
        elif kind == 1 and isinstance(within, dict):
            within[str(dice.choice(JUNK))] = within.pop(last)
        else:
            within[last] = dice.choice(JUNK) if kind == 2 else [within[last], dice.choice(JUNK)]
    return found


def test_whatever_a_line_holds_it_is_answered_by_a_decision_or_an_error() -> None:
    dice = random.Random(1)
    lines = [line for file in sorted(CORPUS.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    decided = 0
    for _ in range(1500):
        line = json.dumps(spoiled(json.loads(dice.choice(lines)), dice)).encode()
        (answer,) = answers([line])
        assert ("decision" in answer) is not ("error" in answer), line
        assert json.loads(json.dumps(answer)) == answer
        decided += "decision" in answer
    assert 300 < decided < 1200
