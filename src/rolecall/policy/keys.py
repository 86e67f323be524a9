"""The context keys that documents refer to: in their conditions, and as policy variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rolecall.policy.condition import spelled
from rolecall.policy.document import Document, Statement
from rolecall.policy.template import Variable, tokens_of

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


def context_keys(documents: Iterable[Document]) -> list[str]:
    """Return the keys that documents refer to, each once without regard to case, as first written and in that order."""
    found: dict[str, str] = {}
    for document in documents:
        for statement in document.statements:
            for key in _keys(statement, variables=document.has_variables):
                found.setdefault(key.lower(), key)
    return list(found.values())


def _keys(statement: Statement, *, variables: bool) -> Iterator[str]:
    for text in statement.resources or ():
        if variables:
            yield from _variables(text)
    for condition in statement.conditions:
        yield condition.key
        operator = spelled(condition.operator)
        if variables and operator is not None and operator.operator.takes_variables:
            for value in condition.values:
                yield from _variables(value)


def _variables(text: str) -> Iterator[str]:
    for match in _VARIABLE.finditer(text):
        if any(isinstance(token, Variable) for token in tokens_of(match[0], wildcards=False, variables=True)):
            yield match[1].partition(",")[0].strip(" ")
