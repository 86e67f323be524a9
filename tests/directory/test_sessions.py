from __future__ import annotations

import base64
import secrets
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.directory.conftest import ACCOUNT, NOW

from rolecall.directory.sessions import (
    KEPT_AFTER,
    KEY_LIFE,
    MAX_TOKEN,
    Session,
    SessionKey,
    SessionKeys,
    SessionKind,
    TokenInvalid,
    TokenTooLarge,
    draw_session_id,
    ensure_session_keys,
    forget_expired_revocations,
    is_revoked,
    issue,
    open_token,
    packed_percent,
    replace_session_keys,
    revoke,
    rotate,
    session_keys,
)
from rolecall.identifiers import account_of_key
from rolecall.store.interface import StoreUnavailable
from rolecall.store.sqlite import SqliteStore


def a_session(**more: object) -> Session:
    session_id, access_key_id = draw_session_id(ACCOUNT)
    said: dict[str, object] = {
        "kind": SessionKind.ROLE,
        "account": ACCOUNT,
        "owner_id": "AROAX",
        "session_id": session_id,
        "access_key_id": access_key_id,
        "issued": NOW,
        "expires": NOW + timedelta(hours=1),
        "name": "s",
    }
    return Session(**{**said, **more})  # type: ignore[arg-type]


def a_ring() -> SessionKeys:
    key = SessionKey(b"0001", NOW, secrets.token_bytes(32))
    return SessionKeys(key, {key.number: key})


FULL = a_session(
    policies=('{"Statement":[]}',),
    policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    session_tags={"Team": "red"},
    transitive=("Team",),
    source_identity="alice",
    mfa_at=NOW,
    chained=True,
    provider="arn:aws:iam::1:saml-provider/x",
    provider_context={"saml:sub": "x", "saml:cn": ("a", "b")},
)


def test_a_token_holds_its_session_whole() -> None:
    ring = a_ring()
    issued = issue(ring, FULL)
    assert open_token(ring, issued.token) == (FULL, issued.secret)
    assert issued.access_key_id == FULL.access_key_id
    assert len(issued.secret) == 40


def test_a_drawn_id_names_its_account_and_no_two_are_equal() -> None:
    drawn = [draw_session_id(ACCOUNT) for _ in range(100)]
    assert {account_of_key(access_key_id) for _, access_key_id in drawn} == {ACCOUNT}
    assert len({session_id for session_id, _ in drawn}) == 100
    assert all(access_key_id.startswith("ASIA") for _, access_key_id in drawn)


def test_every_session_has_a_secret_of_its_own() -> None:
    ring = a_ring()
    assert issue(ring, a_session()).secret != issue(ring, a_session()).secret


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_token_with_one_bit_changed_does_not_open(position: int, bit: int) -> None:
    """GHSA-ccrv-v8v9-ch9q: whoever can write a token is whoever they like."""
    ring = RING
    sealed = bytearray(base64.b64decode(TOKEN))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(TokenInvalid):
        open_token(ring, base64.b64encode(bytes(sealed)).decode())


RING = a_ring()
TOKEN = issue(RING, FULL).token


@pytest.mark.parametrize(
    "token",
    ["", "x", "AAAA", "not base64 !", TOKEN[:-4], TOKEN + "AAAA", " " + TOKEN, TOKEN + "\n", "é" + TOKEN, TOKEN * 20,
     "Ag" + TOKEN[2:]],
)  # fmt: skip
def test_what_was_not_sealed_here_does_not_open(token: str) -> None:
    """minio/minio#13335: any token that is present must verify."""
    with pytest.raises(TokenInvalid):
        open_token(RING, token)


def test_a_token_of_another_ring_does_not_open() -> None:
    other = SessionKey(b"0001", NOW, secrets.token_bytes(32))
    with pytest.raises(TokenInvalid):
        open_token(SessionKeys(other, {other.number: other}), TOKEN)


def test_a_token_never_grows_beyond_its_cap() -> None:
    ring = a_ring()
    text = base64.b64encode(secrets.token_bytes(1900)).decode()[:2048]
    fits = a_session(policies=(text,), name="n" * 64, source_identity="s" * 64, provider="p" * 200)
    assert 0 < packed_percent(fits) <= 100
    assert len(issue(ring, fits).token) <= MAX_TOKEN


def test_too_much_to_pack_is_above_a_hundred_percent() -> None:
    tags = {secrets.token_hex(60): secrets.token_hex(120) for _ in range(50)}
    large = a_session(session_tags=tags)
    assert packed_percent(large) > 100
    with pytest.raises(TokenTooLarge):
        issue(a_ring(), large)


