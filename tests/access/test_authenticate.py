"""Who sent a request: the callers there are, and the keys that do not count."""

from __future__ import annotations

from dataclasses import replace

from tests.access.client import INVALID, Client, enter, opened, refused
from tests.access.world import ACCOUNT, START, World, trusting
from tests.sigv4.signer import Sent

from rolecall.access.authenticate import NOBODY, KnownCredentials
from rolecall.access.credentials import overlaid
from rolecall.directory import credentials, principals
from rolecall.directory.sessions import SessionKind
from rolecall.policy.request import PrincipalKind
from rolecall.sigv4.signature import Scheme


def test_a_user_is_known_by_its_key(world: World, alice: Client) -> None:
    for service in ("s3", "iam"):
        found = enter(world, alice.sent(service), service)
        principal = found.caller.principal
        assert principal.kind is PrincipalKind.USER
        assert principal.arn == f"arn:aws:iam::{ACCOUNT}:user/team/alice"
        assert principal.unique_id == world.user_id("alice")
        assert principal.canonical_id == ACCOUNT.zfill(64)
        assert found.caller.user is not None
        assert found.caller.key is not None
        assert found.caller.session is None
        assert found.caller.tags == {"team": "blue", "Cost": "1"}
        assert found.facts.scheme is Scheme.HEADER
        assert found.facts.region == "us-east-1"
        assert found.facts.moment == START


def test_root_is_known_by_its_key(world: World, root: Client) -> None:
    caller = enter(world, root.sent()).caller
    assert caller.principal.kind is PrincipalKind.ROOT
    assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:root"
    assert caller.user is None


def test_a_role_session_is_the_role_under_the_sessions_name(world: World) -> None:
    role = world.role("reader", trusting("*"), path="/app/", tags={"Team": "red", "stage": "test"})
    client = opened(world, SessionKind.ROLE, role.role_id, session_tags={"team": "blue"})
    caller = enter(world, client.sent()).caller
    principal = caller.principal
    assert principal.kind is PrincipalKind.ROLE_SESSION
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/work"
    assert principal.unique_id == f"{role.role_id}:work"
    assert (principal.owner_arn, principal.owner_id) == (role.arn, role.role_id)
    assert caller.role == role
    assert caller.session is not None
    assert caller.tags == {"stage": "test", "team": "blue"}


def test_a_user_with_a_session_token_stays_the_user(world: World, alice: Client) -> None:
    user_id = world.user_id("alice")
    caller = enter(world, opened(world, SessionKind.SESSION_TOKEN, user_id).sent("sts"), "sts").caller
    assert caller.principal.kind is PrincipalKind.USER
    assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/team/alice"
    assert caller.principal.unique_id == user_id
    assert caller.session is not None
    assert caller.user is not None


def test_root_with_a_session_token_stays_root(world: World) -> None:
    caller = enter(world, opened(world, SessionKind.SESSION_TOKEN, "").sent()).caller
    assert caller.principal.kind is PrincipalKind.ROOT
    assert caller.session is not None


def test_a_federated_user_acts_for_the_user_who_made_it(world: World, alice: Client) -> None:
    user_id = world.user_id("alice")
    client = opened(world, SessionKind.FEDERATION, user_id, name="guest", session_tags={"TEAM": "green"})
    caller = enter(world, client.sent()).caller
    principal = caller.principal
    assert principal.kind is PrincipalKind.FEDERATED_USER
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    assert principal.unique_id == f"{ACCOUNT}:guest"
    assert (principal.owner_arn, principal.owner_id) == (f"arn:aws:iam::{ACCOUNT}:user/team/alice", user_id)
    assert caller.user is not None
    assert caller.tags == {"Cost": "1", "TEAM": "green"}


def test_what_is_not_signed_comes_from_nobody(world: World) -> None:
    found = enter(world, Sent("GET", "/bucket/key", "", (("host", "h"),)))
    assert found.caller is NOBODY
    assert found.caller.is_anonymous
    assert found.facts.scheme is None


def test_a_presigned_request_comes_from_whoever_signed_it(world: World, alice: Client) -> None:
    found = enter(world, alice.signer().presign("GET", "/bucket/key"))
    assert found.caller.user is not None
    assert found.facts.scheme is Scheme.QUERY
    assert not found.facts.payload, "what the key s3:x-amz-content-sha256 holds is the header alone"


