"""Action and NotAction: whether AWS has them, and whether one of them says it all."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rolecall.analysis.findings import Report
from rolecall.analysis.languages import action_pattern, needless
from rolecall.analysis.located import Node
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import BUCKET
from rolecall.catalog import actions as catalog

_MOST_COMPARED = 250
_A_PATTERN = 10
_LONGEST_NAME = 128
"""No action's name has as many characters: a pattern of more, stars not counted, names none."""
_SUPPORTED = {BUCKET: "s3", "AWS::S3::AccessPoint": "s3", "AWS::DynamoDB::Table": "dynamodb"}
"""The services whose actions the policies of a resource may speak of."""


def review_actions(statement: Statement, report: Report) -> None:
    """Look at each action, and at all of them together."""
    nodes = statement.strings("Action", "NotAction")
    for node in nodes:
        _exists(node, report)
    _supported(statement, report)
    if statement.node.get("Action") is not None:
        _redundant(nodes, report)


def _exists(node: Node, report: Report) -> None:
    text = node.text
    service, colon, name = text.partition(":")
    if text == "*" or "${" in text:
        return
    if not colon or not name:
        _no_such_action(node, None, report)
        return
    if "*" in service or "?" in service:
        report.add("WILDCARD_IN_SERVICE_NAME", node)
        return
    if service.lower() not in catalog.services():
        _no_such_service(node, service, report)
    elif not named(text, report):
        known = catalog.actions_of(service) if report.guesses > 0 else []
        names = {action.name.lower(): action.full_name for action in known}
        close = _close(name.lower().replace("*", ""), list(names), 0.86, report)
        _no_such_action(node, names[close] if close else None, report)


def named(pattern: str, report: Report) -> Sequence[catalog.Action]:
    """Return AWS's actions that a pattern with a service names. Raises Undecided where it is too much."""
    if "*" not in pattern and "?" not in pattern:
        found = catalog.find(pattern)
        return [] if found is None else [found]
    service, _, name = pattern.partition(":")
    if len(name) - name.count("*") > _LONGEST_NAME:
        return []
    if pattern not in report.named:
        report.effort.spend(_A_PATTERN + (len(catalog.actions_of(service.lower())) + len(name)) // 4)
        report.named[pattern] = catalog.matching(pattern)
    report.effort.spend(1)
    return report.named[pattern]


def _no_such_action(node: Node, valid: str | None, report: Report) -> None:
    if valid is None:
        report.say("INVALID_ACTION", f"The action {node.text} does not exist.", node)
    else:
        report.add("INVALID_ACTION", node, action=node.text, valid_action=valid)


def _no_such_service(node: Node, service: str, report: Report) -> None:
    close = _close(service.lower(), list(catalog.services()), 0.7, report)
    if close:
        report.add("INVALID_SERVICE_IN_ACTION", node, service=service, service2=close)
    else:
        report.say("INVALID_SERVICE_IN_ACTION", f"The service {service} specified in the action does not exist.", node)


def _close(name: str, known: list[str], cutoff: float, report: Report) -> str | None:
    """Return the name that was probably meant; None where none is close, or many were guessed already."""
    report.guesses -= 1
    close = get_close_matches(name, known, n=1, cutoff=cutoff) if report.guesses >= 0 and len(name) < 100 else []
    return close[0] if close else None


def _supported(statement: Statement, report: Report) -> None:
    resource_type = statement.subject.resource_type
    service = "sts" if statement.subject.is_trust else _SUPPORTED.get(resource_type or "")
    for node in statement.actions if service else ():
        prefix = node.text.partition(":")[0].lower()
        if node.text != "*" and prefix in catalog.services() and prefix != service:
            report.add("UNSUPPORTED_ACTION_IN_POLICY", node, action=node.text, resourceType=resource_type)


def _redundant(nodes: list[Node], report: Report) -> None:
    """Find actions that another one of the same element covers; of equal ones the later."""
    if len(nodes) > _MOST_COMPARED:
        return
    report.effort.spend(len(nodes) * len(nodes) // 32)
    found = [nodes[place] for place in needless([action_pattern(node.text) for node in nodes], report.work)]
    if found:
        values = {"redundantActionCount": len(found), "redundantAction": found[0].text}
        report.add("REDUNDANT_ACTION", *found, **values)
