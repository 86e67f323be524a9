"""The answer to a case, ready for JSON: the decision, and the reasons as sentences and as data."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.cases.case import Answer
from rolecall.policy.decide import Decision, Layer, LayerExplained, Matched, Outcome
from rolecall.policy.explain import Failure, PolicyExplained, StatementExplained

_MOST = 3
_LONGEST = 200
_NEARNESS = {"Condition": 3, "Resource": 2, "NotResource": 2, "Principal": 1, "NotPrincipal": 1}
"""How near to applying a statement came, by the element that it failed in; about another action, it was not near."""


def told(case_id: object, answer: Answer) -> dict[str, object]:
    """Return `id`, `decision`, `reasons`, the `layer` that refused and the `statements` that decided."""
    decision = answer.decision
    found: dict[str, object] = {
        "id": case_id,
        "decision": decision.outcome.value,
        "reasons": list(reasons(answer)),
        "action": answer.request.action,
    }
    if decision.layer is not None and not answer.by_fact:
        found["layer"] = decision.layer.value
    found["statements"] = [_matched(each) for each in decision.matched]
    return found


def _matched(matched: Matched) -> dict[str, object]:
    return {
        "layer": matched.layer.value,
        "policy": matched.source,
        "statement": matched.statement,
        "sid": matched.sid,
        "effect": matched.effect,
    }


def reasons(answer: Answer) -> Iterator[str]:
    """Yield why the decision is as it is, a sentence each, the answer first."""
    decision, action = answer.decision, answer.request.action
    if answer.by_fact:
        may = "every caller may call" if decision.allowed else "this kind of caller cannot call"
        yield f"{may} {action}, whatever policies say"
    elif decision.outcome is Outcome.IMPLICIT_DENY:
        yield from _missing(answer, decision.layer or Layer.IDENTITY)
    else:
        yield from _statements(decision)


def _statements(decision: Decision) -> Iterator[str]:
    if decision.by_root:
        yield "the account's root user needs no policy"
    verb = "allowed" if decision.allowed else "denied"
    for matched in decision.matched:
        yield f"{verb} by {named(matched.statement, matched.sid)} of {matched.source} ({matched.layer.value})"


def named(statement: int, sid: str) -> str:
    """Return how a statement is named to people: by its position from 0, and its Sid where it has one."""
    return f'statement {statement} "{sid}"' if sid else f"statement {statement}"


def _missing(answer: Answer, refusing: Layer) -> Iterator[str]:
    """Yield which layer has no Allow, and what kept the statements that came nearest from applying."""
    yield f"no {refusing.value} allows {answer.request.action} on {_shown(answer.request.resource)}"
    silent = [layer for layer in answer.explanation().layers if layer.layer is refusing and _is_silent(layer)]
    if not any(layer.policies for layer in silent):
        yield f"there is no {refusing.value}"
        return
    near = sorted((each for layer in silent for each in _near(layer)), key=_by_nearness)
    if not near:
        yield "no Allow in it is about this action"
    for policy, statement, failure in near[:_MOST]:
        yield f"{named(statement.statement, statement.sid)} of {policy.source} would allow it, but {failed(failure)}"


def _is_silent(layer: LayerExplained) -> bool:
    return layer.outcome is Outcome.IMPLICIT_DENY


_Near = tuple[PolicyExplained, StatementExplained, Failure]


def _near(layer: LayerExplained) -> Iterator[_Near]:
    for policy in layer.policies:
        for statement in policy.statements:
            failure = statement.failure
            if statement.effect == "Allow" and failure is not None and failure.element in _NEARNESS:
                yield policy, statement, failure


def _by_nearness(near: _Near) -> int:
    return -_NEARNESS[near[2].element]


def failed(failure: Failure) -> str:
    """Return what a statement wants and what the request has instead."""
    wants = " or ".join(_shown(value) for value in failure.expected[:_MOST]) or "nothing"
    if len(failure.expected) > _MOST:
        wants += f" or one of {len(failure.expected) - _MOST} more"
    has = "it has none" if failure.actual is None else f"the request has {_listed(failure.actual)}"
    if failure.element == "Condition":
        return f"{failure.operator} {failure.key} wants {wants}, {has}"
    return f"{failure.element} is {wants}, {has}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(_shown(value) for value in values[:_MOST]) or "nothing"


def _shown(text: str) -> str:
    """Return a value in quotes: what is long is cut, what would steer a terminal is escaped."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "`" + "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut) + "`"
