"""What a decision costs: policies of 1, 20 and 500 statements, hit and miss, with and without its explanation.

Every request of a run is another one (action, key, user name), so that nothing but the compiled policy is reused.

    python -m bench.decisions [--seconds 0.5] [--peers]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Outcome, Policies, decide, explain
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

HERE = Path(__file__).parent
ACCOUNT = "111122223333"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, "AIDAALICE000000000001")
DISTINCT = 5000


class Cost(NamedTuple):
    """Decisions a second, with policies of some statements; `explained` with the whole explanation of each."""

    size: int
    case: str
    plain: float
    explained: float


def document(size: int) -> str:
    """A policy of buckets: every fourth statement denies, every fifth has a condition or a variable."""
    statements: list[dict[str, object]] = []
    for number in range(size):
        statement: dict[str, object] = {
            "Sid": f"S{number}",
            "Effect": "Deny" if number % 4 == 3 else "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"] if number % 2 == 0 else "s3:Get*",
            "Resource": f"arn:aws:s3:::bucket-{number:03}/{'${aws:username}/' if number % 5 == 1 else ''}*",
        }
        if number % 5 == 2:
            statement["Condition"] = {"StringLike": {"aws:useragent": "*bench*"}}
        statements.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def policy(size: int) -> Attached:
    """The same, as the engine takes it."""
    return Attached(compile_policy(parse(document(size))), "user/alice inline bench")


def cases_of(size: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the bucket of a request that is allowed and of one that nothing matches."""
    return (("hit", f"bucket-{size // 2 // 20 * 20:03}"), ("miss", "elsewhere"))


def requests(bucket: str) -> list[PolicyRequest]:
    """Distinct requests for objects of one bucket."""
    return [
        PolicyRequest(
            ALICE,
            "s3:GetObject" if number % 2 else "s3:PutObject",
            f"arn:aws:s3:::{bucket}/alice/key-{number}",
            ACCOUNT,
            {
                "aws:username": "alice",
                "aws:useragent": f"bench/{number}",
                "aws:sourceip": "203.0.113.9",
                "aws:securetransport": "true",
                "aws:principalarn": ALICE.arn,
                "aws:principaltype": "User",
                "aws:currenttime": "2026-11-24T00:00:00Z",
            },
        )
        for number in range(DISTINCT)
    ]


def rate(call: Callable[[PolicyRequest], object], asked: list[PolicyRequest], seconds: float) -> float:
    """Return calls per second of CPU time, the best of three runs."""
    best = 0.0
    for _ in range(3):
        done, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds:
            for request in asked:
                call(request)
            done += len(asked)
        best = max(best, done / spent)
    return best


def measure(seconds: float) -> Iterator[Cost]:
    """Yield what a decision costs at every size, for a request that is allowed and for one that nothing matches."""
    for size in (1, 20, 500):
        policies = Policies(identity=(policy(size),))
        for case, bucket in cases_of(size):
            asked = requests(bucket)
            outcome = Outcome.ALLOW if case == "hit" else Outcome.IMPLICIT_DENY
            assert decide(asked[0], policies).outcome is outcome, (size, case)
            plain = rate(lambda request, given=policies: decide(request, given), asked, seconds)
            explained = rate(lambda request, given=policies: explain(request, given), asked[:20], seconds)
            yield Cost(size, case, plain, explained)


# Others ---------------------------------------------------------------------------------------------------------------


def moto_rate(size: int, bucket: str, seconds: float) -> float:
    """Return the decisions a second of moto's evaluator (the extra `peers`), its document read once as ours is."""
    access_control = importlib.import_module("moto.iam.access_control")
    permitted = access_control.IAMPolicy(document(size)).is_action_permitted
    asked = requests(bucket)[:200]
    keys = ({key: value for key, value in request.context.items() if isinstance(value, str)} for request in asked)
    contexts = dict(zip((request.resource for request in asked), keys, strict=True))
    return rate(
        lambda request: permitted(request.action, request.resource, None, contexts[request.resource]), asked, seconds
    )


def simulate_rate(size: int, bucket: str, seconds: float) -> float:
    """Return the decisions a second of iam-simulate, which is run as a program of its own."""
    asked = [
        {
            "principal": request.principal.arn,
            "action": request.action,
            "resource": request.resource,
            "account": ACCOUNT,
            "context": request.context,
        }
        for request in requests(bucket)
    ]
    question = {"policy": json.loads(document(size)), "requests": asked, "seconds": seconds}
    command = ["node", str(HERE / "opinion.mjs"), str(HERE.parent / ".tools" / "iam-simulate")]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["rate"])


def facts(seconds: float, *, with_peers: bool) -> Iterator[tuple[str, str]]:
    """Yield a line a measurement: ours, plain and with the explanation, and the others' where they are asked for."""
    others = peers(wanted=with_peers)
    for size, case, plain, explained in measure(seconds):
        told = f"{plain:,.0f} ({1e6 / plain:.1f} µs), explained {explained:,.0f}"
        for name, rate_of in others.items():
            told += f"; {name} {rate_of(size, dict(cases_of(size))[case], seconds):,.0f}"
        yield f"decisions/s, {size} statements, {case}", told


def peers(*, wanted: bool) -> Mapping[str, Callable[[int, str, float], float]]:
    """Return the other evaluators that can be measured here, ready to be."""
    found: dict[str, Callable[[int, str, float], float]] = {}
    if wanted and shutil.which("npm") is not None:
        subprocess.run([sys.executable, "tools/clients.py", "simulate"], cwd=HERE.parent, check=True)
        found["iam-simulate"] = simulate_rate
    if wanted and importlib.util.find_spec("moto") is not None:
        found["moto"] = moto_rate
    return found


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=0.5)
    arguments.add_argument("--peers", action="store_true", help="iam-simulate and moto's evaluator beside it")
    options = arguments.parse_args()
    others = peers(wanted=options.peers)
    head = f"{'statements':>10} {'case':>5} {'decisions/s':>12} {'µs':>7} {'explained/s':>12} {'µs':>9}"
    print(head + "".join(f" {name + '/s':>15}" for name in others))
    for size, case, plain, explained in measure(options.seconds):
        row = f"{size:>10} {case:>5} {plain:>12,.0f} {1e6 / plain:>7.1f} {explained:>12,.0f} {1e6 / explained:>9.1f}"
        bucket = dict(cases_of(size))[case]
        print(row + "".join(f" {rate_of(size, bucket, options.seconds):>15,.0f}" for rate_of in others.values()))


if __name__ == "__main__":
    main()
