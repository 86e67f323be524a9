"""Principal and NotPrincipal: their form, and whom they name.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Kind, Node
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import PolicyType
from rolecall.policy.document import PRINCIPAL_TYPES

SERVICE_PRINCIPAL = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws|amazon)\.(?:com|com\.cn|eu)", re.ASCII)
EXPECTED = "service-name.amazonaws.com"
_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_NARROWER = ("aws:referer", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:useragent")
_OF_PRINCIPALS = ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principaltag/")
"""Keys that no service has in its requests."""


def review_principals(statement: Statement, report: Report) -> None:
    """Look at whom a statement names. Where it must name nobody, that was said already."""
    if statement.subject.type in {PolicyType.IDENTITY, PolicyType.SERVICE_CONTROL}:
        return
    negated = statement.node.get("NotPrincipal")
    for element in (statement.node.get("Principal"), negated):
        if element is not None:
            _form(element, report)
            for member in element.members:
                for node in member.value.each():
                    _value(member.name, node, report)
    if negated is not None and statement.allows and not statement.is_trust:
        report.add("ALLOW_WITH_NOT_PRINCIPAL", negated)
    if statement.subject.type is PolicyType.RESOURCE and not statement.is_trust:
        for node in statement.principals("Federated"):
            report.add("FEDERATED_PRINCIPAL_NOT_SUPPORTED", node)
        if statement.allows:
            _services(statement, report)


def _form(element: Node, report: Report) -> None:
    if element.is_string:
        if element.text != "*":
            report.add("INVALID_PRINCIPAL_FORMAT", element)
        return
    if not element.is_object:
        report.add("INVALID_PRINCIPAL_FORMAT", element)
        return
    if not element.members:
        report.add("EMPTY_OBJECT_PRINCIPAL", element)
    for member in element.members:
        if member.name not in PRINCIPAL_TYPES:
            report.say("INVALID_PRINCIPAL_KEY", f"The principal key {member.name} is not valid.", member.key)
        if member.value.kind is Kind.ARRAY and not member.value.items:
            report.add("EMPTY_ARRAY_PRINCIPAL", member.value)


def _value(kind: str, node: Node, report: Report) -> None:
    text = node.text
    if not node.is_string:
        report.add("DATA_TYPE_MISMATCH", node, data_type=Kind.STRING.value)
        return
    if ("*" in text or "?" in text) and not (kind == "AWS" and text == "*"):
        report.add("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", node, principal_key=kind)
    elif kind == "AWS" and text.startswith("AIDA"):
        report.add("INVALID_USER_REFERENCE", node, userid=text)
    elif kind == "AWS" and text.startswith("AROA"):
        report.add("INVALID_ROLE_REFERENCE", node, roleid=text)
    elif kind == "Service" and not SERVICE_PRINCIPAL.fullmatch(text):
        report.add("INVALID_SERVICE_PRINCIPAL_FORMAT", node, expectedFormat=EXPECTED)


def _services(statement: Statement, report: Report) -> None:
    """Look at what keeps a service from being used by others than those who are meant: the confused deputy."""
    services = statement.principals("Service")
    if not services:
        return
    principal = statement.node.get("Principal")
    alone = principal is not None and len(principal.members) == 1
    unheard = [line.key for line in statement.lines() if line.name.startswith(_OF_PRINCIPALS)]
    if unheard and alone:
        names = ", ".join(key.name for key in unheard)
        places = [key.key for key in unheard]
        report.add("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", *services, *places, conditionKeys=names)
    if statement.has_key(*_SOURCES):
        return
    narrower = [line.key for line in statement.lines() if line.name in _NARROWER]
    if not narrower:
        report.add("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", *services)
    for key in narrower:
        prefix = services[0].text.partition(".")[0]
        code = "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"
        report.add(code, key.key, servicePrincipalPrefix=prefix, key=key.name)
