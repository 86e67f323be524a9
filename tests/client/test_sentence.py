"""The one sentence, for records of every kind: what a live server of one account cannot show is here."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.client.explanation import explanation
from rolecall.client.sentence import sentence

ALICE = "arn:aws:iam::111122223333:user/alice"
ROLE = "arn:aws:iam::444455556666:role/R"
TRUST = "role trust policy"
IDENTITY = "identity-based policy"


def record(*checks: dict[str, Any], error: str = "AccessDenied", **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "userIdentity": {"type": "IAMUser", "arn": ALICE},
        "additionalEventData": {"httpStatus": 403 if error else 200, "decision": list(checks)},
        **more,
    }
    if error:
        told |= {"errorCode": error, "errorMessage": "no"}
    return told


def check(layer: str, outcome: str = "implicit_deny", *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "action": "sts:AssumeRole",
        "resource": ROLE,
        "outcome": outcome,
        "layer": layer,
        "explanation": list(layers),
        **more,
    }


def said(layer: str, outcome: str, *policies: dict[str, Any]) -> dict[str, Any]:
    return {"layer": layer, "outcome": outcome, "policies": list(policies)}


def test_both_sides_are_named_where_both_would_have_to_change() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
    own = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    refused = check(
        TRUST,
        "implicit_deny",
        said(TRUST, "implicit_deny"),
        said(IDENTITY, "implicit_deny"),
        remedy=[
            {"layer": TRUST, "to": "role/R trust policy", "addStatement": statement, "opens": "all that it may"},
            {"layer": IDENTITY, "to": "user/alice", "addStatement": own},
        ],
    )
    told = record(refused)
    assert sentence(told) == (
        "Refused: both sides refuse: the trust policy of role/R does not admit user/alice, and no policy of user/alice"
        " allows sts:AssumeRole."
    )
    lines = explanation(told).plain.splitlines()
    assert "  To allow it, add to the statements of role/R trust policy:" in lines
    assert "  and, attach to user/alice a policy with:" in lines


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("service control policy", "no service control policy allows sts:AssumeRole on"),
        ("resource control policy", "no resource control policy allows sts:AssumeRole on"),
        ("resource-based policy", "the policy of the resource does not allow sts:AssumeRole on"),
        ("VPC endpoint policy", "the VPC endpoint policy does not allow sts:AssumeRole on"),
        ("session policy", "the session policy does not allow sts:AssumeRole on"),
    ],
)
def test_each_kind_of_policy_is_named(layer: str, words: str) -> None:
    assert sentence(record(check(layer))).startswith(f"Refused: {words}")


def test_several_statements_that_deny_are_all_named() -> None:
    statements = [
        {"layer": "service control policy", "source": "p-1", "statement": 0, "sid": "NoRoles"},
        {"layer": IDENTITY, "source": "user/alice inline P", "statement": 2, "sid": ""},
    ]
    assert sentence(record(check("service control policy", "explicit_deny", statements=statements))) == (
        "Refused: statement “NoRoles” of p-1 (service control policy) and statement 3 of user/alice inline P"
        " (identity-based policy) deny it."
    )


def test_the_refused_check_is_the_one_that_is_told() -> None:
    allowed = check("", "allow", statements=[{"source": "p", "statement": 0, "sid": "", "layer": IDENTITY}])
    told = record(allowed, {**check(IDENTITY), "action": "sts:TagSession"})
    assert "allows sts:TagSession on" in sentence(told)
    assert "Policies asked about sts:AssumeRole" not in explanation(told).plain


def test_what_no_policy_refused_is_told_apart() -> None:
    broken = check(IDENTITY, broken="user/alice inline P: not JSON")
    assert sentence(record(broken)) == "Refused: user/alice inline P: not JSON."
    assert "No policy is in the way." in explanation(record(broken)).plain
    assert sentence(record(error="SignatureDoesNotMatch")) == "Refused before any policy was asked: no"
    of_aws = record(additionalEventData={}) | {"errorMessage": "User: x is not authorized to perform: y"}
    assert sentence(of_aws) == "Refused: User: x is not authorized to perform: y"
    shut_out = check("resource-based policy", "explicit_deny", statements=[])
    assert sentence(record(shut_out)) == "Refused: Block Public Access keeps strangers from this bucket."


def test_what_was_not_refused_is_told_too() -> None:
    statement = {"source": "user/alice inline P", "statement": 0, "sid": "Go", "layer": IDENTITY}
    allowed = check("", "allow", statements=[statement])
    assert sentence(record(allowed, error="")) == "Allowed by statement “Go” of user/alice inline P."
    assert sentence(record(error="")) == "Allowed: sts:AssumeRole asks no policy."
    by_root = check("", "allow", byRoot=True, statements=[])
    assert sentence(record(by_root, error="")) == "Allowed: the account's root user needs no policy."
    failed = record(allowed, error="NoSuchEntity", additionalEventData={"httpStatus": 404, "decision": [allowed]})
    assert sentence(failed) == "It was allowed, and failed: NoSuchEntity, no"


def test_names_that_others_chose_cannot_command_the_terminal() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/\x1b[2J\u202e"}
    change = {"layer": IDENTITY, "to": "user/\x1b[2J", "addStatement": statement, "opens": "\x07"}
    told = explanation(record(check(IDENTITY, resource="\x1b]0;x", remedy=[change]))).plain
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\u202e" not in told
