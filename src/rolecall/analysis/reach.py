"""The actions and resources that a statement is about, as languages: where two statements meet, and what is left.

A policy variable is one unknown text, the same wherever it is written the same: it stands in patterns as a character of
its own, which a `*` covers and a `?` does not. Where that will not do, it is taken to stand for nothing, or for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rolecall.analysis.languages import (
    EVERYTHING,
    FIRST_SYMBOL,
    Pattern,
    Work,
    action_pattern,
    in_part,
    literal,
    matches,
    resource_pattern,
    witness,
)
from rolecall.policy.document import Document, Statement

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_SIGNS = frozenset("*?$")
_ACTIONS: Pattern = in_part("*:*")
_RESOURCES: tuple[Pattern, ...] = (literal("*"), resource_pattern("arn:*:*:*:*:*"))
"""What requests are about: an ARN, or nothing in particular."""


class Symbols:
    """Characters for the variables of documents that are compared, and what may be spent on comparing them."""

    def __init__(self, work: Work) -> None:
        """Begin with none."""
        self._by_text: dict[str, str] = {}
        self._boxes: dict[tuple[int, str], Box] = {}
        self.work = work

    def box(self, statement: Statement, kind: str, make: Callable[[], Box]) -> Box:
        """Return a statement's box of some kind, which is made and paid for once."""
        found = self._boxes.get((id(statement), kind))
        if found is None:
            self.work.spend(1 + len(statement.actions) + len(statement.resources or ()))
            found = self._boxes[id(statement), kind] = make()
        return found

    def of(self, variable: str) -> str:
        """Return the character of a variable, as it is written between its braces."""
        return self._by_text.setdefault(variable, chr(ord(FIRST_SYMBOL) + len(self._by_text)))

    def pattern(self, text: str, document: Document) -> str | None:
        """Return the text with its variables' characters; None where a part is to be taken literally that is no text.

        `${*}` and its like become wildcards' own signs, which patterns here cannot say: they are given up.
        """
        if not document.has_variables or "${" not in text:
            return text
        if any(found in _SIGNS for found in _VARIABLE.findall(text)):
            return None
        changed = _in_the_name(text, lambda name: _VARIABLE.sub(lambda found: self.of(found[1]), name))
        return None if "${" in changed else changed


@dataclass(frozen=True, slots=True)
class Side:
    """A set of texts: those of some patterns, or those of none of them."""

    patterns: tuple[Pattern, ...]
    negated: bool = False

    def inside(self) -> tuple[list[Sequence[Pattern]], list[Pattern]]:
        """Return it as a group to be in and patterns to be out of."""
        return ([], list(self.patterns)) if self.negated else ([self.patterns], [])

    def outside(self) -> tuple[list[Sequence[Pattern]], list[Pattern]]:
        """Return what is not in it."""
        return Side(self.patterns, not self.negated).inside()


@dataclass(frozen=True, slots=True)
class Box:
    """The actions and the resources that a statement is about: every one of these on every one of those."""

    actions: Side
    resources: Side


def narrow(statement: Statement, document: Document, symbols: Symbols) -> Box:
    """Return a box that holds nothing that the statement does not cover, variables taken as unknown texts."""
    return symbols.box(statement, "narrow", lambda: _narrow(statement, document, symbols))


def _narrow(statement: Statement, document: Document, symbols: Symbols) -> Box:
    if statement.not_resources:
        return _box(statement, [_at_most(text, document) for text in statement.resources or ()])
    return _box(statement, [symbols.pattern(text, document) for text in statement.resources or ()])


def _at_most(text: str, document: Document) -> str:
    """Return a pattern of all that a text may stand for."""
    return _in_the_name(text, lambda name: _VARIABLE.sub("*", name)) if document.has_variables else text


def whole(statement: Statement, document: Document, symbols: Symbols) -> Box:
    """Return a box that leaves out nothing that the statement covers, variables taken as unknown texts where it can."""
    return symbols.box(statement, "whole", lambda: _whole(statement, document, symbols))


def _whole(statement: Statement, document: Document, symbols: Symbols) -> Box:
    unclear = statement.not_resources or None in (symbols.pattern(text, document) for text in statement.resources or ())
    return wide(statement, document, symbols) if unclear else narrow(statement, document, symbols)


def wide(statement: Statement, document: Document, symbols: Symbols) -> Box:
    """Return a box that holds all that the statement may cover, whatever its variables stand for."""
    return symbols.box(statement, "wide", lambda: _wide(statement, document))


def _wide(statement: Statement, document: Document) -> Box:
    texts = statement.resources or ()
    if not document.has_variables:
        return _box(statement, list(texts))
    if statement.not_resources:
        return _box(statement, [text for text in texts if "${" not in text])
    return _box(statement, [_at_most(text, document) for text in texts])


def _in_the_name(text: str, change: Callable[[str], str]) -> str:
    """Change the part of an ARN in which variables stand, or the whole of what is no ARN."""
    parts = text.split(":", 5)
    return ":".join([*parts[:5], change(parts[5])]) if len(parts) == 6 else change(text)


def _box(statement: Statement, resources: Sequence[str | None]) -> Box:
    actions = Side(tuple(map(action_pattern, statement.actions)), statement.not_actions)
    if statement.resources is None:
        return Box(actions, Side((EVERYTHING,)))
    if statement.not_resources and None in resources:
        return Box(actions, Side(()))
    texts = [text for text in resources if text is not None]
    return Box(actions, Side(tuple(map(resource_pattern, texts)), statement.not_resources))


_Limits = tuple[Sequence[Sequence[Pattern]], Sequence[Pattern]]


def left_over(whole: Sequence[Box], without: Sequence[Box], work: Work) -> tuple[str, str] | None:
    """Return an action and a resource that lie in each box of `whole` and in none of `without`; None: there is none.

    For each box of `without` either the action or the resource keeps out of it; both ways are tried. Raises Undecided.
    """
    actions: _Limits = [[_ACTIONS]], []
    resources: _Limits = [_RESOURCES], []
    for box in whole:
        actions = _added(actions, box.actions.inside())
        resources = _added(resources, box.resources.inside())
    return _find(actions, resources, list(without), work)


def _find(actions: _Limits, resources: _Limits, without: list[Box], work: Work) -> tuple[str, str] | None:
    action = witness(*actions, work)
    resource = None if action is None else witness(*resources, work)
    if action is None or resource is None:
        return None
    box = next(
        (box for box in without if _holds(box.actions, action, work) and _holds(box.resources, resource, work)), None
    )
    if box is None:
        return action, resource
    rest = [other for other in without if other is not box]
    by_action = _find(_added(actions, box.actions.outside()), resources, rest, work)
    return by_action or _find(actions, _added(resources, box.resources.outside()), rest, work)


def _added(limits: _Limits, more: _Limits) -> _Limits:
    return [*limits[0], *more[0]], [*limits[1], *more[1]]


def _holds(side: Side, text: str, work: Work) -> bool:
    return matches(side.patterns, text, work) is not side.negated


def is_within(inner: Box, outer: Sequence[Box], work: Work) -> bool:
    """Tell whether every action on every resource of a box lies in one of others. Raises Undecided."""
    return inner in outer or left_over([inner], outer, work) is None
