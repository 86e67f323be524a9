"""The form of a Condition: operators, blocks, and operators together with the kind of key they are used on."""

from __future__ import annotations

from collections.abc import Iterable

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Kind, Member
from rolecall.analysis.validation.statement import Line, Statement
from rolecall.catalog import actions as catalog
from rolecall.policy.condition import is_operator

_FITTING = {
    "String": ("string", "arn"),
    "ARN": ("arn", "string"),
    "Bool": ("bool",),
    "Numeric": ("numeric",),
    "Date": ("date",),
    "IPAddress": ("ipaddress", "notipaddress"),
    "Binary": ("binary",),
}
"""How the operators that fit a key's type begin. Text keys hold ARNs here and there."""
_SUGGESTED = {"IPAddress": "IpAddress", "ARN": "Arn"}
_ALSO = {"aws:epochtime": ("date", "numeric"), "aws:currenttime": ("date",), "aws:tokenissuetime": ("date",)}


def review_conditions(statement: Statement, report: Report) -> None:
    """Look at the Condition's form, and at each of its lines."""
    condition = statement.node.get("Condition")
    if condition is None:
        return
    if not condition.is_object:
        report.add("DATA_TYPE_MISMATCH", condition, data_type=Kind.OBJECT.value)
        return
    if not condition.members:
        report.add("EMPTY_OBJECT_CONDITION", condition)
    for operator in condition.members:
        _operator(operator, report)
        _block(operator, report)
    for line in statement.lines():
        _qualifier(line, statement, report)
        _fitting(line, report)
        _decided_beforehand(line, report)


def _operator(operator: Member, report: Report) -> None:
    name = operator.name.lower()
    base = name.rpartition(":")[2]
    if base == "nullifexists":
        report.add("NULL_WITH_IF_EXISTS", operator.key)
    elif base == "null" and name.rpartition(":")[0] in {"forallvalues", "foranyvalue"}:
        report.add("NULL_WITH_QUALIFIER", operator.key)
    elif not is_operator(operator.name):
        report.add("INVALID_CONDITION_OPERATOR", operator.key, operator=operator.name)


def _block(operator: Member, report: Report) -> None:
    if not operator.value.is_object:
        report.add("DATA_TYPE_MISMATCH", operator.value, data_type=Kind.OBJECT.value)
        return
    if not operator.value.members:
        report.add("EMPTY_OBJECT_CONDITION", operator.value)
    seen: dict[str, Member] = {}
    for key in operator.value.members:
        folded = key.name.lower()
        if folded in seen:
            report.add("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", key.key, seen[folded].key, key=key.name)
        seen.setdefault(folded, key)


def _qualifier(line: Line, statement: Statement, report: Report) -> None:
    """Look at set operators: lists need one, single values must not have one."""
    kind = catalog.key_type(line.name)
    name = line.key.name
    if line.name.endswith((":aud", ":oaud")) and line.qualifier:
        if line.qualifier == "foranyvalue":
            report.add("FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE", line.operator.key, line.key.key, key=name)
        report.add("CONFIRM_AUDIENCE_CLAIM_TYPE", line.operator.key, line.key.key, key=name, audienceType="audience")
        return
    if kind is None or line.base == "null":
        return
    if kind.startswith("ArrayOf"):
        if not line.qualifier and is_operator(line.operator.name):
            report.add("MISSING_QUALIFIER", line.key.key, key=name)
    elif line.qualifier == "forallvalues" and statement.allows and not _is_checked_for_presence(line, statement):
        report.add("FORALLVALUES_WITH_SINGLE_VALUED_KEY", line.operator.key, line.key.key, key=name)


def _is_checked_for_presence(line: Line, statement: Statement) -> bool:
    """Tell whether a Null line asks for the key to be there, without which ForAllValues holds of nothing."""
    wanted = {"false"}
    return any(
        other.base == "null" and other.name == line.name and {value.text.lower() for value in other.values} == wanted
        for other in statement.lines()
    )


def _fitting(line: Line, report: Report) -> None:
    kind = (catalog.key_type(line.name) or "").removeprefix("ArrayOf")
    fitting: Iterable[str] = _ALSO.get(line.name, _FITTING.get(kind, ()))
    if not fitting or line.base == "null" or not is_operator(line.operator.name):
        return
    values = {"operator": line.operator.name, "key": line.key.name}
    if not line.base.startswith(tuple(fitting)):
        report.add("TYPE_MISMATCH", line.operator.key, line.key.key, allowed=_SUGGESTED.get(kind, kind), **values)
    elif kind == "ARN" and line.base in {"stringlike", "stringnotlike"}:
        allowed = "ArnLike" if line.base == "stringlike" else "ArnNotLike"
        code = "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS"
        report.add(code, line.operator.key, line.key.key, allowed=allowed, **values)


def _decided_beforehand(line: Line, report: Report) -> None:
    """Find lines that hold for every request, or for none, because they compare with a lone star."""
    if "*" not in {value.text for value in line.values}:
        return
    values = {"key": line.key.name, "operator": line.operator.name}
    always = line.base == "stringlike" and (line.if_exists or line.qualifier == "forallvalues")
    if always and line.qualifier != "foranyvalue":
        report.add("REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION", line.key.key, **values)
    if line.base == "stringnotlike" and line.qualifier == "foranyvalue" and not line.if_exists:
        report.add("REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION", line.key.key, **values)
