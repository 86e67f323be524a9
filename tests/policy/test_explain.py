"""Explanations: what was looked at, and the first element that kept a statement from applying."""

from __future__ import annotations

import json

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Layer, Outcome, Policies, explain
from rolecall.policy.explain import Failure
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ACCOUNT = "111122223333"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, "AIDAALICE")


def attached(*statements: dict[str, object], source: str = "user/alice inline P") -> Attached:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Attached(compile_policy(parse(text)), source)


def request(**context: str | tuple[str, ...]) -> PolicyRequest:
    given = {"aws:username": "alice", **{key.replace("_", ":"): value for key, value in context.items()}}
    return PolicyRequest(ALICE, "s3:GetObject", "arn:aws:s3:::b/k", ACCOUNT, given)


def failure(statement: dict[str, object], **context: str | tuple[str, ...]) -> Failure | None:
    full = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **statement}
    told = explain(request(**context), Policies(identity=(attached(full),)))
    return told.layers[0].policies[0].statements[0].failure


def test_a_failing_action_and_resource_are_shown_with_what_was_asked() -> None:
    assert failure({"Action": ["s3:Put*", "ec2:*"]}) == Failure("Action", ("s3:Put*", "ec2:*"), ("s3:GetObject",))
    assert failure({"Resource": "arn:aws:s3:::home/${aws:username}/*"}) == Failure(
        "Resource", ("arn:aws:s3:::home/alice/*",), ("arn:aws:s3:::b/k",)
    )
    not_action = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    told = explain(request(), Policies(identity=(attached(not_action),)))
    assert told.layers[0].policies[0].statements[0].failure == Failure("NotAction", ("s3:*",), ("s3:GetObject",))


def test_a_failing_condition_is_shown_with_both_values() -> None:
    condition = {"StringEquals": {"aws:username": "alice", "aws:PrincipalTag/Team": ["red", "${aws:username}"]}}
    expected = ("red", "alice")
    assert failure({"Condition": condition}, **{"aws_principaltag/team": "blue"}) == Failure(
        "Condition", expected, ("blue",), "StringEquals", "aws:PrincipalTag/Team"
    )
    assert failure({"Condition": condition}) == Failure(
        "Condition", expected, None, "StringEquals", "aws:PrincipalTag/Team"
    )
    assert failure({"Condition": {"IpAddress": {"aws:SourceIp": "${aws:username}"}}}) == Failure(
        "Condition", ("${aws:username}",), None, "IpAddress", "aws:SourceIp"
    )


def test_a_failing_principal_is_shown_with_the_callers_names() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "AIDABOB"}, "Action": "s3:*", "Resource": "*"}
    told = explain(request(), Policies(resource=attached(statement, source="bucket b")))
    found = told.layers[0].policies[0].statements[0]
    assert found.failure == Failure("Principal", ("AWS:AIDABOB",), (ALICE.arn, "AIDAALICE", ACCOUNT))
    assert not found.applies


def test_every_layer_is_told_with_its_result_in_the_order_of_naming() -> None:
    allow = {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    told = explain(
        request(),
        Policies(
            identity=(attached(allow), attached({**allow, "Action": "ec2:*"}, source="user/alice > P2")),
            boundary=attached({**allow, "Effect": "Deny"}),
            session=(),
            resource=attached({**allow, "Principal": {"AWS": ACCOUNT}}),
            scps=((attached(allow),), ()),
        ),
    )
    assert [(each.layer, each.outcome) for each in told.layers] == [
        (Layer.SCP, Outcome.ALLOW),
        (Layer.SCP, Outcome.IMPLICIT_DENY),
        (Layer.RESOURCE, Outcome.ALLOW),
        (Layer.IDENTITY, Outcome.ALLOW),
        (Layer.BOUNDARY, Outcome.EXPLICIT_DENY),
        (Layer.SESSION, Outcome.IMPLICIT_DENY),
    ]
    assert told.decision.layer is Layer.BOUNDARY
    identity = told.layers[3]
    assert [(each.source, each.outcome) for each in identity.policies] == [
        ("user/alice inline P", Outcome.ALLOW),
        ("user/alice > P2", Outcome.IMPLICIT_DENY),
    ]
    assert told.layers[2].policies[0].statements[0].reach == "account"


def test_a_trust_policy_is_explained_without_resource() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": ALICE.arn}, "Action": "sts:AssumeRole"}
    asked = PolicyRequest(ALICE, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/r", ACCOUNT, {}, must_be_admitted=True)
    told = explain(asked, Policies(resource=attached(statement)))
    assert told.layers[0].layer is Layer.TRUST
    assert told.layers[0].policies[0].statements[0].applies
    assert told.layers[0].policies[0].statements[0].reach == "direct"
