"""Parameters and results as the trail may show them: in CloudTrail's spelling, cut to a length, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from rolecall.access.context import iso

_SECRET = frozenset(
    {
        "secret_access_key",
        "session_token",
        "password",
        "new_password",
        "old_password",
        "private_key",
        "saml_assertion",
        "saml_metadata_document",
        "web_identity_token",
        "token_code",
        "authentication_code1",
        "authentication_code2",
        "base32_string_seed",
        "qr_code_png",
        "service_password",
        "service_credential_secret",
        "context_assertion",
        "trade_in_token",
        "sse_customer_key",
        "copy_source_sse_customer_key",
    }
)
"""Members that hold a secret, under whatever operation."""
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LONGEST_TEXT = 8192
_LONGEST_LIST = 1000
_LONGEST_NAME = 128
_BRIEF = 1024
_PLAIN = frozenset({bool, int, float, type(None)})
"""Types whose values are shown as they are."""


def shown(value: object) -> object:
    """Return parameters or results as a record shows them: in camelCase, without secrets, long text cut."""
    if isinstance(value, str):
        text = printable(value)
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list | tuple):
        return [shown(member) for member in value[:_LONGEST_LIST]]
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return shown(dict(value))
    return f"({len(value)} bytes)" if isinstance(value, bytes) else "(stream)"


def _members(value: dict[object, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, member in value.items():
        name = key if isinstance(key, str) else str(key)
        # Names of maps (metadata, tags) are their sender's, and cut.
        shown_name, is_secret = _named(name) if len(name) <= _LONGEST_NAME else (brief(name), False)
        if is_secret:
            found[shown_name] = _HIDDEN
        elif isinstance(member, str) and len(member) <= _LONGEST_TEXT and member.isascii():
            found[shown_name] = member
        elif isinstance(member, dict):
            found[shown_name] = _members(member)
        else:
            found[shown_name] = shown(member)
    return found


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[str, bool]:
    """Return a member's name in camelCase, and whether it holds a secret."""
    head, *rest = name.split("_")
    return printable(head + "".join(part[:1].upper() + part[1:] for part in rest)), name in _SECRET


def printable(text: str) -> str:
    """Return text that can be encoded: bytes of an object key that are no UTF-8 are shown as question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def brief(text: str, most: int = _BRIEF) -> str:
    """Return text cut to what CloudTrail keeps of headers and messages: anybody may send long ones, unsigned."""
    return printable(text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)")


def readable(value: object) -> object:
    """Return a record with all of its text `printable`, so that no text that came in can keep it out of the trail."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): readable(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [readable(member) for member in value]
    return value
