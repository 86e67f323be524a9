"""Remedies: the change that is told is the one that helps, names the policy it goes into, and says what it opens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rolecall.access.remedy import Change, remedy
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Layer, Policies
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ACCOUNT, OTHER = "111122223333", "444455556666"
ALICE = Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/team/alice", ACCOUNT, "AIDAALICE")
SESSION = Principal(
    PrincipalKind.ROLE_SESSION,
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/me",
    ACCOUNT,
    "AROADEPLOY:me",
    f"arn:aws:iam::{ACCOUNT}:role/Deploy",
    "AROADEPLOY",
)
OBJECT = "arn:aws:s3:::data/report.csv"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/R"

Document = Mapping[str, object]


def attached(source: str, *statements: Document, arn: str | None = None) -> Attached:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Attached(compile_policy(parse(text)), source, arn)


def allow(action: str = "*", resource: str = "*", **more: object) -> Document:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "*", **more: object) -> Document:
    return {"Effect": "Deny", "Action": action, "Resource": "*", **more}


def asked(caller: Principal = ALICE, resource: str = OBJECT, account: str = ACCOUNT, **more: Any) -> PolicyRequest:
    action = more.pop("action", "s3:GetObject")
    context = {} if caller.kind is PrincipalKind.ANONYMOUS else {"aws:principalarn": caller.owner_arn or caller.arn}
    return PolicyRequest(caller, action, resource, account, context, **more)


def one(request: PolicyRequest, **policies: Any) -> Change:
    (change,) = remedy(request, Policies(**policies))
    return change


EXACT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}


def test_a_missing_allow_is_a_statement_for_exactly_the_request() -> None:
    change = one(asked(), identity=(attached("user/alice inline P", allow("s3:List*")),))
    assert (change.layer, change.to, change.statement, change.opens) == (Layer.IDENTITY, "user/alice", EXACT, "")


def test_a_role_opens_for_everyone_who_assumes_it() -> None:
    change = one(asked(SESSION))
    assert (change.to, change.statement) == ("role/Deploy", EXACT)
    assert change.opens == "every session of the role may do this, whoever assumed it"


def test_wildcards_in_names_are_written_as_the_characters_they_are() -> None:
    change = one(asked(resource="arn:aws:s3:::data/a*b?c${d}$e"))
    assert change.statement is not None
    assert change.statement["Resource"] == "arn:aws:s3:::data/a${*}b${?}c${$}{d}$e"


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::*", f"arn:aws:iam::{ACCOUNT}:oidc-provider/*"])
def test_what_listings_are_decided_on_stays_as_it_is(resource: str) -> None:
    change = one(asked(resource=resource))
    assert change.statement is not None
    assert change.statement["Resource"] == resource


def test_each_layer_that_is_silent_gets_its_statement() -> None:
    own = attached("user/alice inline P", allow())
    edge = attached("permissions boundary arn:edge", allow("ec2:*"), arn="arn:edge")
    change = one(asked(), identity=(own,), boundary=edge)
    assert (change.layer, change.to, change.arn) == (Layer.BOUNDARY, edge.source, "arn:edge")
    assert change.statement == EXACT
    assert "permissions boundary" in change.opens
    narrow = attached("session policy", allow("ec2:*"))
    change = one(asked(SESSION), identity=(own,), session=(narrow,))
    assert (change.layer, change.to, change.statement) == (Layer.SESSION, "the session policy", EXACT)
    change = one(asked(), identity=(own,), scps=((own,), (attached("p-2", allow("ec2:*"), arn="arn:p-2"),)))
    assert (change.layer, change.to, change.arn) == (Layer.SCP, "p-2", "arn:p-2")
    assert [each.layer for each in remedy(asked(), Policies(boundary=edge, scps=((), (own,))))] == [
        Layer.SCP,
        Layer.IDENTITY,
        Layer.BOUNDARY,
    ]


def test_a_deny_gets_a_condition_that_spares_the_caller() -> None:
    own = attached("user/alice inline P", allow(), deny("s3:*", Sid="NoS3"))
    change = one(asked(), identity=(own,))
    assert (change.layer, change.to, change.statement) == (Layer.IDENTITY, "user/alice inline P", None)
    assert change.denying is not None
    assert (change.denying.statement, change.denying.sid) == (1, "NoS3")
    assert change.condition == {"StringNotEquals": {"aws:PrincipalArn": ALICE.arn}}
    assert change.opens == "the caller is spared everything that the statement denies"


def test_behind_a_deny_the_missing_allow_is_told_too() -> None:
    own = attached("user/alice inline P", deny("s3:*"))
    first, second = remedy(asked(), Policies(identity=(own,)))
    assert (first.condition is not None, second.statement) == (True, EXACT)


def test_a_trust_policy_is_told_to_admit_the_caller_itself() -> None:
    trust = attached(
        "role/R trust policy",
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, "Action": "sts:AssumeRole"},
    )
    request = asked(resource=ROLE, action="sts:AssumeRole", must_be_admitted=True)
    change = one(request, resource=trust)
    assert (change.layer, change.to) == (Layer.TRUST, "role/R trust policy")
    assert change.statement == {"Effect": "Allow", "Principal": {"AWS": ALICE.arn}, "Action": "sts:AssumeRole"}
    assert change.opens == "whoever is let in may do everything that the role may"
    foreign = asked(resource=ROLE, action="sts:AssumeRole", account=OTHER, must_be_admitted=True)
    assert [each.layer for each in remedy(foreign, Policies(resource=trust))] == [Layer.TRUST, Layer.IDENTITY]


def test_across_accounts_the_resources_owner_must_allow_first() -> None:
    own = attached("user/alice inline P", allow())
    change = one(asked(account=OTHER), identity=(own,))
    assert (change.layer, change.to) == (Layer.RESOURCE, "bucket/data policy")
    assert change.statement == {**EXACT, "Principal": {"AWS": ALICE.arn}}


def test_what_lets_in_strangers_lets_in_everybody() -> None:
    change = one(asked(Principal(PrincipalKind.ANONYMOUS)))
    assert change.statement == {**EXACT, "Principal": "*"}
    assert change.opens == "everybody may do this, signed or not"


@pytest.mark.parametrize("kind", [PrincipalKind.ROOT, PrincipalKind.FEDERATED_USER])
def test_where_no_policy_helps_none_is_told(kind: PrincipalKind) -> None:
    root = Principal(kind, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    assert remedy(asked(root, resource=ROLE, action="sts:AssumeRole", must_be_admitted=True), Policies()) == ()


def test_a_deny_for_strangers_cannot_spare_one() -> None:
    bucket = attached("bucket/data policy", {**deny("s3:*"), "Principal": "*"})
    assert remedy(asked(Principal(PrincipalKind.ANONYMOUS)), Policies(resource=bucket)) == ()
