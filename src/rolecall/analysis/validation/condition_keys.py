"""Condition keys: whether AWS has them, and whether the statement's actions can carry them."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Node
from rolecall.analysis.validation.actions import named
from rolecall.analysis.validation.statement import Line, Statement
from rolecall.analysis.validation.subject import BUCKET
from rolecall.catalog import actions as catalog

_TAGGED = ("aws:resourcetag", "aws:requesttag", "aws:principaltag")
_OLD = frozenset({"aws:arn"})
_IN_SESSIONS = ("saml", "sts")
_NEED_AN_ACTION = {
    "sts:sourceidentity": "sts:SetSourceIdentity",
    "sts:transitivetagkeys": "sts:TagSession",
    "aws:requesttag/": "sts:TagSession",
    "aws:tagkeys": "sts:TagSession",
}
"""Keys that mean something in a trust policy only beside an action."""
_OPEN = ("kms:encryptioncontext:", "kms:requestalias", "catalog:")
"""Keys whose ends are their users' to choose."""
_OF_ANOTHER_POLICY = frozenset({"s3:resourceaccount"})
_POSITIVE_S3 = frozenset({"stringequals", "stringlike", "stringequalsignorecase"})


def review_keys(statement: Statement, report: Report) -> None:
    """Look at each line's key."""
    for line in statement.lines():
        if _is_known(line, report):
            _with_actions(line, statement, report)
            _in_its_place(line, statement, report)
    _pairs(statement, report)


def _is_known(line: Line, report: Report) -> bool:
    """Tell whether more can be said of a key; say what is wrong with one that is not."""
    name = line.key.name
    prefix, colon, rest = line.name.partition(":")
    if not colon or not prefix or not rest:
        report.add("INVALID_CONDITION_KEY_FORMAT", line.key.key)
    elif line.name in _OLD:
        report.add("UNSUPPORTED_GLOBAL_CONDITION_KEY", line.key.key)
    elif line.name.rstrip("/") in _TAGGED:
        report.add("MISSING_TAG_KEY_IN_CONDITION", line.key.key, conditionKeyName=f"{name.rstrip('/')}/")
    elif prefix == "aws":
        if catalog.is_global_key(line.name) or _is_newer(line.name):
            return True
        report.add("INVALID_GLOBAL_CONDITION_KEY", line.key.key, key=name)
    elif "." in prefix or "/" in prefix:
        return True
    elif prefix in catalog.services() or prefix in _IN_SESSIONS:
        if catalog.key_type(line.name) is not None or line.name.startswith(_OPEN):
            return True
        report.add("INVALID_SERVICE_CONDITION_KEY", line.key.key, key=name, service=prefix)
    else:
        report.add("INVALID_SERVICE", line.key.key, service=prefix)
    return False


def _is_newer(name: str) -> bool:
    """Tell whether a global key is one that AWS added and the catalog does not list yet."""
    newer = (
        "aws:principalorgmasteraccountid",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:viaawsmcpservice",
        "aws:calledviaawsmcp",
    )
    return name in {*newer, "aws:ismcpserviceaction", "aws:multifactorauthenticated"}


def _with_actions(line: Line, statement: Statement, report: Report) -> None:
    if line.name.startswith("aws:resourcetag/"):
        _with_tags(line, statement, report)
    elif not catalog.is_global_key(line.name) and statement.node.get("Action") is not None:
        report.effort.spend(len(statement.actions))
        unheard = [node for node in statement.actions if _cannot_carry(node.text, line.name)]
        if unheard:
            names = ", ".join(node.text for node in unheard)
            places = [*unheard, line.key.value]
            report.add("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", *places, actions=names, key=line.key.name)
    if statement.is_trust:
        needed = next((action for key, action in _NEED_AN_ACTION.items() if line.name.startswith(key)), None)
        given = {node.text.lower() for node in statement.actions}
        if needed is not None and not given & {needed.lower(), "sts:*", "*"}:
            where = [*statement.actions, line.key.key]
            report.add("MISSING_ACTION_FOR_CONDITION_KEY", *where, actionName=needed, keyName=line.key.name)


def _cannot_carry(action: str, key: str) -> bool:
    """Tell whether an action without wildcards never comes with a key."""
    if "*" in action or "?" in action:
        return False
    found = catalog.find(action)
    return found is not None and not catalog.has_condition_key(action, key)


def _with_tags(line: Line, statement: Statement, report: Report) -> None:
    """Look for services whose resources' tags are not told: the line keeps nothing of them in or out."""
    effect = "ALLOW" if statement.allows else "DENY"
    not_actions = statement.node.get("NotAction")
    if not_actions is not None:
        code = f"{effect}_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
        report.add(code, not_actions, line.key.key, conditionKeyName=line.key.name)
        return
    unheard = [node for node in statement.actions if _tells_no_tags(node.text, line.name, report)]
    if unheard:
        services = ", ".join(dict.fromkeys(node.text.partition(":")[0].lower() for node in unheard))
        code = f"{effect}_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
        report.add(code, *unheard, line.key.key, conditionKeyName=line.key.name, serviceNames=services)


def _tells_no_tags(action: str, key: str, report: Report) -> bool:
    if ":" not in action:
        return False
    found = named(action, report)
    tags = key.partition("/")[0] + "/"
    return bool(found) and not any(tags in one.condition_keys for one in found)


def _in_its_place(line: Line, statement: Statement, report: Report) -> None:
    subject = statement.subject
    if subject.resource_type in {BUCKET, "AWS::S3::AccessPoint"} and line.name in _OF_ANOTHER_POLICY:
        values = {"condition-key": line.key.name, "resource-type": subject.resource_type}
        report.add("IRRELEVANT_CONDITION_KEY_IN_POLICY", line.key.key, **values)
    if line.name == "s3:prefix":
        wrong = line.base in _POSITIVE_S3 if statement.denies else line.is_negated
        if wrong and line.base != "null":
            report.add("S3_PREFIX_IN_NEGATIVE_CONTEXT", line.operator.key, line.key.key)


def _pairs(statement: Statement, report: Report) -> None:
    """Look for keys that say little without another one."""
    vpc = ("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:ec2instancesourcevpc")
    for line in _lines_about(statement, "aws:vpcsourceip"):
        if not statement.has_key(*vpc):
            values = {"conditionKeyName": line.key.name, "recommendedKeys": "aws:SourceVpc"}
            report.add("MISSING_PAIRED_CONDITION_KEYS", line.key.key, **values)
    selects = [value.text for line in _lines_about(statement, "dynamodb:select") for value in line.values]
    for line in _lines_about(statement, "dynamodb:attributes"):
        if statement.allows and "SPECIFIC_ATTRIBUTES" not in selects and _reads(statement.actions, report):
            report.add("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", line.key.key)


def _lines_about(statement: Statement, key: str) -> list[Line]:
    return [line for line in statement.lines() if line.name == key]


def _reads(actions: Sequence[Node], report: Report) -> bool:
    found = [one for node in actions if ":" in node.text for one in named(node.text, report)]
    return any(one.access_level in {"Read", "List"} for one in found) or any(node.text == "*" for node in actions)
