"""A decision in sentences for people, from a record of the trail."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from rolecall.client.events import Record
from rolecall.client.record import action, caller, is_refused, objects, text, texts

_STYLES = {"allow": "green", "implicit_deny": "yellow", "explicit_deny": "red"}
_WORDS = {"allow": "allows", "implicit_deny": "allows nothing here", "explicit_deny": "denies"}


def explanation(record: Record) -> Text:
    """Return the whole explanation, a line each."""
    told = Text()
    _head(told, record)
    for check in objects(record, "additionalEventData", "decision"):
        _check(told, check)
    reason = text(record, "additionalEventData", "reason")
    if reason:
        told.append(f"\nKept from the caller: {reason}\n", style="yellow")
    if not objects(record, "additionalEventData", "decision") and is_refused(record):
        told.append("\nNo policy was asked: the request was refused before, for what its message says.\n")
    return told


def _head(told: Text, record: Record) -> None:
    refused, code = is_refused(record), text(record, "errorCode")
    verdict, style = ("refused", "bold red") if refused else ("failed", "bold yellow") if code else ("ok", "bold green")
    told.append(verdict, style=style)
    told.append(f"  {action(record)}  by {caller(record)}\n", style="bold")
    address = text(record, "sourceIPAddress")
    when = text(record, "eventTime").replace("T", " ").replace("Z", " UTC")
    told.append(f"  at {when}" + (f" from {address}" if address else "") + f", request {text(record, 'requestID')}\n")
    if code:
        told.append(f"  answer  {code}: {text(record, 'errorMessage')}\n")


def _check(told: Text, check: Record) -> None:
    outcome = text(check, "outcome")
    told.append("\n")
    told.append(outcome.replace("_", " "), style=_STYLES.get(outcome, ""))
    told.append(f"  {text(check, 'action')} on {text(check, 'resource')}\n")
    if text(check, "byRoot") == "True":
        told.append("  the account's root user needs no policy\n")
    if text(check, "broken"):
        told.append(f"  no policy decided: {text(check, 'broken')}\n")
    for statement in objects(check, "statements"):
        told.append(f"  {_deciding(statement)}\n")
    layers = objects(check, "explanation")
    if outcome == "implicit_deny":
        told.append(f"  for want of an Allow in the {text(check, 'layer')}\n")
    for layer in layers:
        _layer(told, layer)
    for change in _changes(check, layers):
        told.append(f"  → {change}\n", style="cyan")


def _deciding(statement: Record) -> str:
    verb = "allowed" if text(statement, "effect") == "Allow" else "denied"
    return f"{verb} by {_statement_name(statement)} of {text(statement, 'source')} ({text(statement, 'layer')})"


def _statement_name(statement: Record) -> str:
    sid = text(statement, "sid")
    return f"statement {text(statement, 'statement')}" + (f" “{sid}”" if sid else "")


def _layer(told: Text, layer: Record) -> None:
    outcome = text(layer, "outcome")
    told.append(f"  {text(layer, 'layer')}: ")
    told.append(f"{_WORDS.get(outcome, outcome)}\n", style=_STYLES.get(outcome, ""))
    policies = objects(layer, "policies")
    if not policies:
        told.append("    there is no policy in it\n", style="dim")
    for policy in policies:
        told.append(f"    {text(policy, 'source')}\n")
        for statement in objects(policy, "statements"):
            told.append(f"      {text(statement, 'effect')} {_statement_name(statement)}: {_became(statement)}\n")
        others = text(policy, "otherStatements")
        if others not in {"", "0"}:
            told.append(f"      {others} more, about other actions\n", style="dim")


def _became(statement: Record) -> str:
    failed = statement.get("failed")
    if not isinstance(failed, dict):
        return "applies"
    expected, actual = texts(failed, "expected") or [], texts(failed, "actual")
    has = "it has none" if actual is None else f"the request has {_listed(actual)}"
    if text(failed, "element") == "Condition":
        return f"{text(failed, 'operator')} {text(failed, 'key')} wants {_listed(expected)}, {has}"
    return f"{text(failed, 'element')} is {_listed(expected)}, {has}"


def _listed(values: list[str]) -> str:
    return " or ".join(f"`{value}`" for value in values) if values else "nothing"


def _changes(check: Record, layers: list[Record]) -> Iterator[str]:
    """Yield what would, by itself, change what the layer that refused says."""
    refusing, outcome = text(check, "layer"), text(check, "outcome")
    if outcome == "explicit_deny":
        yield f"the Deny of the {refusing} must go, or not apply"
        return
    if outcome != "implicit_deny":
        return
    near = [statement for layer in layers if text(layer, "layer") == refusing for statement in _almost(layer)]
    yield from near
    if layers:
        yield f"an Allow for {text(check, 'action')} on {text(check, 'resource')} in the {refusing}"


def _almost(layer: Record) -> Iterator[str]:
    for policy in objects(layer, "policies"):
        for statement in objects(policy, "statements"):
            if text(statement, "effect") == "Allow" and isinstance(statement.get("failed"), dict):
                yield f"{_statement_name(statement)} of {text(policy, 'source')} would do, but {_became(statement)}"
