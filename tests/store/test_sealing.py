"""The keyring: who may read it, what it opens, what it says when it cannot."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.store.interface import StoreUnavailable
from rolecall.store.sealing import KeyringUnusable, MasterKeys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring"


@given(st.binary(), st.binary())
def test_what_was_sealed_opens_under_its_name(name: bytes, value: bytes) -> None:
    keys = MasterKeys.in_memory()
    assert keys.open(name, keys.seal(name, value)) == value


def test_what_was_sealed_opens_under_no_other_name() -> None:
    keys = MasterKeys.in_memory()
    sealed = keys.seal(b"mine", b"secret")
    with pytest.raises(StoreUnavailable, match="changed or moved"):
        keys.open(b"yours", sealed)


def test_a_keyring_that_was_kept_opens_what_it_sealed(path: Path) -> None:
    sealed = MasterKeys.create(path).seal(b"name", b"secret")
    assert MasterKeys.load(path).open(b"name", sealed) == b"secret"
    assert b"secret" not in sealed


def test_a_keyring_is_readable_by_its_owner_alone_and_leaves_nothing_beside_it(path: Path) -> None:
    MasterKeys.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o601])
def test_a_keyring_that_others_may_touch_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    MasterKeys.create(path)
    path.chmod(mode)
    with pytest.raises(KeyringUnusable, match=f"chmod 600 {path}"):
        MasterKeys.load(path)


def test_a_keyring_is_never_replaced_by_a_new_one(path: Path) -> None:
    MasterKeys.create(path)
    before = path.read_bytes()
    with pytest.raises(KeyringUnusable, match="already"):
        MasterKeys.create(path)
    assert path.read_bytes() == before


def test_the_newest_key_seals_and_the_older_ones_still_open(path: Path) -> None:
    first = MasterKeys.create(path)
    old = first.seal(b"name", b"old")
    second = first.with_new_key()
    new = second.seal(b"name", b"new")
    assert (second.open(b"name", old), second.open(b"name", new)) == (b"old", b"new")
    assert [
        second.is_outdated(value) for value in (old, new, b"", b"plain text that is long enough to hold a nonce")
    ] == [
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(StoreUnavailable, match="not in the keyring"):
        first.open(b"name", new)


def test_a_keyring_that_was_replaced_is_read_again_by_who_has_it_open(path: Path) -> None:
    running = MasterKeys.create(path)
    running.with_new_key().save(path)
    changed = MasterKeys.load(path)
    assert running.open(b"name", changed.seal(b"name", b"new")) == b"new"
    changed.with_new_key().save(path)
    assert not MasterKeys.load(path).is_outdated(running.seal(b"name", b"newest"))


def test_a_keyring_that_cannot_be_read_again_leaves_what_was_read(path: Path) -> None:
    running = MasterKeys.create(path)
    sealed = running.seal(b"name", b"value")
    path.write_bytes(b"torn")
    assert running.open(b"name", running.seal(b"name", b"new")) == b"new"
    path.unlink()
    assert running.open(b"name", sealed) == b"value"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b'{"format": 1, "keys": []}',
        b'{"format": 1, "keys": [{"id": "00", "key": "AAAA"}]}',
        b'{"format": 1, "keys": [{"id": "zz", "key": "AAAA"}]}',
        b'{"format": 1}',
    ],
)
def test_a_damaged_keyring_is_refused(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyringUnusable):
        MasterKeys.load(path)


def test_a_keyring_of_a_newer_program_is_refused(path: Path) -> None:
    MasterKeys.create(path)
    ring = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**ring, "format": 2}))
    with pytest.raises(KeyringUnusable, match="newer program"):
        MasterKeys.load(path)


def test_a_missing_keyring_is_refused_with_its_path(path: Path) -> None:
    with pytest.raises(KeyringUnusable, match=str(path)):
        MasterKeys.load(path)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(60), b"plain text that was never sealed at all"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        MasterKeys.in_memory().open(b"name", sealed)
