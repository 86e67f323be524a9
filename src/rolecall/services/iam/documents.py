"""Policy documents on their way in: held against AWS's rules, measured, and trust policies bound to who exists."""

from __future__ import annotations

from rolecall.directory.trust import resolve_principal
from rolecall.message import ServiceError
from rolecall.policy.validate import Malformed, PolicyKind, size_without_whitespace, validate, with_principals
from rolecall.services.iam.refusals import limit_exceeded, malformed, quota_exceeded
from rolecall.store.interface import Snapshot

MANAGED_SIZE = 6144
TRUST_SIZE = 2048
INLINE_SIZES = {"user": 2048, "group": 5120, "role": 10240}


def _hold(text: str, kind: PolicyKind) -> None:
    try:
        validate(text, kind)
    except Malformed as refusal:
        raise malformed(refusal.message, refusal.code) from None


def managed_document(text: str) -> str:
    """Return the document of a managed policy. Raises MalformedPolicyDocument, LimitExceeded."""
    _hold(text, PolicyKind.MANAGED)
    if size_without_whitespace(text) > MANAGED_SIZE:
        raise quota_exceeded("PolicySize", MANAGED_SIZE)
    return text


def inline_document(text: str, kind: str, name: str, others: list[str]) -> str:
    """Return the document of an inline policy of the `kind` (user, group, role) called `name`.

    Raises MalformedPolicyDocument, and LimitExceeded where it and the entity's `others` are too large together.
    """
    _hold(text, PolicyKind.IDENTITY)
    limit = INLINE_SIZES[kind]
    if sum(map(size_without_whitespace, [text, *others])) > limit:
        raise limit_exceeded(f"Maximum policy size of {limit} bytes exceeded for {kind} {name}")
    return text


def trust_document(view: Snapshot, account: str, text: str) -> str:
    """Return a trust policy as it is stored: users and roles by their unique ids.

    Raises MalformedPolicyDocument, for principals that do not exist too, and LimitExceeded.
    """
    _hold(text, PolicyKind.TRUST)
    if size_without_whitespace(text) > TRUST_SIZE:
        raise quota_exceeded("ACLSizePerRole", TRUST_SIZE)

    def bind(type_: str, value: str) -> str:
        bound = resolve_principal(view, account, type_, value)
        if bound is None:
            raise _unknown_principal(type_, value)
        return bound

    return with_principals(text, bind)


def _unknown_principal(type_: str, value: str) -> ServiceError:
    spelled = type_ if type_ == "AWS" else type_.upper()
    return malformed(f'Invalid principal in policy: "{spelled}":"{value}"')