def test_tags_are_overlaid_without_regard_to_case() -> None:
    assert overlaid({"Team": "a", "x": "1"}, {"team": "b"}) == {"x": "1", "team": "b"}


def test_no_tag_hides_another_that_policies_know_by_another_name() -> None:
    """`acce\u017f\u017f` is `access` to a wide folding, but no condition key is: a passed tag took the role's own away."""
    tags = {"access": "low", "stra\u00dfe": "1"}
    assert overlaid(tags, {"acce\u017f\u017f": "x", "strasse": "2"}).items() >= tags.items()


NO_KEY = "The AWS Access Key Id you provided does not exist in our records."


def expect_unknown(world: World, client: Client) -> None:
    found = refused(world, client.sent())
    assert (found.code, found.status, found.message) == ("InvalidAccessKeyId", 403, NO_KEY)
    assert found.fields == {"AWSAccessKeyId": client.access_key_id}
    for service in ("iam", "sts"):
        found = refused(world, client.sent(service), service)
        assert (found.code, found.status, found.message) == ("InvalidClientTokenId", 403, INVALID)


def test_an_unknown_key_is_refused(world: World) -> None:
    expect_unknown(world, Client(world, "AKIAUNKNOWN234567ABC"))


def test_an_inactive_key_is_refused_at_once(world: World, alice: Client) -> None:
    enter(world, alice.sent())
    key = _key(world, alice)
    world.change(lambda transaction: credentials.set_status(transaction, key, "Inactive"))
    expect_unknown(world, alice)
    world.change(lambda transaction: credentials.set_status(transaction, key, "Active"))
    enter(world, alice.sent())


def test_a_deleted_key_is_refused_at_once(world: World, alice: Client) -> None:
    enter(world, alice.sent())
    key = _key(world, alice)
    world.change(lambda transaction: credentials.delete_access_key(transaction, key))
    expect_unknown(world, alice)


def test_a_key_whose_user_is_gone_is_refused(world: World, alice: Client) -> None:
    enter(world, alice.sent())
    with world.store.view() as view:
        user = principals.user_named(view, ACCOUNT, "alice")
    assert user is not None
    world.change(lambda transaction: principals.USERS.remove(transaction, user))
    expect_unknown(world, alice)


def test_a_key_without_a_secret_verifies_nothing(world: World, alice: Client) -> None:
    """minio 4c71f1b4e: no stored key meant accepted."""
    secret_key = credentials.pack("access-key-secret", alice.access_key_id)
    for change in (
        lambda transaction: transaction.put_secret(secret_key, b""),
        lambda transaction: transaction.delete(secret_key),
    ):
        world.change(change)
        world.change(lambda transaction: transaction.advance_watermark())
        expect_unknown(world, replace(alice, secret=""))
        expect_unknown(world, replace(alice, secret="None"))


def test_a_temporary_key_without_its_token_is_refused(world: World, alice: Client) -> None:
    client = opened(world, SessionKind.SESSION_TOKEN, world.user_id("alice"))
    expect_unknown(world, replace(client, token=None))


def _key(world: World, client: Client) -> credentials.AccessKey:
    with world.store.view() as view:
        key = credentials.access_key(view, client.access_key_id)
    assert key is not None
    return key


def test_a_key_is_looked_for_before_its_signature_is_judged(world: World, alice: Client) -> None:
    sent = replace(alice, access_key_id="AKIAUNKNOWN234567ABC").sent().tampered()
    assert refused(world, sent).code == "InvalidAccessKeyId"


def test_what_is_remembered_is_forgotten_with_the_next_change(world: World, alice: Client) -> None:
    known = KnownCredentials()
    with world.store.view() as view:
        first = known.find(view, alice.access_key_id, None, START)
        assert known.find(view, alice.access_key_id, None, START) is first
    world.user("bob")
    with world.store.view() as view:
        assert known.find(view, alice.access_key_id, None, START) is not first


def test_client_text_in_a_refusal_is_text(world: World, alice: Client) -> None:
    """What is no character must not reach an answer's encoder: it would turn a refusal into a failure."""
    sent = replace(alice.signer().presign("GET", "/bucket/key"), query="")
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%FF%FE/20261124/x/s3/aws4_request&X-Amz-Signature=%ED%A0%80"
    )
    query += "&X-Amz-Date=20261124T120000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=60"
    found = refused(world, replace(sent, query=query))
    assert found.code == "InvalidAccessKeyId"
    for text in (found.message, *found.fields.values()):
        text.encode()
