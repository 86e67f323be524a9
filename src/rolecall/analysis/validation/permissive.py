"""Statements that open more than they seem to: passing roles to services, and making service-linked roles."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.analysis.findings import Report
from rolecall.analysis.languages import Undecided, covers, glob
from rolecall.analysis.located import Node
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import PolicyType
from rolecall.policy.match import action_test


@dataclass(frozen=True, slots=True)
class _Power:
    """An action that is dangerous on resources that nobody named."""

    prefix: str
    """How the codes of its findings begin."""
    action: str
    resources: str
    """Its resources, behind the account of their ARNs."""
    keys: tuple[str, ...]
    """Condition keys that narrow it all the same."""


_POWERS = (
    _Power("PASS_ROLE", "iam:passrole", "role/*", ("iam:passedtoservice", "iam:associatedresourcearn")),
    _Power("CREATE_SLR", "iam:createservicelinkedrole", "role/aws-service-role/*", ("iam:awsservicename",)),
)


def review_permissiveness(statement: Statement, report: Report) -> None:
    """Look for both powers in what an identity-based policy allows."""
    if not statement.allows or statement.subject.type is not PolicyType.IDENTITY:
        return
    for power in _POWERS:
        how, action = _reaches(statement, power)
        if action is None:
            continue
        not_resource = statement.node.get("NotResource")
        if not_resource is not None:
            codes = {
                "": "NOT_RESOURCE",
                "star": "STAR_IN_ACTION_AND_NOT_RESOURCE",
                "not": "NOT_ACTION_AND_NOT_RESOURCE",
            }
            report.add(f"{power.prefix}_WITH_{codes[how]}", action, not_resource)
            continue
        wide = next((node for node in statement.strings("Resource") if _is_wide(node.text, power, report)), None)
        if wide is not None and not statement.has_key(*power.keys):
            stars = {
                "": "STAR_IN_RESOURCE",
                "star": "STAR_IN_ACTION_AND_RESOURCE",
                "not": "STAR_IN_RESOURCE_AND_NOT_ACTION",
            }
            report.add(f"{power.prefix}_WITH_{stars[how]}", action, wide)


def _reaches(statement: Statement, power: _Power) -> tuple[str, Node | None]:
    """Return how a statement's actions reach the power (by name, by a star, by NotAction), and where."""
    not_actions = statement.node.get("NotAction")
    if not_actions is not None:
        named = any(_names(node.text, power) for node in statement.strings("NotAction"))
        return "not", None if named else not_actions
    by_name = next((node for node in statement.actions if node.text.lower() == power.action), None)
    if by_name is not None:
        return "", by_name
    return "star", next((node for node in statement.actions if _names(node.text, power)), None)


def _names(action: str, power: _Power) -> bool:
    return action_test(action)(power.action)


def _is_wide(resource: str, power: _Power, report: Report) -> bool:
    """Tell whether a resource pattern covers all that the power can be used on."""
    if resource == "*":
        return True
    parts = resource.split(":", 5)
    try:
        return len(parts) == 6 and "*" in parts[5] and covers([glob(parts[5])], glob(power.resources), report.work)
    except Undecided:
        return False
