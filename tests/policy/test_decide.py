"""Decisions beyond the corpus: what a decision says of itself, and callers that no case can spell."""

from __future__ import annotations

import json

import pytest

from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Decision, Layer, Matched, Outcome, Policies, decide
from rolecall.policy.parse import parse
from rolecall.policy.request import PolicyRequest, Principal, PrincipalKind

ACCOUNT = "111122223333"
USER = Principal(
    PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, "AIDAALICE000000000001", canonical_id="c" * 64
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/app"
SESSION = Principal(
    PrincipalKind.ROLE_SESSION, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s", ACCOUNT, "AROAAPP:s", ROLE, "AROAAPP"
)
ROOT = Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT)


def attached(*statements: dict[str, object], source: str = "test", arn: str | None = None) -> Attached:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Attached(compile_policy(parse(text)), source, arn)


def allow(**changes: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **changes}


def deny(**changes: object) -> dict[str, object]:
    return allow(Effect="Deny", **changes)


def ask(caller: Principal, action: str = "s3:GetObject", **context: str) -> PolicyRequest:
    return PolicyRequest(
        caller, action, "arn:aws:s3:::b/k", ACCOUNT, {k.replace("_", ":"): v for k, v in context.items()}
    )


def test_an_allow_names_its_statement_and_the_way_to_it() -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    way = f"user/alice > group/devs > {arn}"
    policies = Policies(
        identity=(
            attached(allow(Action="ec2:*")),
            attached(deny(Action="s3:Put*"), allow(Sid="Read"), source=way, arn=arn),
        )
    )
    assert decide(ask(USER), policies) == Decision(
        Outcome.ALLOW, None, (Matched(Layer.IDENTITY, way, arn, 1, "Read", "Allow"),)
    )


def test_an_explicit_deny_names_every_denying_statement_and_the_first_layer() -> None:
    policies = Policies(
        identity=(attached(allow(), deny(Sid="I"), source="user/alice inline P"),),
        boundary=attached(allow(), deny(Sid="B")),
        session=(attached(deny(Sid="S")),),
        resource=attached(deny(Sid="R", Principal="*")),
        scps=((attached(allow(), deny(Sid="C")),),),
        rcps=((attached(deny(Sid="RC", Principal="*")),),),
        endpoint=attached(deny(Sid="E", Principal="*")),
    )
    decision = decide(ask(USER), policies)
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert decision.layer is Layer.SCP
    assert [each.sid for each in decision.matched] == ["C", "RC", "E", "R", "I", "B", "S"]
    assert {each.effect for each in decision.matched} == {"Deny"}


def test_an_implicit_deny_has_no_statement() -> None:
    decision = decide(ask(USER), Policies(identity=(attached(allow(Action="ec2:*")),)))
    assert decision == Decision(Outcome.IMPLICIT_DENY, Layer.IDENTITY)


def test_root_is_allowed_for_being_root() -> None:
    assert decide(ask(ROOT), Policies()) == Decision(Outcome.ALLOW, by_root=True)
    assert not decide(ask(USER), Policies(identity=(attached(allow()),))).by_root


def test_denying_without_allowing_allows_nothing() -> None:
    """GHSA-xgr5-qc6w-vcg9: an identity with nothing but a Deny was allowed what the Deny did not name."""
    policies = Policies(identity=(attached(deny(Action="s3:PutObject")),))
    assert decide(ask(USER), policies).outcome is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("action", ["s3:BypassGovernanceRetention", "s3:PutObjectTagging", "s3:PutObjectAcl"])
def test_a_deny_of_one_part_of_a_compound_call_is_heard(action: str) -> None:
    """CVE-2023-25812: a Deny of BypassGovernanceRetention was not looked at."""
    policies = Policies(identity=(attached(allow(), deny(Action=action)),))
    assert decide(ask(USER, action), policies).outcome is Outcome.EXPLICIT_DENY


def test_a_condition_on_the_copy_source_is_honoured() -> None:
    """GHSA-mx42-j6wv-px98: copies did not carry the source that policies limit."""
    condition = {"StringLike": {"s3:x-amz-copy-source": "public/*"}}
    policies = Policies(identity=(attached(allow(Action="s3:PutObject", Condition=condition)),))
    assert decide(ask(USER, "s3:PutObject", **{"s3_x-amz-copy-source": "public/k"}), policies).allowed
    assert not decide(ask(USER, "s3:PutObject", **{"s3_x-amz-copy-source": "private/k"}), policies).allowed
    assert not decide(ask(USER, "s3:PutObject"), policies).allowed


