"""ValidatePolicy: what AWS's checks find in a document.

https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html

Whatever the locale, findings are in English. The work is done beside the event loop: a large document takes a while.
"""

from __future__ import annotations

import asyncio

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Check, Denial
from rolecall.analysis.findings import Finding, Location
from rolecall.analysis.languages import Undecided
from rolecall.analysis.located import Lines, Position
from rolecall.analysis.validation import PolicyType, Subject, validate
from rolecall.message import ServiceError
from rolecall.policy.parse import MAX_BYTES
from rolecall.services.accessanalyzer.paging import place_of, token_of
from rolecall.services.accessanalyzer.table import SERVICE, operations
from rolecall.services.operation import Parameters, Result, Streams

_MOST = 100
"""How many findings a page holds where the caller does not say."""


class ValidatePolicy(Parameters, frozen=True, kw_only=True):
    """Of ValidatePolicy."""

    policy_document: str
    policy_type: str
    validate_policy_resource_type: str | None = None
    locale: str | None = None
    max_results: int = _MOST
    next_token: str | None = None


VALIDATE: Access[ValidatePolicy] = Access(lambda _: [Check(f"{SERVICE}:ValidatePolicy")], denial=Denial.JSON)


@operations.stream("ValidatePolicy", ValidatePolicy, VALIDATE)
async def validate_policy(allowed: Allowed, parameters: ValidatePolicy, streams: Streams) -> Result:
    """Return a page of the document's findings, in its order."""
    del allowed, streams
    subject = _subject(parameters)
    text = parameters.policy_document
    same = (text, parameters.policy_type, parameters.validate_policy_resource_type or "")
    begin = 0 if parameters.next_token is None else place_of(parameters.next_token, same)
    try:
        found = await asyncio.to_thread(validate, text, subject)
    except Undecided:
        raise invalid("The policy document is too large or too intricate to be validated.", "other") from None
    page = found[begin : begin + parameters.max_results]
    lines = Lines(text)
    answer: dict[str, object] = {"findings": [_shown(finding, lines) for finding in page]}
    if begin + len(page) < len(found):
        answer["next_token"] = token_of(begin + len(page), same)
    return answer


def _subject(parameters: ValidatePolicy) -> Subject:
    """Return what the document is said to be. Raises ServiceError where that contradicts itself."""
    if len(parameters.policy_document.encode()) > MAX_BYTES:
        raise invalid(f"The policy document must not be larger than {MAX_BYTES} bytes.", "fieldValidationFailed")
    if not 1 <= parameters.max_results <= _MOST:
        raise invalid(f"maxResults must be between 1 and {_MOST}.", "fieldValidationFailed")
    kind = PolicyType(parameters.policy_type)
    if parameters.validate_policy_resource_type is not None and kind is not PolicyType.RESOURCE:
        sentence = "validatePolicyResourceType can only be used with the policy type RESOURCE_POLICY."
        raise invalid(sentence, "fieldValidationFailed")
    return Subject(kind, parameters.validate_policy_resource_type)


def invalid(sentence: str, reason: str) -> ServiceError:
    """Return Access Analyzer's refusal of parameters."""
    return ServiceError("ValidationException", sentence, fields={"reason": reason})


def _shown(finding: Finding, lines: Lines) -> dict[str, object]:
    return {
        "finding_details": finding.details,
        "finding_type": finding.type,
        "issue_code": finding.code,
        "learn_more_link": finding.link,
        "locations": [_located(location, lines) for location in finding.locations],
    }


def _located(location: Location, lines: Lines) -> dict[str, object]:
    path: list[dict[str, object]] = [{step: where} for step, where in location.path]
    if location.substring is not None:
        start, length = location.substring
        path.append({"substring": {"start": start, "length": length}})
    span = {"start": _position(lines.position(location.start)), "end": _position(lines.position(location.end))}
    return {"path": path, "span": span}


def _position(position: Position) -> dict[str, int]:
    return {"line": position.line, "column": position.column, "offset": position.offset}
