"""A statement's elements: which there are, which must be, which exclude each other, and what they are made of."""

from __future__ import annotations

import re

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Kind, Node
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import PolicyType
from rolecall.policy.parse import STATEMENT_ELEMENTS

_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_RCP_SERVICES = frozenset(
    {
        "aoss", "apigateway", "cognito-identity", "cognito-idp", "dynamodb", "ecr", "execute-api", "kms", "logs", "s3",
        "secretsmanager", "sqs", "sts",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services"""


def review_elements(statement: Statement, report: Report) -> None:
    """Look at everything but what the elements' values mean."""
    node = statement.node
    for member in node.members:
        if member.name not in STATEMENT_ELEMENTS:
            report.add("INVALID_POLICY_ELEMENT", member.key, element=member.name)
    for one, other in _PAIRS:
        if (first := node.get(one)) is not None and (second := node.get(other)) is not None:
            report.add("UNSUPPORTED_ELEMENT_COMBINATION", first, second, element1=one, element2=other)
    _sid(statement, report)
    _effect(node, report)
    _missing(statement, report)
    for name, empty in (("Action", "ACTION"), ("NotAction", "ACTION"), ("Resource", "RESOURCE"), ("NotResource", "")):
        _texts(node.get(name), f"EMPTY_ARRAY_{empty or 'RESOURCE'}", report)
    if statement.subject.type is PolicyType.SERVICE_CONTROL:
        _service_control(statement, report)
    if statement.subject.type is PolicyType.RESOURCE_CONTROL:
        _resource_control(statement, report)


def _sid(statement: Statement, report: Report) -> None:
    sid = statement.node.get("Sid")
    if sid is None:
        return
    if not sid.is_string:
        report.add("DATA_TYPE_MISMATCH", sid, data_type=Kind.STRING.value)
    elif not sid.text:
        report.add("EMPTY_SID_VALUE", sid)
    elif statement.subject.type is not PolicyType.RESOURCE and not _SID.fullmatch(sid.text):
        report.add("UNSUPPORTED_SID", sid)


def _effect(node: Node, report: Report) -> None:
    effect = node.get("Effect")
    if effect is None:
        report.add("MISSING_EFFECT", node)
    elif not effect.is_string:
        report.add("DATA_TYPE_MISMATCH", effect, data_type=Kind.STRING.value)
    elif effect.text not in {"Allow", "Deny"}:
        report.add("INVALID_EFFECT", effect, effect=effect.text)


def _missing(statement: Statement, report: Report) -> None:
    node, subject = statement.node, statement.subject
    if node.get("Action") is None and node.get("NotAction") is None:
        report.add("MISSING_ACTION", node)
    about_resources = node.get("Resource") is not None or node.get("NotResource") is not None
    if not about_resources and not statement.is_trust and not (subject.type is PolicyType.RESOURCE and _unsaid(node)):
        report.add("MISSING_RESOURCE", node)
    named = node.get("Principal") or node.get("NotPrincipal")
    if subject.names_principals and named is None:
        report.add("MISSING_PRINCIPAL", node)
    elif subject.type is PolicyType.IDENTITY and named is not None:
        report.add("UNSUPPORTED_PRINCIPAL", named, policy_type=subject.type.value)


def _unsaid(node: Node) -> bool:
    """Tell whether a statement has no action from which to tell that it needs a resource."""
    return node.get("Action") is None and node.get("NotAction") is None


def _texts(value: Node | None, empty: str, report: Report) -> None:
    if value is None:
        return
    if value.kind is Kind.ARRAY and not value.items:
        report.add(empty, value)
    for node in value.each():
        if not node.is_string:
            report.add("DATA_TYPE_MISMATCH", node, data_type=Kind.STRING.value)


def _service_control(statement: Statement, report: Report) -> None:
    named = statement.node.get("Principal") or statement.node.get("NotPrincipal")
    if named is not None:
        report.add("SCP_SYNTAX_ERROR_PRINCIPAL", named)
    for action in statement.strings("Action", "NotAction"):
        if "*" in action.text[:-1] or "?" in action.text:
            report.add("SCP_SYNTAX_ERROR_ACTION_WILDCARD", action, action=action.text)


def _resource_control(statement: Statement, report: Report) -> None:
    node = statement.node
    principal, resource = node.get("Principal"), node.get("Resource")
    negated = node.get("NotPrincipal")
    if negated is not None or (principal is not None and not _is_everybody(principal)):
        report.add("RCP_SYNTAX_ERROR_PRINCIPAL", negated or principal or node)
    not_action = node.get("NotAction")
    if not_action is not None:
        report.add("RCP_SYNTAX_ERROR_NOTACTION", not_action)
    narrowed = resource is None or [one.text for one in resource.each()] != ["*"]
    if statement.allows and (narrowed or node.get("Condition") is not None):
        report.add("RCP_SYNTAX_ERROR_ALLOW", node)
    for action in statement.actions:
        is_everything = action.text == "*" and statement.allows
        if not is_everything and action.text.partition(":")[0].lower() not in _RCP_SERVICES:
            report.add("RCP_SYNTAX_ERROR_ACTION", action)


def _is_everybody(principal: Node) -> bool:
    if principal.is_string:
        return principal.text == "*"
    everyone = principal.get("AWS")
    return len(principal.members) == 1 and everyone is not None and [one.text for one in everyone.each()] == ["*"]
