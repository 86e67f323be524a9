"""The engine against the second evaluator, and the laws that hold whatever the policies say."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import soaking
from tests.spec import evaluator
from tests.spec.evaluator import World
from tests.spec.printer import written
from tests.spec.worlds import (
    KIND_OF,
    NUMBERS_OF_WORLDS,
    REQUESTS_A_WORLD,
    cases,
    denials,
    document,
    documents,
    drawn,
    drawn_simple,
    policies,
)

from rolecall.policy.decide import Layer, Outcome, decide, explain
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest

LENIENT = {"deadline": None, "suppress_health_check": list(HealthCheck)}
many = settings(max_examples=400, **LENIENT)
some = settings(max_examples=500, **LENIENT)

A_MILLION = 1_000_000
LEAST_SHARE = 0.01
REFUSALS = {(outcome.value, layer.value) for outcome in Outcome if outcome is not Outcome.ALLOW for layer in Layer}
"""Every way to be refused. Each level of resource control policies holds AWS's allow-all: it never fails to allow."""
ANSWERS = {("allow", None), *REFUSALS} - {("implicit_deny", Layer.RCP.value)}
OPERATORS = {name.lower() for name in (*KIND_OF, "Null")}


class Seen:
    """How often each answer was given and each operator asked."""

    def __init__(self) -> None:
        self.requests = 0
        self.answers: Counter[tuple[str, str | None]] = Counter()
        self.operators: Counter[str] = Counter()

    def rare(self) -> list[object]:
        """What occurred in less than one case of a hundred."""
        least = LEAST_SHARE * self.requests
        return [each for each in ANSWERS if self.answers[each] < least] + [
            each for each in OPERATORS if self.operators[each] < least
        ]


def compare(number: int, seen: Seen, asked_operators: set[str]) -> None:
    """Ask both about the world of that number: every third has a single statement, the others have layers."""
    world, asked = drawn(number) if number % 3 else drawn_simple(number)
    compiled = policies(world)
    for request in asked:
        asked_operators.clear()
        decision, expected = decide(request, compiled), evaluator.decide(request, world)
        found = (decision.outcome.value, decision.layer.value if decision.layer else None)
        assert found == expected, f"world {number}: {request}"
        seen.requests += 1
        seen.answers[found] += 1
        seen.operators.update(asked_operators)


@contextmanager
def operators_asked() -> Iterator[set[str]]:
    """Collect the names of the condition operators that the second evaluator comes by."""
    asked: set[str] = set()
    holds = evaluator.condition_holds

    def noting(operator: str, *arguments: object, **more: object) -> bool:
        asked.add(operator.rpartition(":")[2].lower().removesuffix("ifexists"))
        return holds(operator, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluator, "condition_holds", noting)
        yield asked


def test_engine_and_second_evaluator_agree_and_everything_occurs() -> None:
    """A trust statement evaluated wrongly once let strangers in elsewhere (Stedi, 2024-04); two evaluators must agree."""
    seen = Seen()
    with operators_asked() as operators:
        for number in range(1500):
            compare(number, seen, operators)
    assert not seen.rare()


@many
@given(NUMBERS_OF_WORLDS)
def test_engine_and_second_evaluator_agree_in_worlds_nobody_chose(number: int) -> None:
    compare(number, Seen(), set())


@pytest.mark.soak
def test_engine_and_second_evaluator_agree_over_a_million_requests() -> None:
    seen = Seen()
    worlds = soaking.count(A_MILLION) // REQUESTS_A_WORLD * 21 // 20
    with operators_asked() as operators:

        @settings(max_examples=worlds, database=None, **LENIENT)
        @given(NUMBERS_OF_WORLDS)
        def run(number: int) -> None:
            compare(number, seen, operators)

        run()
    soaking.progress(f"agreement: {seen.requests} requests; {sorted(map(str, seen.answers.items()))}")
    assert seen.requests >= soaking.count(A_MILLION)
    assert not seen.rare()


@some
@given(cases, denials, st.integers(0, 3))
def test_added_deny_never_allows(case: tuple[PolicyRequest, World], deny: evaluator.Json, where: int) -> None:
    request, world = case
    before = decide(request, policies(world))
    wider = copy.deepcopy(world)
    if where == 0 or (where == 1 and wider.boundary is None) or (where == 2 and wider.session is None):
        wider.identity.append(deny)
    elif where == 1 and wider.boundary is not None:
        wider.boundary["Statement"] += deny["Statement"]
    elif where == 2 and wider.session is not None:
        wider.session.append(deny)
    elif wider.scps:
        wider.scps[0].append(deny)
    after = decide(request, policies(wider))
    if after.outcome is Outcome.ALLOW:
        assert before.outcome is Outcome.ALLOW


@some
@given(cases, documents, st.sampled_from(["boundary", "session", "scps", "endpoint"]))
def test_a_boundary_a_session_policy_an_scp_never_widens(
    case: tuple[PolicyRequest, World], limit: evaluator.Json, which: str
) -> None:
    """CVE-2025-62506: a session policy that did not apply to some calls let a limited key do more than it should."""
    request, world = case
    limits: dict[str, object] = {"boundary": limit, "session": [limit], "scps": [*world.scps, [limit]]}
    limits["endpoint"] = limit
    without = replace(
        world, **{which: {"boundary": None, "session": None, "scps": world.scps, "endpoint": None}[which]}
    )
    limited = replace(without, **{which: limits[which]})
    federated_needs_one = which == "session" and request.principal.kind.value == "federated-user"
    if decide(request, policies(limited)).outcome is Outcome.ALLOW and not federated_needs_one:
        assert decide(request, policies(without)).outcome is Outcome.ALLOW


@some
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(
    case: tuple[PolicyRequest, World], shuffle: random.Random
) -> None:
    request, world = case
    mixed = copy.deepcopy(world)
    for found in [*mixed.identity, mixed.boundary, mixed.resource, *(mixed.session or ())]:
        if found is not None:
            shuffle.shuffle(found["Statement"])
    shuffle.shuffle(mixed.identity)
    before, after = decide(request, policies(world)), decide(request, policies(mixed))
    assert (before.outcome, before.layer) == (after.outcome, after.layer)


@some
@given(cases)
def test_the_explanation_tells_the_decision_and_the_statements_that_made_it(
    case: tuple[PolicyRequest, World],
) -> None:
    request, world = case
    given_policies = policies(world)
    decision, told = decide(request, given_policies), explain(request, given_policies)
    assert told.decision == decision
    applying = [
        (layer.layer, statement.statement, statement.effect)
        for layer in told.layers
        for policy in layer.policies
        for statement in policy.statements
        if statement.applies
    ]
    for matched in decision.matched:
        assert (matched.layer, matched.statement, matched.effect) in applying
    if decision.outcome is Outcome.EXPLICIT_DENY:
        assert len([each for each in applying if each[2] == "Deny"]) == len(decision.matched)
    for layer in told.layers:
        for policy in layer.policies:
            for statement in policy.statements:
                assert statement.applies is (statement.failure is None)


@some
@given(NUMBERS_OF_WORLDS, st.booleans(), st.booleans())
def test_what_is_written_reads_as_what_was_read(number: int, principal: bool, indented: bool) -> None:
    read = parse(json.dumps(document(random.Random(number), principal=principal)))
    again = parse(written(read, indent=2 if indented else None))
    assert replace(again, text="") == replace(read, text="")
    assert written(again) == written(read)
