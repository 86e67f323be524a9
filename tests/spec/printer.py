"""`Document` to policy text: what `parse` read, in AWS's order of elements, one value standing alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rolecall.policy.document import Document, PrincipalElement, Statement


def written(document: Document, *, indent: int | None = None) -> str:
    """Return the text of a document; `parse` reads it as the same statements."""
    return json.dumps(as_json(document), indent=indent, ensure_ascii=False)


def as_json(document: Document) -> dict[str, object]:
    """Return a document as a JSON object."""
    found: dict[str, object] = {"Version": document.version}
    if document.id:
        found["Id"] = document.id
    found["Statement"] = [statement_as_json(statement) for statement in document.statements]
    return found


def statement_as_json(statement: Statement) -> dict[str, object]:
    """Return one statement as a JSON object."""
    found: dict[str, object] = {"Sid": statement.sid} if statement.sid else {}
    found["Effect"] = statement.effect.value
    if statement.principal is not None:
        name = "NotPrincipal" if statement.principal.negated else "Principal"
        found[name] = _principal(statement.principal)
    found["NotAction" if statement.not_actions else "Action"] = _one_or_all(statement.actions)
    if statement.resources is not None:
        found["NotResource" if statement.not_resources else "Resource"] = _one_or_all(statement.resources)
    conditions: dict[str, dict[str, object]] = {}
    for condition in statement.conditions:
        conditions.setdefault(condition.operator, {})[condition.key] = _one_or_all(condition.values)
    if conditions:
        found["Condition"] = conditions
    return found


def _principal(element: PrincipalElement) -> object:
    if element.plain:
        return "*"
    by_type: dict[str, list[str]] = {}
    for value in element.values:
        by_type.setdefault(value.type, []).append(value.value)
    return {kind: _one_or_all(values) for kind, values in by_type.items()}


def _one_or_all(values: Sequence[str]) -> object:
    return values[0] if len(values) == 1 else list(values)
