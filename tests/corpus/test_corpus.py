"""Every case of the corpus, by the engine and by the second evaluator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.corpus.cases import EVERY_CALLER, OWNERS_ROOT, read_case
from tests.spec import evaluator

HERE = Path(__file__).parent
CASES = [
    pytest.param(json.loads(line), id=json.loads(line)["id"])
    for file in sorted(HERE.glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").splitlines()
]


def test_the_corpus_is_all_there() -> None:
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids)) >= 440


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, dict[str, object]]) -> None:
    decision = read_case(case).decide()
    expected = case["expect"]
    assert decision.outcome.value == expected["decision"], case["name"]
    if "layer" in expected:
        assert decision.layer is not None
        assert decision.layer.value == expected["layer"]
    if "matched" in expected:
        assert [[each.layer.value, each.statement, each.sid] for each in decision.matched] == expected["matched"]


def test_lines_from_other_projects_are_named_in_the_notice() -> None:
    notice = (HERE / "NOTICE").read_text(encoding="utf-8")
    sources = {str(case.values[0]["source"]) for case in CASES}
    for source in sources - {"own, from AWS documentation"}:
        project, file = source.split(" ", 1)
        assert project in notice
        assert file in notice


@pytest.mark.parametrize("case", CASES)
def test_case_by_the_second_evaluator(case: dict[str, dict[str, object]]) -> None:
    if str(case["request"]["action"]).lower() in EVERY_CALLER | OWNERS_ROOT:
        return  # decided before the evaluation: what every caller may, and the owner's root
    given = case["policies"]
    boundary, trust = given.get("boundary"), given.get("trust")
    world = evaluator.World(
        identity=given.get("identity", []),
        boundary=boundary[0] if boundary else None,
        session=given.get("session"),
        resource=trust or given.get("resource"),
        scps=given.get("scps", []),
        rcps=given.get("rcps", []),
    )
    found = [evaluator.decide(request, world)[0] for request in read_case(case).requests]
    worst = next(each for each in ("explicit_deny", "implicit_deny", "allow") if each in found)
    assert worst == case["expect"]["decision"], case["name"]
