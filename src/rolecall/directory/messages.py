"""Messages that a caller carries and may not read: sealed for one account, of a length that tells nothing.

Like session tokens they are not stored, and open as long as the key of the ring is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rolecall.directory.records import DirectoryError
from rolecall.directory.sessions import SessionKey, SessionKeys

BLOCK = 1024
"""Contents are filled up to a multiple of this many bytes."""
MAX_BLOCKS = 2
"""The most blocks: 2,800 characters of text, which fit into the 4 KiB that proxies keep for an answer's head."""

_FORMAT = b"\x01"
_LABEL = b"rolecall authorization message"
"""What the key is derived for. No session has this id: theirs are 16 bytes."""
_NUMBER_SIZE = 4
_NONCE_SIZE = 12
_LENGTH_SIZE = 2
_MAX_PLAIN = 64 * 1024


class MessageInvalid(DirectoryError):
    """A message that was not sealed here, for another account, or so long ago that its key is gone."""


def seal_message(keys: SessionKeys, account: str, content: bytes, *, blocks: int = MAX_BLOCKS) -> str | None:
    """Return `content` sealed for an account, as URL-safe text; None where it does not fit into so many blocks."""
    packed = zlib.compress(content, 6)
    size = _LENGTH_SIZE + len(packed)
    if size > blocks * BLOCK or len(content) > _MAX_PLAIN:
        return None
    filled = len(packed).to_bytes(_LENGTH_SIZE, "big") + packed + bytes(-size % BLOCK)
    key, nonce = keys.newest, os.urandom(_NONCE_SIZE)
    head = _FORMAT + key.number
    return base64.urlsafe_b64encode(
        head + nonce + _cipher(key).encrypt(nonce, filled, head + account.encode())
    ).decode()


def open_message(keys: SessionKeys, account: str, text: str) -> bytes:
    """Return what was sealed for an account. Raises MessageInvalid."""
    try:
        sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise MessageInvalid("not base64") from None
    head = sealed[: len(_FORMAT) + _NUMBER_SIZE]
    key = keys.by_number.get(head[len(_FORMAT) :])
    if head[:1] != _FORMAT or key is None:
        raise MessageInvalid("sealed by no key that is kept")
    body = sealed[len(head) :]
    try:
        filled = _cipher(key).decrypt(body[:_NONCE_SIZE], body[_NONCE_SIZE:], head + account.encode())
    except (InvalidTag, ValueError):
        raise MessageInvalid("does not open") from None
    packed = filled[_LENGTH_SIZE : _LENGTH_SIZE + int.from_bytes(filled[:_LENGTH_SIZE], "big")]
    return zlib.decompressobj().decompress(packed, _MAX_PLAIN)


def _cipher(key: SessionKey) -> AESGCM:
    return AESGCM(hashlib.sha256(key.secret(_LABEL).encode()).digest())