@given(
    st.dictionaries(st.text(min_size=1, max_size=128), st.text(max_size=256), max_size=50),
    st.lists(st.text(max_size=2048), max_size=1),
)
def test_what_packs_within_the_allowance_can_be_issued(tags: dict[str, str], policies: list[str]) -> None:
    session = a_session(session_tags=tags, policies=tuple(policies))
    if packed_percent(session) <= 100:
        token = issue(RING, session).token
        assert len(token) <= MAX_TOKEN
        assert open_token(RING, token)[0] == session
    else:
        assert tags or policies


def test_nothing_to_pack_is_zero_percent_and_something_at_least_one() -> None:
    assert packed_percent(a_session()) == 0
    assert packed_percent(a_session(session_tags={"a": "b"})) >= 1


def test_a_store_without_session_keys_gives_none(store: SqliteStore) -> None:
    with store.view() as view, pytest.raises(StoreUnavailable):
        session_keys(view)


def test_tokens_open_across_a_rotation_until_no_session_can_be_left(store: SqliteStore) -> None:
    store.write_now(lambda transaction: ensure_session_keys(transaction, NOW))
    with store.view() as view:
        first = session_keys(view)
    token = issue(first, FULL).token

    retired = NOW + KEY_LIFE
    store.write_now(lambda transaction: ensure_session_keys(transaction, retired))
    with store.view() as view:
        second = session_keys(view)
    assert second.newest.number != first.newest.number
    assert open_token(second, token)[0] == FULL

    store.write_now(lambda transaction: rotate(transaction, retired + KEPT_AFTER - timedelta(minutes=1)))
    with store.view() as view:
        assert open_token(session_keys(view), token)[0] == FULL

    store.write_now(lambda transaction: rotate(transaction, retired + KEPT_AFTER))
    with store.view() as view, pytest.raises(TokenInvalid):
        open_token(session_keys(view), token)


def test_a_young_key_is_not_rotated(store: SqliteStore) -> None:
    store.write_now(lambda transaction: ensure_session_keys(transaction, NOW))
    with store.view() as view:
        before = view.watermark()
    store.write_now(lambda transaction: ensure_session_keys(transaction, NOW + KEY_LIFE - timedelta(seconds=1)))
    with store.view() as view:
        assert view.watermark() == before


def test_a_new_ring_kills_every_session(store: SqliteStore) -> None:
    store.write_now(lambda transaction: ensure_session_keys(transaction, NOW))
    with store.view() as view:
        token = issue(session_keys(view), FULL).token
    store.write_now(lambda transaction: replace_session_keys(transaction, NOW))
    with store.view() as view, pytest.raises(TokenInvalid):
        open_token(session_keys(view), token)


def test_no_session_key_lies_in_the_store_in_clear(store: SqliteStore) -> None:
    """GHSA-m77q-r63m-pj89: keys of sessions are of their own, drawn, and sealed."""
    store.write_now(lambda transaction: ensure_session_keys(transaction, NOW))
    with store.view() as view:
        number = session_keys(view).newest.number
        key = view.get_secret(b"session-key\x00\x01" + number.replace(b"\x00", b"\x00\xff") + b"\x00\x01")
    assert key is not None
    assert len(key) == 32
    assert all(key not in entry.value for entry in store.long_scan(b""))


def test_a_revoked_session_is_known_for_a_week_longer_than_it_could_live(store: SqliteStore) -> None:
    dead, other = a_session().session_id, a_session().session_id
    store.write_now(lambda transaction: revoke(transaction, dead, NOW + timedelta(hours=1)))
    with store.view() as view:
        assert is_revoked(view, dead)
        assert not is_revoked(view, other)
    assert store.write_now(lambda transaction: forget_expired_revocations(transaction, NOW + timedelta(days=7))) == 0
    assert (
        store.write_now(lambda transaction: forget_expired_revocations(transaction, NOW + timedelta(days=7, hours=2)))
        == 1
    )
    with store.view() as view:
        assert not is_revoked(view, dead)


def test_fields_of_a_token_are_added_at_the_end() -> None:
    """A token is sealed by position: a field moved or taken out would give old tokens another meaning."""
    assert [field.name for field in msgspec.structs.fields(Session)] == [
        "kind", "account", "owner_id", "session_id", "access_key_id", "issued", "expires", "name", "policies",
        "policy_arns", "session_tags", "transitive", "source_identity", "mfa_at", "chained", "provider",
        "provider_context", "padding",
    ]  # fmt: skip
