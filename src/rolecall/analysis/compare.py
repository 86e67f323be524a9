"""Custom policy checks: whether a policy allows what another did not, or what it must not, decided without requests.

Each answer that nothing more is allowed is proved: whatever is unclear (a variable, a condition that another one does
not plainly imply) is taken the worse way. The other way round nothing is claimed that was not shown: a statement is
said to be new only where the policy engine itself lets a request through, and called unclear otherwise.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-custom-policy-checks.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from rolecall.analysis.implication import implied
from rolecall.analysis.languages import FIRST_SYMBOL, Undecided, Work, action_pattern, resource_pattern
from rolecall.analysis.reach import Box, Side, Symbols, is_within, left_over, narrow, whole, wide
from rolecall.analysis.trial import Trial
from rolecall.policy.compile import compile_policy
from rolecall.policy.document import Document, Effect, PrincipalElement, Statement

MOST_STEPS = 80_000
"""How much is spent on one comparison, and how much on showing what was found: some tenths of a second."""
_REQUEST = 20
"""How many steps a request put before the engine counts for."""
_RESERVED = re.compile(f"[{FIRST_SYMBOL}-\U0010ffff]")
"""Characters that stand for variables and wildcards here."""
_ESCAPED = re.compile(r"\\u[dD][bB][89a-fA-F]")
"""How JSON may spell them: the first half of a pair."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A statement that keeps a policy from passing."""

    index: int
    sid: str
    shown: bool = True
    """Whether a request was found that proves the finding; else only the proof of the opposite is missing."""


def new_access(new: Document, existing: Document) -> list[Reason]:
    """Return the statements of `new` that allow, or may allow, what `existing` does not. Raises Undecided."""
    for document in (new, existing):
        _refuse_reserved(document.text)
    symbols, showing = Symbols(Work(MOST_STEPS)), _Showing(new, existing, Symbols(Work(MOST_STEPS)))
    return [
        Reason(index, statement.sid, showing.is_shown(statement))
        for index, statement in enumerate(new.statements)
        if statement.effect is Effect.ALLOW and not _was_allowed(statement, new, existing, symbols)
    ]


def _refuse_reserved(*texts: str) -> None:
    """Raise Undecided for characters, written out or escaped, that mean something else here."""
    if any(_RESERVED.search(text) or _ESCAPED.search(text) for text in texts):
        raise Undecided


def granted(document: Document, actions: Sequence[str], resources: Sequence[str]) -> list[Reason]:
    """Return the statements that allow some of the actions on some of the resources, where their conditions are met.

    No actions stands for all, no resources for all. Raises Undecided.
    """
    _refuse_reserved(document.text, *actions, *resources)
    asked = Box(
        Side(tuple(map(action_pattern, actions or ("*",)))), Side(tuple(map(resource_pattern, resources or ("*",))))
    )
    symbols = Symbols(Work(MOST_STEPS))
    found: list[Reason] = []
    for index, statement in enumerate(document.statements):
        if statement.effect is not Effect.ALLOW:
            continue
        walls = [
            narrow(deny, document, symbols)
            for deny in _denies(document, symbols)
            if _names_no_fewer(deny.principal, statement.principal, symbols)
            and implied(deny.conditions, document, statement.conditions, document, symbols)
        ]
        if left_over([wide(statement, document, symbols), asked], walls, symbols.work) is not None:
            found.append(Reason(index, statement.sid))
    return found


