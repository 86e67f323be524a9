"""The authorizer: what it refuses, in which words, with which reasons; what an `Allowed` of it can and cannot do."""

from __future__ import annotations

import pytest
from tests.access.world import (
    ACCOUNT,
    OTHER,
    Credentials,
    World,
    a_request,
    allow,
    arn_of_user,
    deny,
    document,
    role_check,
    trusting,
)

from rolecall.access.authorize import Denied, decisions_of
from rolecall.access.check import Check, Denial
from rolecall.directory.policies import put_inline_policy
from rolecall.message import ServiceError
from rolecall.policy.decide import Layer, Outcome

LIST = Check("iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/")
ALICE = arn_of_user("alice")
AWS_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def refusal(world: World, who: Credentials | None, check: Check, denial: Denial = Denial.FULL) -> Denied:
    with pytest.raises(Denied) as denied:
        world.ask(who, check, denial=denial, unsigned=True)
    assert (denied.value.code, denied.value.status) == ("AccessDenied", 403)
    return denied.value


def test_a_user_without_policies_is_refused_for_want_of_an_identity_policy(world: World) -> None:
    refused = refusal(world, world.user("alice"), LIST)
    assert refused.message == (
        f"User: {ALICE} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{ACCOUNT}:user/"
        " because no identity-based policy allows the iam:ListUsers action"
    )
    assert refused.decisions[-1].decision.layer is Layer.IDENTITY


def test_an_explicit_deny_in_an_inline_policy_is_named_without_an_arn(world: World) -> None:
    alice = world.user("alice", allow("*"), deny("iam:ListUsers"))
    assert refusal(world, alice, LIST).message.endswith("with an explicit deny in an identity-based policy")


def test_an_explicit_deny_in_a_managed_policy_is_named_with_its_arn(world: World) -> None:
    alice = world.user("alice", allow("*"))
    arn = world.managed("Stop", deny("*"))
    world.attach(world.user_id("alice"), arn)
    assert refusal(world, alice, LIST).message.endswith(f"with an explicit deny in an identity-based policy: {arn}")


def test_a_boundary_that_does_not_allow_is_named(world: World) -> None:
    arn = world.managed("Ceiling", allow("s3:*"))
    alice = world.user("alice", allow("*"), boundary=arn)
    assert refusal(world, alice, LIST).message.endswith(
        "because no permissions boundary allows the iam:ListUsers action"
    )


def test_the_resource_is_shown_by_name_where_the_check_says_so(world: World) -> None:
    check = Check("iam:GetUser", ALICE, shown="user alice")
    assert " on resource: user alice because " in refusal(world, world.user("alice"), check).message


def test_a_refused_role_shows_no_reason(world: World) -> None:
    role = world.role("R", trusting({"AWS": OTHER}))
    text = refusal(world, world.user("alice", allow("*")), role_check(role), Denial.SHORT).message
    assert text == f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {role.arn}"


def test_s3_quotes_the_resource_to_its_own_account_and_tells_strangers_nothing(world: World) -> None:
    check = Check("s3:GetObject", "arn:aws:s3:::b/k", account=ACCOUNT)
    own = refusal(world, world.user("alice"), check, Denial.QUOTED).message
    assert own == (
        f'User: {ALICE} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k"'
        " because no identity-based policy allows the s3:GetObject action"
    )
    stranger = world.user("eve", allow("*"), account=OTHER)
    assert refusal(world, stranger, check, Denial.QUOTED).message == "Access Denied"
    assert refusal(world, None, check, Denial.QUOTED).message == "Access Denied"


def test_a_bare_refusal_names_the_action_alone(world: World) -> None:
    role = world.role("R", trusting({"AWS": OTHER}))
    text = refusal(world, None, role_check(role, "sts:AssumeRoleWithSAML"), Denial.BARE).message
    assert text == "Not authorized to perform sts:AssumeRoleWithSAML"


def test_an_operation_that_asks_for_no_check_is_refused(world: World) -> None:
    """GHSA-566f-q62r-wcr8, GHSA-xgr5-qc6w-vcg9: absence of a rule must never allow."""
    with pytest.raises(ServiceError) as refused:
        world.ask(world.root)
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)
    assert "asked for no check" in refused.value.reason


def test_every_caller_does_not_mean_the_anonymous_one(world: World) -> None:
    world.ask(world.user("alice", deny("*")), every_caller=True)
    with pytest.raises(ServiceError) as refused:
        world.ask(None, every_caller=True, operation="sts:GetCallerIdentity")
    assert (refused.value.code, refused.value.status) == ("MissingAuthenticationToken", 403)


def test_an_unsigned_request_is_refused_where_the_operation_does_not_take_one(world: World) -> None:
    with pytest.raises(ServiceError) as refused:
        world.ask(None, LIST, operation="iam:ListUsers")
    assert (refused.value.code, refused.value.message) == (
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
    )


