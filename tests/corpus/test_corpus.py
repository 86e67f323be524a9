"""Every case of the corpus, by the engine and by the second evaluator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.spec import evaluator

from rolecall.cases import facts
from rolecall.cases.case import read_case

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
    decision = read_case(case).decide().decision
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
    read = read_case(case)
    if any(facts.cannot_call(each) or facts.every_caller_may(each) for each in read.requests):
        return  # decided before the evaluation: what every caller may, and what this kind never can
    given = case["policies"]
    boundary, trust = given.get("boundary"), given.get("trust")
    found = []
    for request in read.requests:
        world = evaluator.World(
            identity=given.get("identity", []),
            boundary=boundary[0] if boundary else None,
            session=given.get("session"),
            resource=None if facts.owners_root_may(request) else trust or given.get("resource"),
            scps=given.get("scps", []),
            rcps=given.get("rcps", []) if facts.is_under_resource_control(request.action) else [],
        )
        found.append(evaluator.decide(request, world)[0])
    worst = next(each for each in ("explicit_deny", "implicit_deny", "allow") if each in found)
    assert worst == case["expect"]["decision"], case["name"]