def _denies(document: Document, symbols: Symbols) -> list[Statement]:
    symbols.work.spend(1 + len(document.statements) // 32)
    return [statement for statement in document.statements if statement.effect is Effect.DENY]


def _was_allowed(statement: Statement, new: Document, existing: Document, symbols: Symbols) -> bool:
    """Tell whether all that a statement allows was allowed, so far as it can be shown."""
    return all(_atom_was_allowed(statement, atom, new, existing, symbols) for atom in _atoms(statement.principal))


def _atom_was_allowed(
    statement: Statement, atom: PrincipalElement | None, new: Document, existing: Document, symbols: Symbols
) -> bool:
    mine = whole(statement, new, symbols)
    held_back = [
        narrow(deny, new, symbols)
        for deny in _denies(new, symbols)
        if _names_no_fewer(deny.principal, atom, symbols)
        and implied(deny.conditions, new, statement.conditions, new, symbols)
    ]
    symbols.work.spend(1 + len(existing.statements) // 4)
    before = [
        narrow(allow, existing, symbols)
        for allow in existing.statements
        if allow.effect is Effect.ALLOW
        and _grants_no_less(allow.principal, atom, symbols)
        and implied(allow.conditions, existing, statement.conditions, new, symbols)
    ]
    if not is_within(mine, [*before, *held_back], symbols.work):
        return False
    return all(
        _still_denied(deny, statement, atom, new, existing, symbols)
        for deny in _denies(existing, symbols)
        if left_over([wide(statement, new, symbols), wide(deny, existing, symbols)], [], symbols.work) is not None
    )


def _still_denied(
    deny: Statement,
    statement: Statement,
    atom: PrincipalElement | None,
    new: Document,
    existing: Document,
    symbols: Symbols,
) -> bool:
    """Tell whether what an existing statement denied of a new one's is denied still."""
    denies = _denies(new, symbols)
    for other in denies:
        if (
            _names_no_fewer(other.principal, deny.principal, symbols)
            and implied(other.conditions, new, deny.conditions, existing, symbols)
            and is_within(whole(deny, existing, symbols), [narrow(other, new, symbols)], symbols.work)
        ):
            return True
    walls = [
        narrow(other, new, symbols)
        for other in denies
        if _names_no_fewer(other.principal, atom, symbols)
        and (
            implied(other.conditions, new, statement.conditions, new, symbols)
            or implied(other.conditions, new, deny.conditions, existing, symbols)
        )
    ]
    return left_over([wide(statement, new, symbols), wide(deny, existing, symbols)], walls, symbols.work) is None


# Principals -----------------------------------------------------------------------------------------------------------


def _atoms(element: PrincipalElement | None) -> list[PrincipalElement | None]:
    """Return an element's principals one by one; what is not a list of them stays whole."""
    if element is None or element.negated:
        return [element]
    return [PrincipalElement((value,), plain=element.plain) for value in element.values]


def _spelled(element: PrincipalElement) -> frozenset[tuple[str, str]]:
    """Return an element's principals, an account's two spellings as one."""
    return frozenset((value.type, _account_of(value.value) or value.value) for value in element.values)


def _account_of(value: str) -> str:
    """Return the account that a principal names as a whole, or nothing."""
    if len(value) == 12 and value.isdigit():
        return value
    parts = value.split(":")
    return parts[4] if len(parts) == 6 and parts[2] == "iam" and parts[5] == "root" else ""


def _is_everyone(element: PrincipalElement) -> bool:
    return not element.negated and ("AWS", "*") in _spelled(element)


def _grants_no_less(allow: PrincipalElement | None, atom: PrincipalElement | None, symbols: Symbols) -> bool:
    """Tell whether an Allow with one element reaches a principal at least as closely as with another one.

    An account's name is less than a principal's own: the account's policies must allow it too.
    """
    if allow is None or atom is None:
        return allow is atom
    symbols.work.spend(1 + len(allow.values) // 4)
    if atom.negated or allow.negated:
        return atom.negated is allow.negated and _spelled(allow) == _spelled(atom)
    federated = any(value.type == "Federated" for value in atom.values)
    return _spelled(atom) <= _spelled(allow) or (_is_everyone(allow) and not federated)


def _names_no_fewer(deny: PrincipalElement | None, atom: PrincipalElement | None, symbols: Symbols) -> bool:
    """Tell whether a Deny with one element applies to everybody that another one names."""
    if deny is None or atom is None:
        return deny is atom
    symbols.work.spend(1 + (len(deny.values) + len(atom.values)) // 4)
    if deny.negated:
        return atom.negated and _spelled(deny) == _spelled(atom)
    if _is_everyone(deny):
        return True
    return not atom.negated and not _is_everyone(atom) and _spelled(atom) <= _spelled(deny)


# What is shown --------------------------------------------------------------------------------------------------------


class _Showing:
    """A search for requests that the engine allows by one policy and not by the other."""

    def __init__(self, new: Document, existing: Document, symbols: Symbols) -> None:
        self._new, self._existing = new, existing
        self._symbols = symbols
        self._policies = compile_policy(new), compile_policy(existing)
        self._lines = sum(1 + len(one.conditions) for one in (*new.statements, *existing.statements))

    def is_shown(self, statement: Statement) -> bool:
        """Tell whether one is found that a statement of the new policy lets through."""
        try:
            trial = Trial(*self._policies, statement, self._texts(statement))
            return trial.lets_through(self._differences(statement), partial(self._symbols.work.spend, self._price()))
        except Undecided:
            return False

    def _price(self) -> int:
        """Return what a request costs: the engine looks through both policies."""
        return _REQUEST + len(self._new.statements) + len(self._existing.statements)

    def _texts(self, statement: Statement) -> list[str]:
        others = chain.from_iterable(one.resources or () for one in self._existing.statements)
        texts = [*(statement.resources or ()), *others]
        self._symbols.work.spend(len(texts) + self._lines)
        return texts

    def _differences(self, statement: Statement) -> list[tuple[str, str]]:
        """Return actions and resources that the statement covers and the existing policy does not, or denies."""
        symbols, new, existing = self._symbols, self._new, self._existing
        before = [narrow(one, existing, symbols) for one in existing.statements if one.effect is Effect.ALLOW]
        walls = [wide(deny, new, symbols) for deny in _denies(new, symbols) if not deny.conditions]
        mine = [narrow(statement, new, symbols)]
        wholes = [[*mine, narrow(deny, existing, symbols)] for deny in _denies(existing, symbols)]
        pairs = [left_over(mine, [*before, *walls], symbols.work)]
        pairs += [left_over(boxes, walls, symbols.work) for boxes in (mine, *wholes)]
        return [pair for pair in pairs if pair is not None]
