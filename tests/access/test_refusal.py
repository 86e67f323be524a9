"""The texts of refusals, word for word as AWS documents them, for every kind of policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import pytest

from rolecall.access.caller import Caller
from rolecall.access.check import Check, Denial
from rolecall.access.refusal import refused
from rolecall.policy.decide import Decision, Layer, Matched, Outcome
from rolecall.policy.request import ANONYMOUS, Principal, PrincipalKind

ACCOUNT = "111122223333"
ALICE = Caller(Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT), ACCOUNT)
CHECK = Check("s3:GetObject", "arn:aws:s3:::b/k", ACCOUNT)
HEAD = f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: s3:GetObject on resource: "


def said(
    decision: Decision, denial: Denial = Denial.FULL, caller: Caller = ALICE, check: Check = CHECK
) -> tuple[str, int, str]:
    error = refused(denial, caller, check, decision)
    return error.code, error.status, error.message


def silent(layer: Layer) -> Decision:
    return Decision(Outcome.IMPLICIT_DENY, layer)


def denying(*layers: tuple[Layer, str | None]) -> Decision:
    return Decision(
        Outcome.EXPLICIT_DENY,
        layers[0][0],
        tuple(Matched(layer, "source", arn, 0, "", "Deny") for layer, arn in layers),
    )


@pytest.mark.parametrize(
    ("layer", "nothing", "something"),
    [
        (Layer.IDENTITY, "no identity-based policy", "an identity-based policy"),
        (Layer.BOUNDARY, "no permissions boundary", "a permissions boundary"),
        (Layer.SESSION, "no session policy", "a session policy"),
        (Layer.RESOURCE, "no resource-based policy", "a resource-based policy"),
        (Layer.TRUST, "no role trust policy", "the role trust policy"),
        (Layer.SCP, "no service control policy", "a service control policy"),
        (Layer.RCP, "no resource control policy", "a resource control policy"),
        (Layer.ENDPOINT, "no VPC endpoint policy", "a VPC endpoint policy"),
    ],
)
def test_each_kind_of_policy_is_named_in_awss_words(layer: Layer, nothing: str, something: str) -> None:
    where = f"{HEAD}arn:aws:s3:::b/k "
    assert said(silent(layer)) == ("AccessDenied", 403, f"{where}because {nothing} allows the s3:GetObject action")
    assert said(denying((layer, None))) == ("AccessDenied", 403, f"{where}with an explicit deny in {something}")


def test_a_managed_policy_that_denies_is_named_by_its_arn_and_no_resources_policy_is() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/NoReads"
    assert said(denying((Layer.IDENTITY, arn)))[2].endswith(f"with an explicit deny in an identity-based policy: {arn}")
    for layer in (Layer.RESOURCE, Layer.TRUST, Layer.ENDPOINT):
        assert arn not in said(denying((layer, arn)))[2]


def test_the_arn_is_that_of_the_layer_that_is_named() -> None:
    text = said(denying((Layer.SCP, None), (Layer.IDENTITY, f"arn:aws:iam::{ACCOUNT}:policy/NoReads")))[2]
    assert text.endswith("with an explicit deny in a service control policy")


def test_assume_role_says_the_same_whatever_the_reason() -> None:
    role = Check("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/R", ACCOUNT)
    texts = {
        said(decision, Denial.SHORT, check=role)
        for decision in (silent(Layer.TRUST), silent(Layer.IDENTITY), denying((Layer.TRUST, None)), silent(Layer.SCP))
    }
    assert texts == {
        (
            "AccessDenied",
            403,
            f"User: {ALICE.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role.resource}",
        )
    }


def test_s3_quotes_the_resource_and_tells_other_accounts_nothing() -> None:
    assert said(silent(Layer.IDENTITY), Denial.QUOTED)[2] == (
        f'{HEAD}"arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action'
    )
    theirs = Check("s3:GetObject", "arn:aws:s3:::b/k", "444455556666")
    assert said(silent(Layer.RESOURCE), Denial.QUOTED, check=theirs) == ("AccessDenied", 403, "Access Denied")
    assert said(silent(Layer.RESOURCE), Denial.QUOTED, Caller(ANONYMOUS, ""))[2] == "Access Denied"


def test_json_services_and_unsigned_calls_have_their_own_forms() -> None:
    assert said(silent(Layer.IDENTITY), Denial.JSON)[:2] == ("AccessDeniedException", 400)
    saml = Check("sts:AssumeRoleWithSAML", f"arn:aws:iam::{ACCOUNT}:role/R", ACCOUNT)
    assert said(silent(Layer.TRUST), Denial.BARE, check=saml)[2] == "Not authorized to perform sts:AssumeRoleWithSAML"
