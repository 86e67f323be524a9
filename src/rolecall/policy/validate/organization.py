"""Policies of an organization: service control policies and resource control policies.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
"""

from __future__ import annotations

from rolecall.policy.document import Document, Effect, Statement
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.validate.kind import Malformed

CODE = "MalformedPolicyDocumentException"
_OTHER_TYPE = "The provided policy document does not meet the requirements of the specified policy type."
_UNREADABLE = "The provided policy document is not valid JSON policy text."


def validate_service_control(text: str) -> Document:
    """Hold a service control policy against AWS's rules: about all principals of an account, so none is named."""
    document = _parse(text)
    if any(statement.principal is not None or statement.resources is None for statement in document.statements):
        raise Malformed(_OTHER_TYPE, CODE)
    return document


def validate_resource_control(text: str) -> Document:
    """Hold a resource control policy against AWS's rules: it only denies, and only to everybody."""
    document = _parse(text)
    if not document.has_variables or not all(_is_resource_control(each) for each in document.statements):
        raise Malformed(_OTHER_TYPE, CODE)
    return document


def _is_resource_control(statement: Statement) -> bool:
    principal = statement.principal
    return (
        statement.effect is Effect.DENY
        and principal is not None
        and not principal.negated
        and [value.value for value in principal.values] == ["*"]
        and not statement.not_actions
        and all(":" in action and not action.startswith("*") for action in statement.actions)
        and statement.resources is not None
    )


def _parse(text: str) -> Document:
    try:
        return parse(text)
    except PolicyUnreadable:
        raise Malformed(_UNREADABLE, CODE) from None
