"""Sealing of secrets at rest: AES-256-GCM under keys that live in a file beside the store, never in it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rolecall.files import Files, RealFiles, write_whole
from rolecall.store.interface import StoreError, StoreUnavailable

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
        self._keys = keys
        self._ciphers = {name: AESGCM(key) for name, key in keys}
        self._newest = keys[-1][0]

    @classmethod
    def in_memory(cls) -> MasterKeys:
        """Draw a keyring that is kept nowhere."""
        return cls((_new_key(),))

    @classmethod
    def create(cls, path: Path, files: Files | None = None) -> MasterKeys:
        """Draw a keyring and keep it in `path`, durably, with mode 0600. Raises KeyringUnusable if there is one."""
        if path.exists():
            raise KeyringUnusable(f"There is a keyring in `{path}` already.")
        drawn = cls.in_memory()
        drawn.save(path, files)
        return drawn

    @classmethod
    def load(cls, path: Path) -> MasterKeys:
        """Read the keyring in `path`. Raises KeyringUnusable."""
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
            return cls(tuple((bytes.fromhex(key.id), key.key) for key in ring.keys))
        except (msgspec.MsgspecError, ValueError) as error:
            raise KeyringUnusable(f"The keyring `{path}` is damaged: {error}") from error

    def save(self, path: Path, files: Files | None = None) -> None:
        """Put the keyring into `path`, durably, with mode 0600, or leave the file as it was."""
        ring = _Keyring(format=1, keys=tuple(_Key(name.hex(), key) for name, key in self._keys))
        try:
            write_whole(files or RealFiles(), path, msgspec.json.encode(ring) + b"\n")
        except OSError as error:
            raise KeyringUnusable(f"The keyring `{path}` cannot be written: {error.strerror}.") from error

    def with_new_key(self) -> MasterKeys:
        """Return a keyring that opens all this one opens and seals under a key drawn now."""
        return MasterKeys((*self._keys, _new_key()))

    def seal(self, name: bytes, value: bytes) -> bytes:
        """Return `value` sealed so that it opens under `name` only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, value, name)

    def open(self, name: bytes, sealed: bytes) -> bytes:
        """Return what was sealed under `name`.

        Raises StoreUnavailable where the key is not in this ring, or the value was changed or belongs elsewhere.
        """
        if len(sealed) < _HEAD or sealed[:1] != _FORMAT:
            raise StoreUnavailable("A secret in the store is not in a form this program knows.")
        cipher = self._ciphers.get(sealed[1 : 1 + _ID_BYTES])
        if cipher is None:
            raise StoreUnavailable(
                "A secret in the store was sealed under a key that is not in the keyring: put the keyring file back"
                " that belongs to this data folder."
            )
        try:
            return cipher.decrypt(sealed[1 + _ID_BYTES : _HEAD], sealed[_HEAD:], name)
        except InvalidTag:
            raise StoreUnavailable("A secret in the store was changed or moved, and does not open.") from None


def _new_key() -> tuple[bytes, bytes]:
    return secrets.token_bytes(_ID_BYTES), secrets.token_bytes(32)
