"""Sealing of secrets at rest: AES-256-GCM under keys that live in a file beside the store, never in it."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rolecall.files import Files, RealFiles, write_whole
from rolecall.store.interface import StoreError, StoreUnavailable

_State = tuple[int, int]

_FORMAT = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD = 1 + _ID_BYTES + _NONCE_BYTES


class KeyringUnusable(StoreError):
    """The key file is missing, unreadable or open to others; the text says what to do."""


class _Key(msgspec.Struct, frozen=True):
    id: str
    key: bytes


class _Keyring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    keys: tuple[_Key, ...]


class MasterKeys:
    """The keys that secrets are sealed under. The newest seals; every one of them opens."""

    def __init__(self, keys: tuple[tuple[bytes, bytes], ...]) -> None:
        """Take pairs of id (8 bytes) and key (32 bytes), the newest last."""
        if not keys or any(len(name) != _ID_BYTES or len(key) != 32 for name, key in keys):
            raise KeyringUnusable("A keyring holds one key of 32 bytes with an id of 8 at least.")
        self._path: Path | None = None
        self._state: _State | None = None
        self._ring = _Ring(keys)

    @classmethod
    def in_memory(cls) -> MasterKeys:
        """Draw a keyring that is kept nowhere."""
        return cls((_new_key(),))

    @classmethod
    def create(cls, path: Path, files: Files | None = None) -> MasterKeys:
        """Draw a keyring and keep it in `path`, durably, with mode 0600. Raises KeyringUnusable if there is one."""
        if path.exists():
            raise KeyringUnusable(f"There is a keyring in `{path}` already.")
        cls.in_memory().save(path, files)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> MasterKeys:
        """Read the keyring in `path`, now and whenever it was replaced since. Raises KeyringUnusable."""
        state = _state_of(path)
        loaded = cls(_read(path))
        loaded._path, loaded._state = path, state
        return loaded

    def save(self, path: Path, files: Files | None = None) -> None:
        """Put the keyring into `path`, durably, with mode 0600, or leave the file as it was."""
        ring = _Keyring(format=1, keys=tuple(_Key(name.hex(), key) for name, key in self._ring.keys))
        try:
            write_whole(files or RealFiles(), path, msgspec.json.encode(ring) + b"\n")
        except OSError as error:
            raise KeyringUnusable(f"The keyring `{path}` cannot be written: {error.strerror}.") from error

    def with_new_key(self) -> MasterKeys:
        """Return a keyring that opens all this one opens and seals under a key drawn now."""
        return MasterKeys((*self._ring.keys, _new_key()))

    def newest_alone(self) -> MasterKeys:
        """Return a keyring with nothing but the key that seals now."""
        return MasterKeys(self._ring.keys[-1:])

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of the keys, the newest last."""
        return tuple(self._ring.ciphers)

    def is_outdated(self, value: bytes) -> bool:
        """Tell whether a value is sealed under one of these keys and not under the newest; other values are not."""
        name = value[1 : 1 + _ID_BYTES]
        return len(value) >= _HEAD and value[:1] == _FORMAT and name in self._ring.ciphers and name != self._ring.newest

    def seal(self, name: bytes, value: bytes) -> bytes:
        """Return `value` sealed so that it opens under `name` only, under the newest key that the file holds now."""
        self._look_again()
        ring, nonce = self._ring, secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + ring.newest + nonce + ring.ciphers[ring.newest].encrypt(nonce, value, name)

    def open(self, name: bytes, sealed: bytes) -> bytes:
        """Return what was sealed under `name`.

        Raises StoreUnavailable where the key is not in this ring, or the value was changed or belongs elsewhere.
        """
        if len(sealed) < _HEAD or sealed[:1] != _FORMAT:
            raise StoreUnavailable("A secret in the store is not in a form this program knows.")
        cipher = self._ring.ciphers.get(sealed[1 : 1 + _ID_BYTES])
        if cipher is None:
            self._look_again()
            cipher = self._ring.ciphers.get(sealed[1 : 1 + _ID_BYTES])
        if cipher is None:
            raise StoreUnavailable(
                "A secret in the store was sealed under a key that is not in the keyring: put the keyring file back"
                " that belongs to this data folder."
            )
        try:
            return cipher.decrypt(sealed[1 + _ID_BYTES : _HEAD], sealed[_HEAD:], name)
        except InvalidTag:
            raise StoreUnavailable("A secret in the store was changed or moved, and does not open.") from None

    def _look_again(self) -> None:
        """Read the file again if another program has changed it; what it cannot be read as leaves the ring as it is."""
        if self._path is None or (state := _state_of(self._path)) == self._state:
            return
        with suppress(KeyringUnusable):
            self._ring = _Ring(_read(self._path))
            self._state = state


class _Ring:
    """The keys of one state of the file."""

    __slots__ = ("ciphers", "keys", "newest")

    def __init__(self, keys: tuple[tuple[bytes, bytes], ...]) -> None:
        self.keys = keys
        self.ciphers = {name: AESGCM(key) for name, key in keys}
        self.newest = keys[-1][0]


def _read(path: Path) -> tuple[tuple[bytes, bytes], ...]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise KeyringUnusable(
                    f"The keyring `{path}` is open to others (mode {mode:04o}): run `chmod 600 {path}` and ask"
                    " yourself who may have read it."
                )
            text = file.read()
    except OSError as error:
        raise KeyringUnusable(f"The keyring `{path}` cannot be read: {error.strerror}.") from error
    try:
        ring = msgspec.json.decode(text, type=_Keyring)
        if ring.format != 1:
            raise KeyringUnusable(f"The keyring `{path}` was written by a newer program (format {ring.format}).")
        return tuple((bytes.fromhex(key.id), key.key) for key in ring.keys)
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyringUnusable(f"The keyring `{path}` is damaged: {error}") from error


def _state_of(path: Path) -> _State | None:
    """Return what changes when a file is replaced, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _new_key() -> tuple[bytes, bytes]:
    return secrets.token_bytes(_ID_BYTES), secrets.token_bytes(32)
