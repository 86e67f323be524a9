"""Session tokens: which open, for how long, and what ends them early."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.access.client import INVALID, SECRET, Client, enter, opened, refused
from tests.access.world import ACCOUNT, START, World, trusting

from rolecall.directory import principals, sessions
from rolecall.directory.sessions import SessionKind

BAD_TOKEN = "The provided token is malformed or otherwise invalid."


def expect_bad_token(world: World, client: Client) -> None:
    found = refused(world, client.sent())
    assert (found.code, found.status, found.message) == ("InvalidToken", 400, BAD_TOKEN)
    assert found.fields == {"Token-0": client.token}
    for service in ("iam", "sts"):
        found = refused(world, client.sent(service), service)
        assert (found.code, found.status, found.message) == ("InvalidClientTokenId", 403, INVALID)


@pytest.fixture
def session(world: World) -> Client:
    role = world.role("reader", trusting("*"))
    return opened(world, SessionKind.ROLE, role.role_id)


@pytest.mark.parametrize("token", ["", "garbage", "x" * 5000, base64.b64encode(b"\x01" + bytes(100)).decode()])
def test_any_token_that_is_present_must_verify(world: World, alice: Client, root: Client, token: str) -> None:
    """minio/minio#13335: a root request with an invalid security token was accepted."""
    for client in (alice, root):
        expect_bad_token(world, replace(client, token=token))


def test_a_token_is_none_of_a_long_term_key(world: World, alice: Client, session: Client) -> None:
    expect_bad_token(world, replace(alice, token=session.token))


def test_a_token_of_another_session_is_refused(world: World, session: Client) -> None:
    with world.store.view() as view:
        role = principals.role_named(view, ACCOUNT, "reader")
    assert role is not None
    other = opened(world, SessionKind.ROLE, role.role_id)
    expect_bad_token(world, replace(session, token=other.token))


def test_a_token_changed_anywhere_is_refused(world: World, session: Client) -> None:
    """GHSA-ccrv-v8v9-ch9q: a principal signed its own session token."""
    sealed = bytearray(base64.b64decode(session.token or ""))
    for position in range(0, len(sealed), 7):
        changed = bytes(sealed[:position]) + bytes([sealed[position] ^ 1]) + bytes(sealed[position + 1 :])
        expect_bad_token(world, replace(session, token=base64.b64encode(changed).decode()))


def test_a_token_of_another_server_is_refused(world: World, session: Client) -> None:
    """GHSA-m77q-r63m-pj89: session keys came from a secret that others knew."""
    world.change(lambda transaction: sessions.replace_session_keys(transaction, START))
    expect_bad_token(world, session)


def test_a_token_opens_while_its_key_is_kept(world: World, session: Client) -> None:
    world.change(lambda transaction: sessions.rotate(transaction, START + timedelta(minutes=1)))
    enter(world, session.sent())


def test_a_revoked_session_ends_at_once(world: World, session: Client) -> None:
    caller = enter(world, session.sent()).caller
    assert caller.session is not None
    session_id, until = caller.session.session_id, caller.session.expires
    world.change(lambda transaction: sessions.revoke(transaction, session_id, until))
    expect_bad_token(world, session)


def test_the_secret_of_a_session_is_its_own(world: World, session: Client) -> None:
    for secret in (SECRET, "", session.secret[:-1] + "x"):
        assert refused(world, replace(session, secret=secret).sent()).code == "SignatureDoesNotMatch"


def test_a_session_ends_when_its_time_is_over(world: World, session: Client) -> None:
    """GHSA-ccrv-v8v9-ch9q: the end of a session was not asked for."""
    world.wait(minutes=59, seconds=59)
    enter(world, session.sent())
    world.wait(seconds=1)
    found = refused(world, session.sent())
    assert (found.code, found.status, found.message) == ("ExpiredToken", 400, "The provided token has expired.")
    found = refused(world, session.sent("sts"), "sts")
    assert (found.code, found.status) == ("ExpiredToken", 403)
    assert found.message == "The security token included in the request is expired"


def test_a_presigned_request_ends_with_its_session(world: World, session: Client) -> None:
    """OpenStack bug 1872737: a signed request that never expired."""
    sent = session.signer().presign("GET", "/bucket/key", expires=7200)
    enter(world, sent)
    world.wait(minutes=61)
    assert refused(world, sent).code == "ExpiredToken"


def test_a_session_dies_with_its_role(world: World, session: Client) -> None:
    enter(world, session.sent())
    with world.store.view() as view:
        role = principals.role_named(view, ACCOUNT, "reader")
    assert role is not None
    world.change(lambda transaction: principals.ROLES.remove(transaction, role))
    assert refused(world, session.sent()).code == "InvalidAccessKeyId"
    assert refused(world, session.sent("sts"), "sts").code == "InvalidClientTokenId"


def test_a_new_role_of_the_same_name_is_another_role(world: World, session: Client) -> None:
    with world.store.view() as view:
        role = principals.role_named(view, ACCOUNT, "reader")
    assert role is not None
    world.change(lambda transaction: principals.ROLES.remove(transaction, role))
    world.role("reader", trusting("*"))
    assert refused(world, session.sent()).code == "InvalidAccessKeyId"


def test_a_session_follows_its_users_new_name_and_tags(world: World, alice: Client) -> None:
    client = opened(world, SessionKind.SESSION_TOKEN, world.user_id("alice"))
    enter(world, client.sent())
    with world.store.view() as view:
        user = principals.user_named(view, ACCOUNT, "alice")
    assert user is not None
    renamed = principals.User(user_id=user.user_id, account=ACCOUNT, name="alicia", created=START, tags={"team": "red"})
    world.change(lambda transaction: principals.USERS.replace(transaction, user, renamed))
    caller = enter(world, client.sent()).caller
    assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/alicia"
    assert caller.tags == {"team": "red"}
