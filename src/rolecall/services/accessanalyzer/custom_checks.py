"""CheckNoNewAccess, CheckAccessNotGranted and CheckNoPublicAccess: PASS is proved, FAIL says by which statements.

https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoNewAccess.html

AWS's answers are PASS and FAIL. Where neither could be shown the answer is FAIL, and the reason's description says that
it could not be shown; a comparison that is too large to be made is UnprocessableEntityException.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.access.public import serves_the_public
from rolecall.analysis.compare import Reason, granted, new_access
from rolecall.analysis.languages import Undecided
from rolecall.message import ServiceError
from rolecall.policy.document import Document
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.services.accessanalyzer.table import SERVICE, operations
from rolecall.services.operation import Parameters, Result, Streams

_MOST_STATEMENTS = 500


class CheckNoNewAccess(Parameters, frozen=True, kw_only=True):
    """Of CheckNoNewAccess."""

    new_policy_document: str
    existing_policy_document: str
    policy_type: str


class ListedAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Actions and resources that must not be granted."""

    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class CheckAccessNotGranted(Parameters, frozen=True, kw_only=True):
    """Of CheckAccessNotGranted."""

    policy_document: str
    access: tuple[ListedAccess, ...]
    policy_type: str


class CheckNoPublicAccess(Parameters, frozen=True, kw_only=True):
    """Of CheckNoPublicAccess."""

    policy_document: str
    resource_type: str


NO_NEW: Access[CheckNoNewAccess] = Access(lambda _: [Check(f"{SERVICE}:CheckNoNewAccess")], denial=Denial.JSON)
NOT_GRANTED: Access[CheckAccessNotGranted] = Access(
    lambda _: [Check(f"{SERVICE}:CheckAccessNotGranted")], denial=Denial.JSON
)
NO_PUBLIC: Access[CheckNoPublicAccess] = Access(lambda _: [Check(f"{SERVICE}:CheckNoPublicAccess")], denial=Denial.JSON)


@operations.stream("CheckNoNewAccess", CheckNoNewAccess, NO_NEW)
async def check_no_new_access(allowed: Allowed, parameters: CheckNoNewAccess, streams: Streams) -> Result:
    """Tell whether the new policy allows nothing that the existing one does not."""
    del allowed, streams
    new = _document(parameters.new_policy_document, parameters.policy_type)
    existing = _document(parameters.existing_policy_document, parameters.policy_type)
    reasons = await _decided(lambda: new_access(new, existing))
    unclear = "It could not be shown that no new access is granted in the statement with"
    return _answer(
        reasons,
        "The modified permissions do not grant new access compared to your existing policy.",
        "The modified permissions grant new access compared to your existing policy.",
        lambda reason: "New access in the statement with" if reason.shown else unclear,
    )


@operations.stream("CheckAccessNotGranted", CheckAccessNotGranted, NOT_GRANTED)
async def check_access_not_granted(allowed: Allowed, parameters: CheckAccessNotGranted, streams: Streams) -> Result:
    """Tell whether the policy grants none of the listed actions, on none of the listed resources."""
    del allowed, streams
    document = _document(parameters.policy_document, parameters.policy_type)
    listed = parameters.access[0] if parameters.access else ListedAccess()
    if not listed.actions and not listed.resources:
        raise _invalid("At least one action or resource must be given in access.")
    if any(action != "*" and ":" not in action for action in listed.actions):
        raise _invalid("Actions must have the form service:action.")
    reasons = await _decided(lambda: granted(document, listed.actions, listed.resources))
    if listed.resources:
        what = "the listed actions or resources"
        passed, failed = f"{what}.", f"one or more of {what}."
    else:
        passed = failed = "one or more of the listed actions."
    about = (
        "One or more of the listed actions or resources" if listed.resources else "One or more of the listed actions"
    )
    return _answer(
        reasons,
        f"The policy document does not grant access to perform {passed}",
        f"The policy document grants access to perform {failed}",
        lambda _: f"{about} in the statement with",
    )


@operations.stream("CheckNoPublicAccess", CheckNoPublicAccess, NO_PUBLIC)
async def check_no_public_access(allowed: Allowed, parameters: CheckNoPublicAccess, streams: Streams) -> Result:
    """Tell whether the resource policy grants nothing to everybody, by S3's measure of what is public."""
    del allowed, streams
    document = _document(parameters.policy_document, "RESOURCE_POLICY")
    reasons = [
        Reason(index, statement.sid)
        for index, statement in enumerate(document.statements)
        if serves_the_public(statement)
    ]
    return _answer(
        reasons,
        "The resource policy does not grant public access for the given resource type.",
        "The resource policy grants public access for the given resource type.",
        lambda _: "Public access granted in the following statement with",
    )


def _document(text: str, policy_type: str) -> Document:
    """Return a document. Raises ServiceError for one that is none, or not of its type."""
    try:
        document = parse(text)
    except PolicyUnreadable as problem:
        raise _invalid(f"The policy document is not valid: {problem}.") from None
    if len(document.statements) > _MOST_STATEMENTS:
        raise _too_large()
    names = [statement.principal is not None for statement in document.statements]
    if policy_type == "IDENTITY_POLICY" and any(names):
        raise _invalid("The policy document is not valid: identity policies have no Principal element.")
    if policy_type == "RESOURCE_POLICY" and not all(names):
        raise _invalid("The policy document is not valid: resource policies need a Principal element.")
    return document


async def _decided(question: Callable[[], list[Reason]]) -> list[Reason]:
    """Decide beside the event loop. Raises ServiceError where it is too much."""
    try:
        return await asyncio.to_thread(question)
    except (Undecided, RecursionError):
        raise _too_large() from None


def _answer(reasons: Sequence[Reason], passed: str, failed: str, begin: Callable[[Reason], str]) -> Result:
    if not reasons:
        return {"result": "PASS", "message": passed}
    return {"result": "FAIL", "message": failed, "reasons": [_shown(reason, begin(reason)) for reason in reasons]}


def _shown(reason: Reason, begin: str) -> dict[str, object]:
    if reason.sid:
        description = f"{begin} sid: {reason.sid}."
        return {"description": description, "statement_index": reason.index, "statement_id": reason.sid}
    return {"description": f"{begin} index: {reason.index}.", "statement_index": reason.index}


def _invalid(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterException", sentence)


def _too_large() -> ServiceError:
    sentence = "The policy documents are too large or too intricate to be compared."
    return ServiceError("UnprocessableEntityException", sentence, 422)
