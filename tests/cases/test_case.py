"""Cases as data: what a case leaves out is read from its ARNs, and what is no case is refused."""

from __future__ import annotations

import pytest

from rolecall.cases.case import CaseUnreadable, read_case
from rolecall.policy.parse import PolicyUnreadable
from rolecall.policy.request import PrincipalKind

REQUEST = {"principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}


def asked(**changes: object) -> dict[str, object]:
    return {"request": {**REQUEST, **changes}}


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"request": []},
        asked(principal=5),
        asked(action=None),
        asked(context=[]),
        asked(context={"k": "v"}),
        asked(principal="arn:aws:iam::111122223333:group/g"),
        {**asked(), "policies": {"boundary": [{}, {}]}},
        asked(action="s3"),
        asked(principal="arn:aws:iam::111122223333:user/"),
        asked(principal="arn:aws"),
        {**asked(), "policies": {"scps": ["x"]}},
    ],
)
def test_what_is_no_case_is_refused(case: dict[str, object]) -> None:
    with pytest.raises(CaseUnreadable):
        read_case(case)


def test_a_policy_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(PolicyUnreadable):
        read_case({**asked(), "policies": {"resource": {"Statement": []}}})


def test_a_sessions_role_is_read_from_the_context_or_from_its_arn() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/app/s"
    role = "arn:aws:iam::111122223333:role/ops/app"
    known = read_case(asked(principal=session, context={"aws:PrincipalArn": [role]})).requests[0].principal
    assert known.kind is PrincipalKind.ROLE_SESSION
    assert known.owner_arn == role
    for other in ("arn:aws:iam::111122223333:role/other", "arn:aws:iam::999999999999:role/app"):
        guessed = read_case(asked(principal=session, context={"aws:PrincipalArn": [other]})).requests[0].principal
        assert guessed.owner_arn == "arn:aws:iam::111122223333:role/app"


def test_the_owner_of_the_resource_is_named_or_read_from_its_arn_or_the_caller() -> None:
    user = "arn:aws:iam::111122223333:user/u"
    role = "arn:aws:iam::444455556666:role/r"
    assert read_case(asked(principal=user)).requests[0].resource_account == "111122223333"
    assert read_case(asked(principal=user, resource=role)).requests[0].resource_account == "444455556666"
    assert (
        read_case(asked(principal=user, resource_account="777788889999")).requests[0].resource_account == "777788889999"
    )
