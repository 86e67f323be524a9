"""What may be stored: documents held against AWS's rules for their kind when they are written, in AWS's own words.

Never on the way of a request: what was stored once stays valid, and is read by `parse`.
"""

from __future__ import annotations

from rolecall.policy.document import Document
from rolecall.policy.rewrite import principals, with_principals
from rolecall.policy.validate.bucket import validate_bucket
from rolecall.policy.validate.facts import ActionFacts, Facts, ResourceFacts
from rolecall.policy.validate.identity import validate_identity, validate_managed, validate_session
from rolecall.policy.validate.kind import Malformed, PolicyKind
from rolecall.policy.validate.organization import validate_resource_control, validate_service_control
from rolecall.policy.validate.trust import validate_trust

__all__ = [
    "ActionFacts",
    "Facts",
    "Malformed",
    "PolicyKind",
    "ResourceFacts",
    "principals",
    "size_without_whitespace",
    "validate",
    "with_principals",
]

_BY_KIND = {
    PolicyKind.IDENTITY: validate_identity,
    PolicyKind.MANAGED: validate_managed,
    PolicyKind.SESSION: validate_session,
    PolicyKind.TRUST: validate_trust,
    PolicyKind.SCP: validate_service_control,
    PolicyKind.RCP: validate_resource_control,
}
_NOT_COUNTED = str.maketrans("", "", " \t\r\n")


def validate(text: str, kind: PolicyKind, *, bucket: str = "", facts: Facts | None = None) -> Document:
    """Return the document, if AWS would store it as a policy of this kind.

    `bucket` is the name of the bucket whose policy it is to be; `facts` tell which actions there are and what they
    apply to. Without them, what needs them is not checked. That principals exist and that the size is within its limit
    is for the caller to see.

    Raises:
        Malformed: with AWS's code and text.
    """
    if kind is PolicyKind.BUCKET:
        return validate_bucket(text, bucket, facts)
    return _BY_KIND[kind](text)


def size_without_whitespace(text: str) -> int:
    """Return a document's size as quotas count it: its characters, white space left out."""
    return len(text.translate(_NOT_COUNTED))
