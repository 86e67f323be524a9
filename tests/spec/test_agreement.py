"""The engine against the second evaluator, and the laws that hold whatever the policies say."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.spec import evaluator
from tests.spec.evaluator import World
from tests.spec.worlds import cases, condition_lines, documents, policies, requests

from rolecall.policy.decide import Outcome, decide, explain
from rolecall.policy.request import PolicyRequest

many = settings(max_examples=2500, deadline=None, suppress_health_check=list(HealthCheck))
some = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(cases())
def test_engine_and_second_evaluator_agree_on_outcome_and_refusing_layer(case: tuple[PolicyRequest, World]) -> None:
    """A trust statement evaluated wrongly once let strangers in elsewhere (Stedi, 2024-04); two evaluators must agree."""
    request, world = case
    decision = decide(request, policies(world))
    layer = decision.layer.value if decision.layer else None
    assert (decision.outcome.value, layer) == evaluator.decide(request, world)


@many
@given(condition_lines(), requests(), st.booleans())
def test_engine_and_second_evaluator_agree_on_every_condition(
    line: tuple[str, str, object], request: PolicyRequest, variables: bool
) -> None:
    operator, key, values = line
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: values}}}
    world = World([{"Version": "2012-10-17" if variables else "2008-10-17", "Statement": statement}])
    asked = msgspec.structs.replace(request, must_be_admitted=False, resource_account=None)
    assert decide(asked, policies(world)).outcome.value == evaluator.decide(asked, world)[0]


@some
@given(cases(), documents(effects="Deny"), st.integers(0, 3))
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
@given(cases(), documents(), st.sampled_from(["boundary", "session", "scps", "endpoint"]))
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
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(
    case: tuple[PolicyRequest, World], shuffle: random.Random
) -> None:
    request, world = case
    mixed = copy.deepcopy(world)
    for document in [*mixed.identity, mixed.boundary, mixed.resource, *(mixed.session or ())]:
        if document is not None:
            shuffle.shuffle(document["Statement"])
    shuffle.shuffle(mixed.identity)
    before, after = decide(request, policies(world)), decide(request, policies(mixed))
    assert (before.outcome, before.layer) == (after.outcome, after.layer)


@some
@given(cases())
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
