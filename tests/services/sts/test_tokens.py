"""GetSessionToken, GetFederationToken, GetCallerIdentity, GetAccessKeyInfo, and what is not built yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.access.world import ACCOUNT, START, Credentials, World, allow, deny, document, trusting

from rolecall.access.check import Check
from rolecall.message import ServiceError
from rolecall.policy.decide import Layer, Outcome
from rolecall.policy.request import PrincipalKind
from rolecall.services.sts import operations


def call(world: World, who: Credentials | None, operation: str, /, **more: Any) -> dict[str, Any]:
    return world.call(operations, who, operation, **more)


def refused(world: World, who: Credentials | None, operation: str, /, **more: Any) -> tuple[str, str, int]:
    with pytest.raises(ServiceError) as error:
        call(world, who, operation, **more)
    return error.value.code, error.value.message, error.value.status


def may(world: World, who: Credentials, action: str, operation: str = "test:Operation") -> bool:
    return world.decided(who, Check(action), operation=operation).decision.outcome is Outcome.ALLOW


# GetSessionToken


def test_a_session_token_has_the_users_rights_and_no_policy_has_a_say_in_getting_it(world: World) -> None:
    alice = world.user("alice", allow("s3:*"), deny("sts:*"))
    answer = call(world, alice, "GetSessionToken")
    assert answer["credentials"]["expiration"] == START + timedelta(hours=12)
    session = Credentials.of(answer)
    caller = world.caller(session)
    assert caller.principal == world.caller(alice).principal
    assert may(world, session, "s3:ListAllMyBuckets")
    assert not may(world, session, "iam:ListUsers")


def test_a_session_token_without_mfa_cannot_call_iam(world: World) -> None:
    session = Credentials.of(call(world, world.user("alice", allow("*")), "GetSessionToken"))
    with pytest.raises(ServiceError) as error:
        world.ask(session, Check("iam:ListUsers"), operation="iam:ListUsers")
    assert (error.value.code, error.value.status) == ("InvalidClientTokenId", 403)


def test_a_session_token_gets_no_further_token_but_may_assume_a_role(world: World) -> None:
    alice = world.user("alice", allow("*"))
    world.role("R", trusting({"AWS": world.user_id("alice")}))
    session = Credentials.of(call(world, alice, "GetSessionToken"))
    for name, more in (("GetSessionToken", {}), ("GetFederationToken", {"name": "bob"})):
        assert refused(world, session, name, **more) == (
            "AccessDenied",
            f"Cannot call {name} with session credentials",
            403,
        )
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/R"
    assert call(world, session, "AssumeRole", role_arn=role_arn, role_session_name="from-session")


@pytest.mark.parametrize("wanted", [None, 129600])
def test_roots_sessions_last_an_hour_at_most(world: World, wanted: int | None) -> None:
    for name, more in (("GetSessionToken", {}), ("GetFederationToken", {"name": "bob"})):
        answer = call(world, world.root, name, duration_seconds=wanted, **more)
        assert answer["credentials"]["expiration"] == START + timedelta(hours=1)


# GetFederationToken


def test_a_federated_user_may_what_both_user_and_session_policy_allow(world: World) -> None:
    alice = world.user("alice", allow(["s3:*", "sts:GetFederationToken"]))
    answer = call(world, alice, "GetFederationToken", name="bob", policy=document(allow(["s3:List*", "iam:*"])))
    assert answer["federated_user"] == {
        "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
        "federated_user_id": f"{ACCOUNT}:bob",
    }
    session = Credentials.of(answer)
    assert world.caller(session).principal.kind is PrincipalKind.FEDERATED_USER
    assert may(world, session, "s3:ListAllMyBuckets")
    assert not may(world, session, "s3:CreateBucket")
    assert not may(world, session, "iam:ListUsers")


def test_a_federated_user_without_a_session_policy_may_nothing(world: World) -> None:
    """CVE-2024-24747, from the other side: a child credential is never more than what it was given."""
    session = Credentials.of(call(world, world.user("alice", allow("*")), "GetFederationToken", name="bob"))
    decided = world.decided(session, Check("s3:ListAllMyBuckets"))
    assert (decided.decision.outcome, decided.decision.layer) == (Outcome.IMPLICIT_DENY, Layer.SESSION)


def test_roots_federated_user_may_what_the_session_policy_allows(world: World) -> None:
    answer = call(world, world.root, "GetFederationToken", name="bob", policy=document(allow("s3:*")))
    session = Credentials.of(answer)
    assert may(world, session, "s3:ListAllMyBuckets")
    assert not may(world, session, "iam:ListUsers")


def test_federation_needs_the_right_on_the_federated_users_arn(world: World) -> None:
    alice = world.user("alice", allow("sts:GetFederationToken", f"arn:aws:sts::{ACCOUNT}:federated-user/bob"))
    assert call(world, alice, "GetFederationToken", name="bob")
    eve = f"arn:aws:sts::{ACCOUNT}:federated-user/eve"
    assert refused(world, alice, "GetFederationToken", name="eve") == (
        "AccessDenied",
        (
            f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: sts:GetFederationToken on resource:"
            f" {eve} because no identity-based policy allows the sts:GetFederationToken action"
        ),
        403,
    )


def test_federation_with_tags_needs_tag_session_and_overlays_the_users_tags(world: World) -> None:
    tags = [{"key": "Team", "value": "blue"}]
    alice = world.user("alice", allow("sts:GetFederationToken"), tags={"team": "red", "level": "3"})
    assert "sts:TagSession" in refused(world, alice, "GetFederationToken", name="bob", tags=tags)[1]
    world.inline(world.user_id("alice"), document(allow("sts:TagSession")), name="tags")
    session = Credentials.of(call(world, alice, "GetFederationToken", name="bob", tags=tags))
    assert dict(world.caller(session).tags) == {"level": "3", "Team": "blue"}


def test_a_federated_user_may_call_nothing_of_sts_but_who_am_i(world: World) -> None:
    session = Credentials.of(
        call(world, world.user("alice", allow("*")), "GetFederationToken", name="bob", policy=document(allow("*")))
    )
    assert call(world, session, "GetCallerIdentity")["arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/R"
    assert refused(world, session, "AssumeRole", role_arn=role_arn, role_session_name="s1")[0] == "AccessDenied"
    with pytest.raises(ServiceError) as error:
        world.ask(session, Check("iam:ListUsers"), operation="iam:ListUsers")
    assert error.value.code == "InvalidClientTokenId"


def test_a_federated_user_named_like_another_user_has_nothing_of_that_user(world: World) -> None:
    """CVE-2026-43001: a credential made for somebody else's scope."""
    world.user("admin", allow("*"), tags={"level": "9"})
    alice = world.user("alice", allow("sts:GetFederationToken"), tags={"level": "1"})
    answer = call(world, alice, "GetFederationToken", name="admin", policy=document(allow("*")))
    session = Credentials.of(answer)
    caller = world.caller(session)
    assert caller.user is not None
    assert (caller.user.name, caller.tags["level"]) == ("alice", "1")
    assert not may(world, session, "s3:ListAllMyBuckets")


