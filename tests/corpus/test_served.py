"""The corpus put to a running server: SimulateCustomPolicy answers as the evaluator does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.serving import Server

from rolecall.cases import facts
from rolecall.cases.case import read_case

OUTCOMES = {"allowed": "allow", "explicitDeny": "explicit_deny", "implicitDeny": "implicit_deny"}
NOTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:Nothing","Resource":"*"}]}'


def _can_be_simulated(case: dict[str, dict[str, object]]) -> bool:
    """A user's request, with the kinds of policy that the operation takes, decided by policies alone."""
    request, given = case["request"], case["policies"]
    asked = read_case(case).requests[0]
    foreign = asked.resource_account != asked.principal.account
    return (
        ":user/" in str(request["principal"])
        and not {"also", "principal_id"} & request.keys()
        and not {"session", "scps", "rcps"} & given.keys()
        and not (foreign and not {"resource", "trust"} & given.keys())
        and not (facts.every_caller_may(asked) or facts.cannot_call(asked) or asked.needs_delegation)
    )


CASES = [
    case
    for file in sorted(Path(__file__).parent.glob("*.jsonl"))
    for case in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    if _can_be_simulated(case)
]


def test_the_simulator_decides_the_corpus_alike(server: Server) -> None:
    iam = server.client("iam")
    assert len(CASES) > 250
    other = {}
    for case in CASES:
        given = case["policies"]
        asked = read_case(case).requests[0]
        more = {}
        if given.get("boundary"):
            more["PermissionsBoundaryPolicyInputList"] = [json.dumps(each) for each in given["boundary"]]
        own = given.get("resource") or given.get("trust")
        if own:
            more["ResourcePolicy"] = json.dumps(own)
            more["ResourceOwner"] = f"arn:aws:iam::{asked.resource_account}:root"
        answer = iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(each) for each in given.get("identity", [])] or [NOTHING],
            ActionNames=[asked.action],
            ResourceArns=[asked.resource],
            CallerArn=asked.principal.arn,
            ContextEntries=[
                {
                    "ContextKeyName": key,
                    "ContextKeyValues": values,
                    "ContextKeyType": "stringList" if facts.is_list(key.lower()) or len(values) != 1 else "string",
                }
                for key, values in case["request"]["context"].items()
            ],
            **more,
        )
        found = OUTCOMES[answer["EvaluationResults"][0]["EvalDecision"]]
        if found != case["expect"]["decision"]:
            other[case["id"]] = found
    assert other == {}
