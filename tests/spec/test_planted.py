"""Each mistake planted in the engine is seen by the second evaluator; a copy without one is not."""

from __future__ import annotations

import json
from types import ModuleType

import pytest
from tests.spec import evaluator
from tests.spec.evaluator import Json, World
from tests.spec.planted import MISTAKES, planted
from tests.spec.worlds import drawn, drawn_simple

from rolecall.policy.request import PolicyRequest

Asked = tuple[PolicyRequest, tuple[str, str | None]]
WORLDS, SIMPLE_WORLDS = 400, 800


@pytest.fixture(scope="module")
def answers() -> list[tuple[World, list[Asked]]]:
    """What the second evaluator says to a few thousand requests."""
    found = []
    for draw, number in [
        *((drawn, each) for each in range(WORLDS)),
        *((drawn_simple, each) for each in range(SIMPLE_WORLDS)),
    ]:
        world, asked = draw(number)
        found.append((world, [(request, evaluator.decide(request, world)) for request in asked]))
    return found


def disagreement(
    engine: tuple[ModuleType, ModuleType, ModuleType], answers: list[tuple[World, list[Asked]]]
) -> str | None:
    """Return the first request that the engine decides in another way."""
    decide, compile_, parse = engine

    def attached(document: Json) -> object:
        return decide.Attached(compile_.compile_policy(parse.parse(json.dumps(document))), "planted")

    for world, asked in answers:
        policies = decide.Policies(
            identity=tuple(attached(each) for each in world.identity),
            boundary=world.boundary and attached(world.boundary),
            session=None if world.session is None else tuple(attached(each) for each in world.session),
            resource=world.resource and attached(world.resource),
            scps=tuple(tuple(attached(each) for each in level) for level in world.scps),
            rcps=tuple(tuple(attached(each) for each in level) for level in world.rcps),
            endpoint=world.endpoint and attached(world.endpoint),
        )
        for request, expected in asked:
            decision = decide.decide(request, policies)
            if (decision.outcome.value, decision.layer.value if decision.layer else None) != expected:
                return f"{decision} instead of {expected} to {request} in {world}"
    return None


def test_a_copy_without_a_mistake_agrees(answers: list[tuple[World, list[Asked]]]) -> None:
    with planted(None) as engine:
        assert disagreement(engine, answers) is None


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_caught(name: str, answers: list[tuple[World, list[Asked]]]) -> None:
    with planted(MISTAKES[name]) as engine:
        assert disagreement(engine, answers) is not None