def test_the_anonymous_caller_is_nobody_and_owns_nothing(world: World) -> None:
    """CVE-2026-55873: an identity without an account must not collapse into the owner."""
    decided = world.decided(None, Check("s3:GetObject", "arn:aws:s3:::b/k", account=ACCOUNT), unsigned=True)
    assert decided.decision.outcome is Outcome.IMPLICIT_DENY
    decided = world.decided(None, Check("s3:ListAllMyBuckets", "arn:aws:s3:::*"), unsigned=True)
    assert decided.decision.outcome is Outcome.IMPLICIT_DENY


def test_root_needs_no_policy_in_its_account_and_has_no_right_in_another(world: World) -> None:
    decided = world.decided(world.root, LIST)
    assert decided.decision.by_root
    stranger = world.decided(world.root, Check("s3:GetObject", "arn:aws:s3:::b/k", account=OTHER))
    assert (stranger.decision.outcome, stranger.decision.layer) == (Outcome.IMPLICIT_DENY, Layer.RESOURCE)


def test_a_broken_policy_refuses_even_what_another_policy_allows(world: World) -> None:
    alice = world.user("alice", allow("*"))
    world.inline(world.user_id("alice"), '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny"', name="torn")
    refused = refusal(world, alice, LIST)
    assert "user/alice inline torn" in refused.reason
    assert refused.decisions[-1].broken == refused.reason


def test_a_boundary_that_is_gone_refuses(world: World) -> None:
    alice = world.user("alice", allow("*"), boundary=f"arn:aws:iam::{ACCOUNT}:policy/gone")
    assert "does not exist" in refusal(world, alice, LIST).reason


def test_the_reason_of_a_broken_policy_is_not_told_to_the_caller(world: World) -> None:
    alice = world.user("alice")
    world.inline(world.user_id("alice"), "secret nonsense")
    assert "nonsense" not in refusal(world, alice, LIST).message


def test_allowed_through_group_and_managed_policies_with_the_way_told(world: World) -> None:
    alice = world.user("alice")
    group = world.group("devs", "alice", allow("s3:*"))
    world.attach(group.group_id, AWS_READ_ONLY)
    decided = world.decided(alice, LIST)
    assert decided.decision.outcome is Outcome.ALLOW
    assert decided.decision.matched[0].source == f"user/alice > group/devs > {AWS_READ_ONLY}"
    assert decided.decision.matched[0].arn == AWS_READ_ONLY


def test_the_first_failing_check_of_several_is_the_one_named(world: World) -> None:
    alice = world.user("alice", allow("iam:CreateUser"))
    checks = [Check(f"iam:{name}", ALICE) for name in ("CreateUser", "TagUser", "DeleteUser")]
    with pytest.raises(Denied) as denied:
        world.ask(alice, *checks)
    assert "iam:TagUser" in denied.value.message
    assert [one.decision.outcome for one in denied.value.decisions] == [Outcome.ALLOW, Outcome.IMPLICIT_DENY]


def test_an_allowed_is_for_its_request_and_operation_alone(world: World) -> None:
    request = a_request()
    allowed = world.ask(world.root, LIST, operation="iam:ListUsers", request=request)
    assert allowed.is_for(request, "iam:ListUsers")
    assert not allowed.is_for(request, "iam:DeleteUser")
    assert not allowed.is_for(a_request(), "iam:ListUsers")


def test_a_further_requirement_is_decided_for_the_same_caller_and_heard_by_the_trail(world: World) -> None:
    allowed = world.ask(world.user("alice", allow("iam:ListUsers")), LIST)
    further = Check("iam:GetUser", ALICE)
    with world.store.view() as view:
        assert allowed.permits(view, LIST)
        assert not allowed.permits(view, further)
        assert [one.check for one in decisions_of(allowed)] == [LIST]
        with pytest.raises(Denied):
            allowed.require(view, further)
    assert [one.check for one in decisions_of(allowed)] == [LIST, further]


def test_a_changed_policy_counts_for_the_next_request(world: World) -> None:
    alice = world.user("alice", allow("iam:*"))
    world.ask(alice, LIST)
    world.inline(world.user_id("alice"), document(deny("*")))
    refusal(world, alice, LIST)


def test_what_a_transaction_saw_and_gave_up_is_never_remembered(world: World) -> None:
    alice = world.user("alice", allow("iam:ListUsers"))
    allowed = world.ask(alice, LIST)
    further = Check("iam:DeleteUser", ALICE)

    owner = world.user_id("alice")

    class GivenUpError(Exception):
        pass

    def grant_and_give_up(transaction: object) -> None:
        put_inline_policy(transaction, ACCOUNT, owner, "inline", document(allow("*")))  # type: ignore[arg-type]
        assert allowed.permits(transaction, further)  # type: ignore[arg-type]
        raise GivenUpError

    with pytest.raises(GivenUpError):
        world.change(grant_and_give_up)
    world.change(lambda transaction: transaction.advance_watermark())
    refusal(world, alice, further)
