"""The document as a whole: JSON, Version, Statement, sizes, and what statements have to do with each other."""

from __future__ import annotations

from collections.abc import Callable

from rolecall.analysis.findings import Finding, Location, Report
from rolecall.analysis.located import Kind, Lines, Node, NotJson, read
from rolecall.analysis.validation.actions import review_actions
from rolecall.analysis.validation.condition_keys import review_keys
from rolecall.analysis.validation.conditions import review_conditions
from rolecall.analysis.validation.elements import review_elements
from rolecall.analysis.validation.permissive import review_permissiveness
from rolecall.analysis.validation.principals import review_principals
from rolecall.analysis.validation.resources import review_resources
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import BUCKET, PolicyType, Subject
from rolecall.analysis.validation.trust import review_trust
from rolecall.analysis.validation.values import review_values
from rolecall.analysis.validation.variables import review_variables
from rolecall.policy.document import VERSIONS
from rolecall.policy.validate import size_without_whitespace

_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_REVIEWS: tuple[Callable[[Statement, Report], None], ...] = (
    review_elements,
    review_principals,
    review_actions,
    review_resources,
    review_conditions,
    review_keys,
    review_values,
    review_variables,
    review_permissiveness,
    review_trust,
)
_IDENTITY_QUOTA, _SCP_QUOTA, _RCP_QUOTA, _TRUST_QUOTA, _BUCKET_QUOTA = 6144, 10240, 5120, 2048, 20480


def review(text: str, subject: Subject) -> list[Finding]:
    """Return the findings of a document. Raises Undecided for one that is too much."""
    report = Report()
    try:
        document = read(text)
    except NotJson as problem:
        _no_json(text, problem.index, report)
        return report.findings()
    if not document.is_object:
        report.add("DATA_TYPE_MISMATCH", document, data_type=Kind.OBJECT.value)
        return report.findings()
    _frame(document, report)
    _size(text, document, subject, report)
    version = document.get("Version")
    has_variables = version is not None and version.text == VERSIONS[1]
    statements = [Statement(node, subject, has_variables, report.effort) for node in _statements(document, report)]
    for statement in statements:
        for look in _REVIEWS:
            look(statement, report)
    _sids(statements, subject, report)
    _repeated(statements, report)
    return report.findings()


def _no_json(text: str, index: int, report: Report) -> None:
    if index >= len(text):
        report.add_second("JSON_SYNTAX_ERROR", Location((), len(text), len(text)))
        return
    place = Lines(text).position(index)
    where = Location((), index, index + 1)
    report.add("JSON_SYNTAX_ERROR", where, index=index, line=place.line, column=place.column)


def _frame(document: Node, report: Report) -> None:
    for member in document.members:
        if member.name not in _ELEMENTS:
            report.add("INVALID_POLICY_ELEMENT", member.key, element=member.name)
    version = document.get("Version")
    if version is None:
        report.add("MISSING_VERSION", document)
    elif not version.is_string:
        report.add("DATA_TYPE_MISMATCH", version, data_type=Kind.STRING.value)
    elif version.text not in VERSIONS:
        report.add("INVALID_VERSION", version, version=version.text, versions=f"[{', '.join(VERSIONS)}]")
    name = document.get("Id")
    if name is not None and not name.is_string:
        report.add("DATA_TYPE_MISMATCH", name, data_type=Kind.STRING.value)


def _statements(document: Node, report: Report) -> list[Node]:
    found = document.get("Statement")
    if found is None or (found.kind is Kind.ARRAY and not found.items):
        report.add("MISSING_STATEMENT", found or document)
        return []
    wrong = [node for node in found.each() if not node.is_object]
    for node in wrong:
        report.add("DATA_TYPE_MISMATCH", node, data_type=Kind.OBJECT.value)
    return [node for node in found.each() if node.is_object]


def _size(text: str, document: Node, subject: Subject, report: Report) -> None:
    without = size_without_whitespace(text)
    if subject.type is PolicyType.IDENTITY and without > _IDENTITY_QUOTA:
        values = {"policySize": without, "policySizeQuota": _IDENTITY_QUOTA}
        report.add("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", document, **values)
    if subject.type is PolicyType.SERVICE_CONTROL and len(text) > _SCP_QUOTA:
        values = {"policySize": len(text), "policySizeQuota": _SCP_QUOTA}
        report.add("POLICY_SIZE_EXCEEDS_SCP_QUOTA", document, **values)
    if subject.type is PolicyType.RESOURCE_CONTROL and len(text) > _RCP_QUOTA:
        values = {"policySize": len(text), "policySizeQuota": _RCP_QUOTA}
        report.add("POLICY_SIZE_EXCEEDS_RCP_QUOTA", document, **values)
    if subject.is_trust and without > _TRUST_QUOTA:
        report.add("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", document)
    if subject.resource_type == BUCKET and len(text.encode()) > _BUCKET_QUOTA:
        values = {"policySize": len(text.encode()), "policySizeQuota": _BUCKET_QUOTA}
        report.add("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", document, **values)


def _sids(statements: list[Statement], subject: Subject, report: Report) -> None:
    """Find statement ids that come twice: where they are stored with the policy they must not."""
    required = subject.type is PolicyType.IDENTITY or subject.is_trust or subject.resource_type == BUCKET
    seen: dict[str, Node] = {}
    for statement in statements:
        sid = statement.node.get("Sid")
        if sid is None or not sid.text:
            continue
        if sid.text in seen:
            code = "UNIQUE_SIDS_REQUIRED" if required else "UNIQUE_SIDS_RECOMMENDED"
            report.add(code, sid, seen[sid.text])
        seen.setdefault(sid.text, sid)


def _repeated(statements: list[Statement], report: Report) -> None:
    seen: dict[object, Node] = {}
    for statement in statements:
        same = _plain(statement.node, top=True)
        if same in seen:
            report.add("REDUNDANT_STATEMENT", seen[same], statement.node)
        seen.setdefault(same, statement.node)


def _plain(node: Node, *, top: bool = False) -> object:
    """Return what a value says, for comparing: order of members and a statement's Sid do not matter."""
    if node.is_object:
        members = [member for member in node.members if not (top and member.name == "Sid")]
        return frozenset((member.name, _plain(member.value)) for member in members)
    if node.kind is Kind.ARRAY and len(node.items) != 1:
        return frozenset(map(_plain, node.items))
    return (node.each()[0].kind, node.each()[0].text) if node.kind is not Kind.ARRAY else _plain(node.items[0])
