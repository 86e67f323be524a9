"""Role trust policies: who may assume a role, and by which call.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
"""

from __future__ import annotations

import re

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Node
from rolecall.analysis.validation.statement import Statement

_SAML = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:saml-provider/.+", re.ASCII)
_OIDC = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)
_ROLES_ANYWHERE = "rolesanywhere.amazonaws.com"
_NEEDED_THERE = frozenset({"sts:assumerole", "sts:setsourceidentity", "sts:tagsession"})
_GITHUB = "token.actions.githubusercontent.com"
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+", re.ASCII)
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:.*/)?([^/]+)", re.ASCII)


def review_trust(statement: Statement, report: Report) -> None:
    """Look at a statement of a trust policy."""
    if not statement.is_trust:
        return
    _form(statement, report)
    _mismatched(statement, report)
    _roles_anywhere(statement, report)
    if statement.allows:
        _web_identity(statement, report)
    _sessions(statement, report)


def _form(statement: Statement, report: Report) -> None:
    node = statement.node
    for name in ("Resource", "NotResource"):
        resource = node.get(name)
        if resource is not None:
            report.add("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", resource)
    negated = node.get("NotPrincipal")
    if negated is not None:
        report.add("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", negated)
    principal = node.get("Principal")
    if principal is not None and principal.text == "*":
        report.add("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", principal)
    for federated in statement.principals("Federated"):
        if "*" not in federated.text and not any(form.fullmatch(federated.text) for form in (_SAML, _OIDC, _DOMAIN)):
            report.add("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", federated)


def _mismatched(statement: Statement, report: Report) -> None:
    """Find calls by which the statement's principals cannot come."""
    federated = statement.principals("Federated")
    saml = [node for node in federated if _SAML.fullmatch(node.text)]
    web = [node for node in federated if node not in saml]
    others = [*statement.principals("AWS"), *statement.principals("Service")]
    for action in statement.actions:
        wrong = {
            "sts:assumerole": federated,
            "sts:assumerolewithsaml": [*web, *others],
            "sts:assumerolewithwebidentity": [*saml, *others],
        }.get(action.text.lower(), [])
        able = {
            "sts:assumerole": others,
            "sts:assumerolewithsaml": saml,
            "sts:assumerolewithwebidentity": web,
        }.get(action.text.lower(), [])
        if wrong and not able:
            names = ", ".join(node.text for node in wrong)
            values = {"actionName": action.text, "principalNames": names}
            report.add("MISMATCHED_ACTION_FOR_PRINCIPAL", action, *wrong, **values)


def _roles_anywhere(statement: Statement, report: Report) -> None:
    given = {node.text.lower() for node in statement.actions}
    for service in statement.principals("Service"):
        if service.text == _ROLES_ANYWHERE and not given >= _NEEDED_THERE and not given & {"sts:*", "*"}:
            report.add("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", service)


def _web_identity(statement: Statement, report: Report) -> None:
    """Look at what keeps other tenants of an identity provider out."""
    for node in statement.principals("Federated"):
        if _SAML.fullmatch(node.text) or "*" in node.text:
            continue
        issuer = (node.text.partition(":oidc-provider/")[2] or node.text).lower()
        if issuer == _GITHUB:
            _github(statement, node, report)
        elif not any(line.name.startswith(f"{issuer}:") for line in statement.lines()):
            report.add("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", node)


def _github(statement: Statement, principal: Node, report: Report) -> None:
    subjects = [line for line in statement.lines() if line.name == f"{_GITHUB}:sub"]
    if not subjects:
        report.add("MISSING_GITHUB_REPO_CONDITION_KEY", principal)
    for line in subjects:
        for value in line.values:
            if "*" in value.text or "?" in value.text:
                report.add("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", value)


def _sessions(statement: Statement, report: Report) -> None:
    """Find sessions whose role is named as well."""
    nodes = statement.principals("AWS")
    roles = {(found[1], found[2], found[3]): node.text for node in nodes if (found := _ROLE.fullmatch(node.text))}
    for node in nodes:
        found = _SESSION.fullmatch(node.text)
        parent = roles.get((found[1], found[2], found[3])) if found is not None else None
        if parent is not None:
            code = "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY"
            report.add(code, node, redundant_principal=node.text, parent_role=parent)
