"""Identity-based policies: inline, managed and session policies.

AWS makes several passes over the whole document; the first that fails names the problem, so their order is part of
what clients see. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from rolecall.policy.condition import is_operator, spelled
from rolecall.policy.document import VERSIONS, Document
from rolecall.policy.moment import seconds_of
from rolecall.policy.parse import (
    DOCUMENT_ELEMENTS,
    STATEMENT_ELEMENTS,
    PolicyUnreadable,
    is_text,
    parse,
    read_json,
)
from rolecall.policy.validate.kind import Malformed
from rolecall.policy.validate.resources import format_problem, legacy_problem

_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"
_ALLOWED = re.compile("[\t\n\r\u0020-\u00ff]*")
_SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_VENDOR = re.compile(r"[a-zA-Z0-9.-]+", re.ASCII)

Raw = Mapping[str, object]
"""A statement as JSON has it."""


def validate_identity(text: str) -> Document:
    """Hold an inline policy of a user, group or role against AWS's rules."""
    return _validate(text, _read(text, _SYNTAX), [])


def validate_managed(text: str) -> Document:
    """Hold a managed policy against AWS's rules."""
    content = _read(text, _SYNTAX)
    return _validate(text, content, [lambda _: _version(content)])


def validate_session(text: str) -> Document:
    """Hold a session policy against AWS's rules."""
    return _validate(text, _read(text, "The policy is not in the valid JSON format"), [])


def _read(text: str, refusal: str) -> object:
    try:
        return read_json(text)
    except PolicyUnreadable:
        raise Malformed(refusal) from None


def _validate(text: str, content: object, after_shape: Sequence[Callable[[list[Raw]], None]]) -> Document:
    statements = _shaped(text, content)
    no_principal(statements)
    for look in (*after_shape, _legacy, _sids, _actions, _formats, _vendors, _resources):
        look(statements)
    try:
        return parse(text)
    except PolicyUnreadable:
        raise Malformed(_SYNTAX) from None


# Pass 1: shape --------------------------------------------------------------------------------------------------------


def _shaped(text: str, content: object) -> list[Raw]:
    """Return the statements of a document whose elements have the right names and types."""
    if not isinstance(content, dict) or not _ALLOWED.fullmatch(text) or not DOCUMENT_ELEMENTS.issuperset(content):
        raise Malformed(_SYNTAX)
    statements = content.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    right = (
        content.get("Version", VERSIONS[0]) in VERSIONS
        and is_text(content.get("Id", ""))
        and isinstance(statements, list)
        and bool(statements)
        and all(_is_statement(statement) for statement in statements)
    )
    if not right or not isinstance(statements, list):
        raise Malformed(_SYNTAX)
    return statements


def _is_statement(statement: object) -> bool:
    if not isinstance(statement, dict) or not STATEMENT_ELEMENTS.issuperset(statement):
        return False
    effect = statement.get("Effect")
    return (
        isinstance(effect, str)
        and effect.lower() in {"allow", "deny"}
        and not {"Action", "NotAction"} <= statement.keys()
        and not {"Resource", "NotResource"} <= statement.keys()
        and is_text(statement.get("Sid", ""))
        and all(_is_texts(statement.get(name, [])) for name in ("Action", "NotAction", "Resource", "NotResource"))
        and _is_condition(statement.get("Condition", {}))
    )


def _is_texts(value: object) -> bool:
    if isinstance(value, list):
        return all(item is None or is_text(item) for item in value)
    return is_text(value)


def _is_condition(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    for operator, body in value.items():
        if not isinstance(body, dict) or (body and not is_operator(operator)):
            return False
        if not all(_is_condition_value(each) for each in body.values()):
            return False
    return True


def _is_condition_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str | bool) for item in value)
    return isinstance(value, str | bool)


def no_principal(statements: Sequence[Raw]) -> None:
    """Refuse a Principal or NotPrincipal: who is meant follows from what the policy is attached to."""
    if any("Principal" in statement or "NotPrincipal" in statement for statement in statements):
        raise Malformed("Policy document should not specify a principal.")


# The passes after it --------------------------------------------------------------------------------------------------


def _version(content: object) -> None:
    if not isinstance(content, dict) or content.get("Version") != VERSIONS[1]:
        raise Malformed("Policy document must be version 2012-10-17 or greater.")


def texts_of(statement: Raw, *names: str) -> list[str]:
    """Return the texts of the first of these elements that a statement has; nulls left out."""
    for name in names:
        if name in statement:
            value = statement[name]
            return [str(item) for item in (value if isinstance(value, list) else [value]) if item is not None]
    return []


def _resource_lists(statements: Sequence[Raw]) -> Iterator[list[str]]:
    for name in ("Resource", "NotResource"):
        for statement in statements:
            yield sorted(texts_of(statement, name))


def _legacy(statements: list[Raw]) -> None:
    for statement in statements:
        if statement["Effect"] not in {"Allow", "Deny"} or not _has_good_dates(statement.get("Condition", {})):
            raise Malformed(_LEGACY)
    for resources in _resource_lists(statements):
        # A resource that the format pass will refuse ends this look: that pass then names it.
        if any(format_problem(resource) for resource in resources):
            return
        if any(legacy_problem(resource) for resource in resources):
            raise Malformed(_LEGACY)


def _has_good_dates(condition: object) -> bool:
    if not isinstance(condition, dict):
        return False
    for operator, body in condition.items():
        found = spelled(operator)
        if found is None or not found.operator.name.startswith("Date"):
            continue
        for value in body.values():
            if any(seconds_of(str(item)) is None for item in (value if isinstance(value, list) else [value])):
                return False
    return True


def _sids(statements: list[Raw]) -> None:
    sids = [str(statement["Sid"]) for statement in statements if statement.get("Sid")]
    if any(not _SID.fullmatch(sid) for sid in sids):
        raise Malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression"
            " [0-9A-Za-z]*"
        )
    if len(set(sids)) != len(sids):
        raise Malformed("Statement IDs (SID) in a single policy must be unique.")


def _actions(statements: list[Raw]) -> None:
    if not all(texts_of(statement, "Action", "NotAction") for statement in statements):
        raise Malformed("Policy statement must contain actions.")


def _formats(statements: list[Raw]) -> None:
    for resources in _resource_lists(statements):
        for resource in resources:
            problem = format_problem(resource)
            if problem:
                raise Malformed(problem)


def _vendors(statements: list[Raw]) -> None:
    for name in ("Action", "NotAction"):
        for statement in statements:
            for action in texts_of(statement, name):
                _vendor(action)


def _vendor(action: str) -> None:
    vendor, *rest = action.split(":")
    if not rest and action != "*":
        raise Malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if len(rest) > 1:
        raise Malformed("Actions/Condition can contain only one colon.")
    if vendor != "*" and not _VENDOR.fullmatch(vendor):
        raise Malformed(f"Vendor {vendor} is not valid")


def _resources(statements: list[Raw]) -> None:
    if not all(texts_of(statement, "Resource", "NotResource") for statement in statements):
        raise Malformed("Policy statement must contain resources.")
