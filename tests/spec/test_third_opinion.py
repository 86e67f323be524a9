"""A third opinion: iam-simulate, another project's evaluator, run as a program of its own.

It is asked the whole corpus and generated worlds. Where it decides in another way, AWS's text settled which is right:
docs/decisions/policy-third-opinion.md has the reasons by which the corpus cases below are listed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests import soaking
from tests.spec.evaluator import Json, as_list
from tests.spec.tame import as_case, tame
from tests.spec.worlds import policies

from rolecall.cases import facts
from rolecall.policy.decide import decide

pytestmark = pytest.mark.soak

PROJECT = Path(__file__).parent.parent.parent
BATCH = 200
OUTCOMES = ("explicit_deny", "implicit_deny", "allow")

SETTLED = {
    "addresses": "dec-0798 op-0008 op-0009 trap-0069 trap-0074 trap-0077 trap-0079",
    "texts that are no numbers or dates": (
        "op-0005 op-0006 op-0007 trap-0028 trap-0037 trap-0041 trap-0045 trap-0048 trap-0052 trap-0065 trap-0091 "
        "ex-0144"
    ),
    "quantifiers": "op-0003 op-0004 trap-0195 trap-0196 trap-0218 ex-0125",
    "variables": (
        "op-0010 tr-0232 trap-0225 trap-0226 trap-0227 trap-0229 trap-0231 trap-0244 trap-0247 trap-0250 "
        "trap-0255 trap-0264 trap-0265 ex-0185 ex-0198 ex-0199 ex-0200 ex-0202 ex-0205"
    ),
    "granted to a session itself": (
        "s3-0036 tr-0066 lay-0004 lay-0005 lay-0010 trap-0299 trap-0300 trap-0301 trap-0305 trap-0309 "
        "trap-0315 trap-0420 ex-0004 ex-0006 ex-0020 ex-0083"
    ),
    "root": (
        "s3-0074 lay-0011 lay-0012 lay-0037 lay-0062 lay-0097 trap-0306 trap-0307 trap-0392 trap-0393 trap-0394 "
        "ex-0050 ex-0244"
    ),
    "federated sessions": "lay-0018 lay-0020 lay-0075 op-0022 trap-0326 trap-0328 trap-0423 ex-0028 ex-0032 ex-0036 ex-0037",
    "organization policies": "lay-0049 op-0014 op-0015 trap-0342 trap-0468 ex-0068 ex-0069 ex-0072",
    "NotPrincipal": "lay-0057 lay-0058 lay-0060 lay-0061 ex-0077 ex-0079",
    "who enters a role": (
        "lay-0076 lay-0082 lay-0084 lay-0088 lay-0090 lay-0092 trap-0438 trap-0442 trap-0447 ex-0016 ex-0093 ex-0106 "
        "ex-0112"
    ),
    "unique ids": "lay-0085 lay-0087 tr-0214",
    "what a kind of caller can call": (
        "op-0020 op-0021 op-0026 trap-0453 trap-0454 trap-0455 trap-0456 trap-0459 trap-0460 trap-0461 "
        "trap-0462 trap-0465 trap-0469 trap-0470 trap-0471 ex-0092 ex-0115 ex-0116 ex-0117"
    ),
    "policies of AWS": "ex-0236",
}


@pytest.fixture(scope="module")
def ask() -> Iterator[object]:
    """A function that asks iam-simulate about many cases and returns its answers by id."""
    subprocess.run([sys.executable, "tools/clients.py", "simulate"], cwd=PROJECT, check=True)
    command = ["node", str(Path(__file__).parent / "third" / "opinion.mjs"), str(PROJECT / ".tools" / "iam-simulate")]

    def asked(cases: Sequence[Json]) -> dict[str, str]:
        given = "".join(json.dumps(case) + "\n" for case in cases)
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return {answer["id"]: answer.get("decision", answer.get("error")) for answer in answers}

    return asked


def _merged(documents: Sequence[Json]) -> Json:
    listed = [statement for each in documents for statement in as_list(each["Statement"])]
    return {"Version": "2012-10-17", "Statement": listed}


def _questions(case: Json) -> Iterator[Json]:
    """A corpus case as iam-simulate's driver takes it, once for each action."""
    request, given = case["request"], dict(case["policies"])
    parts, caller = request["resource"].split(":", 5), request["principal"].split(":", 5)
    owner = request.get("resource_account") or (parts[4] if len(parts) == 6 else "")
    context = {
        key: values[0] if len(values) == 1 and not facts.is_list(key.lower()) else values
        for key, values in request["context"].items()
    }
    if given.get("session") is not None:
        given["session"] = _merged(given["session"])
    if not given.get("boundary"):
        given.pop("boundary", None)
    for action in [request["action"], *request.get("also", [])]:
        asked = {**request, "action": action, "context": context}
        asked["resource_account"] = owner or (caller[4] if len(caller) == 6 else "111122223333")
        yield {"id": f"{case['id']} {action}", "request": asked, "policies": given}


def test_the_corpus_is_decided_alike_but_for_what_is_settled(ask: object) -> None:
    files = sorted((PROJECT / "tests" / "corpus").glob("*.jsonl"))
    cases = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    answers = ask([question for case in cases for question in _questions(case)])
    other = set()
    for case in cases:
        found = [answers[question["id"]] for question in _questions(case)]
        worst = next((each for each in OUTCOMES if each in found), "none")
        if worst != case["expect"]["decision"]:
            other.add(case["id"])
    settled = {name for names in SETTLED.values() for name in names.split()}
    assert other - settled == set()
    assert settled - other == set(), "settled, but no longer decided in another way"


def test_generated_worlds_are_decided_alike(ask: object) -> None:
    requests = allowed = 0
    for turn in soaking.turns(minutes=4, what="third opinion"):
        expected: dict[str, str] = {}
        questions: list[Json] = []
        for number in range(turn * BATCH, (turn + 1) * BATCH):
            world, asked = tame(number)
            compiled = policies(world)
            for position, request in enumerate(asked):
                name = f"{number}.{position}"
                expected[name] = decide(request, compiled).outcome.value
                questions.append(as_case(name, request, world))
        answers = ask(questions)
        other = {name: (found, answers[name]) for name, found in expected.items() if answers[name] != found}
        assert not other, "world.request: (ours, theirs); tame(world) makes it again"
        requests += len(expected)
        allowed += sum(each == "allow" for each in expected.values())
    soaking.progress(f"third opinion: {requests} requests, {allowed} of them allowed")
    assert allowed * 10 > requests
