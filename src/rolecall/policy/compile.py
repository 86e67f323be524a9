"""A document made ready: statements with their tests, found by action and by the literal start of their resources.

A compiled policy keeps, for each action it was asked about, the statements that cover it, so that a decision looks at
few statements however many there are. What it keeps follows from the document alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.policy.condition import ContextCheck, compile_condition
from rolecall.policy.document import Document, Effect, Statement
from rolecall.policy.glob import TextTest
from rolecall.policy.match import ResourcePattern, action_test, resource_pattern
from rolecall.policy.principal import Listed, listed
from rolecall.policy.request import Context

_KEPT_ACTIONS = 1024
_STEP = 8


class CompiledStatement:
    """A statement's tests, one for each element."""

    __slots__ = (
        "actions",
        "allow",
        "conditions",
        "effect",
        "not_actions",
        "not_resources",
        "position",
        "principal",
        "resources",
        "source",
        "variables",
    )

    def __init__(self, source: Statement, position: int, *, variables: bool) -> None:
        self.source = source
        self.position = position
        self.variables = variables
        self.allow = source.effect is Effect.ALLOW
        self.effect = source.effect.value
        self.actions: tuple[TextTest, ...] = tuple(action_test(pattern) for pattern in source.actions)
        self.not_actions = source.not_actions
        self.resources: tuple[ResourcePattern, ...] | None = (
            None
            if source.resources is None
            else tuple(resource_pattern(text, variables=variables) for text in source.resources)
        )
        self.not_resources = source.not_resources
        self.conditions: tuple[ContextCheck, ...] = tuple(
            compile_condition(condition, variables=variables) for condition in source.conditions
        )
        self.principal: Listed | None = None if source.principal is None else listed(source.principal, source.effect)

    def covers_action(self, action: str) -> bool:
        """Tell whether the statement is about an action, given in lower case."""
        return any(test(action) for test in self.actions) is not self.not_actions

    def covers_resource(self, resource: str, context: Context) -> bool:
        """Tell whether the statement is about a resource. One without Resource grants nothing and denies everything."""
        if self.resources is None:
            return not self.allow
        return any(pattern.test(resource, context) for pattern in self.resources) is not self.not_resources

    def conditions_hold(self, context: Context) -> bool:
        """Tell whether every line of the Condition holds."""
        for check in self.conditions:  # noqa: SIM110 - most statements have none, and a generator costs more than that
            if not check(context):
                return False
        return True


class _ByResource:
    """The statements that cover one action, found by resource.

    Patterns are filed under their literal start, cut to a multiple of `_STEP` characters, so that a look-up probes a
    few prefixes of the resource and then tests only patterns that share one.
    """

    __slots__ = ("all", "anywhere", "exact", "lengths", "prefixed")

    def __init__(self, statements: Sequence[CompiledStatement]) -> None:
        self.all = tuple(statements)
        self.anywhere: list[CompiledStatement] = []
        self.exact: dict[str, list[CompiledStatement]] = {}
        self.prefixed: dict[str, list[tuple[CompiledStatement, ResourcePattern]]] = {}
        for statement in statements:
            if statement.resources is None or statement.not_resources:
                self.anywhere.append(statement)
                continue
            for pattern in statement.resources:
                if pattern.exact:
                    self.exact.setdefault(pattern.prefix, []).append(statement)
                else:
                    start = pattern.prefix[: len(pattern.prefix) // _STEP * _STEP]
                    self.prefixed.setdefault(start, []).append((statement, pattern))
        self.lengths = tuple(sorted({len(start) for start in self.prefixed}))

    def covering(self, resource: str, context: Context) -> list[CompiledStatement]:
        """Return the statements that cover a resource, in the document's order."""
        found = [statement for statement in self.anywhere if statement.covers_resource(resource, context)]
        if self.exact:
            found += self.exact.get(resource, ())
        prefixed = self.prefixed
        size = len(resource)
        for length in self.lengths:
            if length > size:
                break
            for statement, pattern in prefixed.get(resource[:length], ()):
                if pattern.test(resource, context):
                    found.append(statement)
        if len(found) > 1:
            return sorted(set(found), key=_position)
        return found


def _position(statement: CompiledStatement) -> int:
    return statement.position


class CompiledPolicy:
    """A policy that can be asked which of its statements cover an action on a resource."""

    __slots__ = ("_by_action", "document", "statements")

    def __init__(self, document: Document) -> None:
        self.document = document
        self.statements = tuple(
            CompiledStatement(statement, position, variables=document.has_variables)
            for position, statement in enumerate(document.statements)
        )
        self._by_action: dict[str, _ByResource] = {}

    def covering(self, action: str, resource: str, context: Context) -> list[CompiledStatement]:
        """Return the statements about an action on a resource, in the document's order."""
        return self._about(action).covering(resource, context)

    def about(self, action: str) -> tuple[CompiledStatement, ...]:
        """Return the statements about an action, on whichever resource."""
        return self._about(action).all

    def _about(self, action: str) -> _ByResource:
        found = self._by_action.get(action)
        if found is None:
            lowered = action.lower()
            found = _ByResource([each for each in self.statements if each.covers_action(lowered)])
            if len(self._by_action) >= _KEPT_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = found
        return found


def compile_policy(document: Document) -> CompiledPolicy:
    """Make a document ready to be asked, once for all requests."""
    return CompiledPolicy(document)