def test_an_id_of_the_session_is_no_id_of_the_role() -> None:
    by_role = Policies(resource=attached(allow(Principal={"AWS": "AROAAPP"})))
    by_session = Policies(resource=attached(allow(Principal={"AWS": "AROAAPP:s"})))
    assert decide(ask(SESSION), by_role).allowed
    assert not decide(ask(SESSION), by_session).allowed


def test_a_canonical_user_stands_for_its_account() -> None:
    resource = attached(allow(Principal={"CanonicalUser": "c" * 64}))
    assert decide(ask(USER), Policies(resource=resource)).layer is Layer.IDENTITY
    assert decide(ask(USER), Policies(resource=resource, identity=(attached(allow()),))).allowed
    foreign = Principal(PrincipalKind.USER, "arn:aws:iam::444455556666:user/x", "444455556666", canonical_id="c" * 64)
    assert decide(ask(foreign), Policies(resource=resource, identity=(attached(allow()),))).allowed
    assert not decide(ask(foreign), Policies(resource=resource)).allowed


def test_the_management_account_is_out_of_reach_of_scps() -> None:
    policies = Policies(identity=(attached(allow()),), scps=((attached(deny()),),))
    managing = Principal(PrincipalKind.USER, USER.arn, ACCOUNT, in_management_account=True)
    assert not decide(ask(USER), policies).allowed
    assert decide(ask(managing), policies).allowed


def test_an_endpoint_policy_must_allow_whoever_comes_through() -> None:
    identity = (attached(allow()),)
    for caller in (USER, ROOT):
        closed = decide(
            ask(caller), Policies(identity=identity, endpoint=attached(allow(Principal="*", Action="ec2:*")))
        )
        assert closed == Decision(Outcome.IMPLICIT_DENY, Layer.ENDPOINT)
        assert decide(ask(caller), Policies(identity=identity, endpoint=attached(allow(Principal="*")))).allowed


def test_a_session_that_root_federated_has_what_its_session_policy_says() -> None:
    caller = Principal(
        PrincipalKind.FEDERATED_USER, f"arn:aws:sts::{ACCOUNT}:federated-user/x", ACCOUNT, owner_arn=ROOT.arn
    )
    assert decide(ask(caller), Policies()).layer is Layer.SESSION
    assert decide(ask(caller), Policies(session=(attached(allow()),))).allowed
    assert decide(ask(caller), Policies(session=(attached(allow(Action="ec2:*")),))).layer is Layer.SESSION


def test_a_principal_where_none_belongs_grants_nothing_and_still_denies() -> None:
    assert not decide(ask(USER), Policies(identity=(attached(allow(Principal="*")),))).allowed
    mistaken = Policies(identity=(attached(allow(), deny(Principal={"AWS": "999999999999"})),))
    assert decide(ask(USER), mistaken).outcome is Outcome.EXPLICIT_DENY


def test_a_resource_policy_without_principal_grants_nothing_and_still_denies() -> None:
    assert not decide(ask(USER), Policies(resource=attached(allow()))).allowed
    assert decide(ask(USER), Policies(identity=(attached(allow()),), resource=attached(deny()))).layer is Layer.RESOURCE


def test_a_statement_without_resource_grants_nothing_outside_trust_policies() -> None:
    statement = {"Effect": "Allow", "Action": "s3:*"}
    assert not decide(ask(USER), Policies(identity=(attached(statement),))).allowed
    denying = Policies(identity=(attached(allow(), {**statement, "Effect": "Deny"}),))
    assert decide(ask(USER), denying).outcome is Outcome.EXPLICIT_DENY


def test_notprincipal_with_allow_grants_to_nobody_it_lists_in_any_form() -> None:
    for listed in (USER.arn, USER.unique_id, ACCOUNT, ROOT.arn, "*"):
        resource = attached({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "NotPrincipal": {"AWS": listed}})
        assert not decide(ask(USER), Policies(resource=resource)).allowed
    other = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "NotPrincipal": {"AWS": "999999999999"}}
    assert decide(ask(USER), Policies(resource=attached(other))).allowed


def test_a_resource_control_policy_does_not_reach_an_action_without_resource() -> None:
    policies = Policies(identity=(attached(allow()),), rcps=((attached(deny(Principal="*")),),))
    asked = PolicyRequest(USER, "s3:ListJobs", "*", None, {})
    assert decide(asked, policies).allowed
    assert decide(ask(USER), policies).layer is Layer.RCP
