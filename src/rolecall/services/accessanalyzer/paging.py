"""Tokens of pages: where the next one begins, and of which question it is a page."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from rolecall.message import ServiceError

_DIGEST = 12
_NUMBER = 4


def token_of(begin: int, question: Sequence[str]) -> str:
    """Return the token of the page that begins at an entry."""
    return base64.urlsafe_b64encode(_digest(question) + begin.to_bytes(_NUMBER, "big")).decode()


def place_of(token: str, question: Sequence[str]) -> int:
    """Return where a page begins. Raises ServiceError for a token that was not given for this question."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != _DIGEST + _NUMBER or raw[:_DIGEST] != _digest(question):
        fields = {"reason": "fieldValidationFailed"}
        raise ServiceError("ValidationException", "The next token is not one of this request.", fields=fields)
    return int.from_bytes(raw[_DIGEST:], "big")


def _digest(question: Sequence[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for part in question:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()
