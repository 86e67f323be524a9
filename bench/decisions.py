"""What a decision costs: policies of 1, 20 and 500 statements, hit and miss, with and without its explanation.

Every request of a run is another one (action, key, user name), so that nothing but the compiled policy is reused.

    python -m bench.decisions [--seconds 0.5]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Outcome, Policies, decide, explain
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ACCOUNT = "111122223333"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, "AIDAALICE000000000001")
DISTINCT = 5000


class Cost(NamedTuple):
    """Decisions a second, with policies of some statements; `explained` with the whole explanation of each."""

    size: int
    case: str
    plain: float
    explained: float


def policy(size: int) -> Attached:
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
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return Attached(compile_policy(parse(text)), "user/alice inline bench")


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
        for case, bucket, outcome in (
            ("hit", f"bucket-{size // 2 // 20 * 20:03}", Outcome.ALLOW),
            ("miss", "elsewhere", Outcome.IMPLICIT_DENY),
        ):
            asked = requests(bucket)
            assert decide(asked[0], policies).outcome is outcome, (size, case)
            plain = rate(lambda request, given=policies: decide(request, given), asked, seconds)
            explained = rate(lambda request, given=policies: explain(request, given), asked[:20], seconds)
            yield Cost(size, case, plain, explained)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=0.5)
    seconds = arguments.parse_args().seconds
    print(f"{'statements':>10} {'case':>5} {'decisions/s':>12} {'µs':>7} {'explained/s':>12} {'µs':>9}")
    for size, case, plain, explained in measure(seconds):
        print(f"{size:>10} {case:>5} {plain:>12,.0f} {1e6 / plain:>7.1f} {explained:>12,.0f} {1e6 / explained:>9.1f}")


if __name__ == "__main__":
    main()
