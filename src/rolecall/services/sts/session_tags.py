"""Session tags: what a request passes, what a session inherits, what becomes of both.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rolecall.access.caller import Caller
from rolecall.message import ServiceError
from rolecall.services.sts.parameters import Tag


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a session hands on to the session of a role that it assumes."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Its transitive tags."""
    source_identity: str = ""


_NOTHING = Inherited()


def inherited_by(caller: Caller) -> Inherited:
    """Return what the sessions that this caller begins inherit from it."""
    session = caller.session
    if session is None or not (session.transitive or session.source_identity):
        return _NOTHING
    handed_on = {key.lower() for key in session.transitive}
    tags = {key: value for key, value in session.session_tags.items() if key.lower() in handed_on}
    return Inherited(tags, session.source_identity)


def passed_tags(tags: Sequence[Tag]) -> dict[str, str]:
    """Return the tags of a request by key. Raises ServiceError for a key that comes twice or is reserved."""
    if not tags:
        return {}
    folded = {tag.key.lower() for tag in tags}
    if len(folded) != len(tags):
        raise ServiceError(
            "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if any(key.startswith("aws:") for key in folded):
        raise ServiceError("InvalidParameterValue", "Tag keys that begin with aws: are reserved for AWS.")
    return {tag.key: tag.value for tag in tags}


def combined(
    inherited: Inherited, passed: Mapping[str, str], transitive: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return tags and transitive keys of a new session.

    Raises ServiceError where a passed key is already transitive in the calling session, and where a key that is to be
    transitive is not passed.
    """
    if not (inherited.tags or passed or transitive):
        return {}, ()
    fixed = {key.lower() for key in inherited.tags}
    known = {key.lower() for key in passed}
    wanted = {key.lower() for key in transitive}
    if fixed & (known | wanted):
        raise ServiceError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from"
            " the calling session.",
        )
    if wanted - known:
        raise ServiceError(
            "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."
        )
    handed_on = (*inherited.tags, *(key for key in passed if key.lower() in wanted))
    return {**inherited.tags, **passed}, handed_on