def test_a_child_credential_cannot_lift_its_own_limits(world: World) -> None:
    """CVE-2024-24747: an access key edited itself and inherited more."""
    alice = world.user("alice", allow("*"))
    answer = call(world, alice, "GetFederationToken", name="bob", policy=document(allow("s3:GetObject")))
    session = Credentials.of(answer)
    for action in ("iam:PutUserPolicy", "iam:CreateAccessKey", "iam:AttachUserPolicy", "sts:GetFederationToken"):
        decided = world.decided(session, Check(action, f"arn:aws:iam::{ACCOUNT}:user/alice"))
        assert (decided.decision.outcome, decided.decision.layer) == (Outcome.IMPLICIT_DENY, Layer.SESSION)


def test_a_duplicate_tag_is_refused(world: World) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "A", "value": "2"}]
    refusal = refused(world, world.user("alice", allow("*")), "GetFederationToken", name="bob", tags=tags)
    assert refusal[0] == "InvalidParameterValue"


# Who am I


def test_everybody_is_told_who_they_are_whatever_policies_say(world: World) -> None:
    alice = world.user("alice", deny("*"), path="/team/")
    role = world.role("R", trusting({"AWS": "*"}), deny("*"), path="/team/")
    bob = world.user("bob")
    session = Credentials.of(call(world, bob, "AssumeRole", role_arn=role.arn, role_session_name="work"))
    told = {who: call(world, who, "GetCallerIdentity") for who in (world.root, alice, session)}
    assert told[world.root] == {"user_id": ACCOUNT, "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"}
    assert told[alice] == {
        "user_id": world.user_id("alice"),
        "account": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/team/alice",
    }
    assert told[session] == {
        "user_id": f"{role.role_id}:work",
        "account": ACCOUNT,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/R/work",
    }


def test_the_anonymous_caller_is_nobody_to_be_told_about(world: World) -> None:
    assert refused(world, None, "GetCallerIdentity")[0] == "MissingAuthenticationToken"


def test_an_access_keys_account_is_told_to_those_who_may_ask(world: World) -> None:
    alice = world.user("alice", allow("sts:GetAccessKeyInfo"))
    session = Credentials.of(call(world, alice, "GetSessionToken"))
    for key in (alice.access_key_id, session.access_key_id):
        told = call(world, world.root, "GetAccessKeyInfo", access_key_id=key)
        assert told == {"account": ACCOUNT}
    assert call(world, alice, "GetAccessKeyInfo", access_key_id=session.access_key_id)
    assert refused(world, world.root, "GetAccessKeyInfo", access_key_id="AKIAIOSFODNN7EXAMPLE")[2] == 403
    bob = world.user("bob")
    message = refused(world, bob, "GetAccessKeyInfo", access_key_id=alice.access_key_id)[1]
    assert "sts:GetAccessKeyInfo on resource: * because no identity-based policy" in message


# Not built yet


def test_every_operation_of_the_model_is_declared() -> None:
    assert operations.missing() == []


@pytest.mark.parametrize("name", ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"])
def test_federated_calls_say_that_they_are_not_built_and_issue_nothing(world: World, name: str) -> None:
    for who in (None, world.root):
        assert refused(world, who, name)[::2] == ("NotImplemented", 501)


@pytest.mark.parametrize("name", ["GetDelegatedAccessToken", "GetWebIdentityToken", "GetScopedCredentials"])
def test_unbuilt_operations_are_authorized_all_the_same(world: World, name: str) -> None:
    assert refused(world, world.user("alice"), name)[0] == "AccessDenied"
