"""Policy variables: their form, and where they mean something.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.analysis.findings import Report, within
from rolecall.analysis.located import Node
from rolecall.analysis.validation.statement import Statement
from rolecall.policy.document import VERSIONS

_VARIABLE = re.compile(r"\$\{([^}]*)(\}?)")
_LITERAL = frozenset({"*", "?", "$"})
_NO_PLACE = ("Action", "NotAction", "Effect")
_TAKES_VARIABLES = ("string", "arn", "bool", "null")


def review_variables(statement: Statement, report: Report) -> None:
    """Look at each `${...}`."""
    for node in _where_none_is(statement):
        for found in _VARIABLE.finditer(node.text):
            place = within(node, found.start(), len(found[0]))
            report.add("VARIABLE_UNSUPPORTED_IN_ELEMENT", place, variable=found[0])
    for node in _where_some_are(statement):
        for found in _VARIABLE.finditer(node.text):
            if statement.has_variables:
                _form(node, found, report)
            elif ":" in found[1]:
                place = within(node, found.start(), len(found[0]))
                report.add("VARIABLE_UNSUPPORTED_IN_VERSION", place, version=VERSIONS[1])
    for line in statement.lines() if statement.has_variables else ():
        for node in line.values:
            if "${" in node.text and not line.base.startswith(_TAKES_VARIABLES):
                report.add("INVALID_VARIABLE_FOR_OPERATOR", node)


def _where_none_is(statement: Statement) -> Iterator[Node]:
    yield from statement.strings(*_NO_PLACE[:2])
    for name in ("Principal", "NotPrincipal"):
        element = statement.node.get(name)
        for member in element.members if element is not None else ():
            yield from (node for node in member.value.each() if node.is_string)


def _where_some_are(statement: Statement) -> Iterator[Node]:
    yield from statement.strings("Resource", "NotResource")
    for line in statement.lines():
        yield from (node for node in line.values if node.is_string)


def _form(node: Node, found: re.Match[str], report: Report) -> None:
    place = within(node, found.start(), len(found[0]))
    inner, closed = found[1], found[2]
    if not closed:
        report.add("MISSING_BRACE_IN_VARIABLE", place)
        return
    if not inner.strip():
        report.add("EMPTY_VARIABLE", place)
        return
    if inner in _LITERAL:
        return
    name, comma, default = inner.partition(",")
    if " " in name:
        report.add("UNSUPPORTED_SPACE_IN_VARIABLE", place)
    quoted = default.strip(" ")
    if comma and not (len(quoted) >= 2 and quoted[0] == quoted[-1] == "'"):
        report.add("MISSING_QUOTE_IN_VARIABLE", place)
