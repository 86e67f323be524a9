"""A decision for people, from a record of the trail: a sentence, the policies that were asked, what would change it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.text import Text

from rolecall.client.events import Record
from rolecall.client.hints import to_fail, to_hold
from rolecall.client.record import action, caller, is_refused, objects, text
from rolecall.client.sentence import (
    RESOURCE,
    SESSION,
    decisions,
    denying,
    failed,
    is_missing,
    near,
    sentence,
    statement_name,
    statement_of,
)

_STYLES = {"allow": "green", "implicit_deny": "yellow", "explicit_deny": "red"}
_WORDS = {"allow": "allows", "implicit_deny": "does not allow", "explicit_deny": "denies"}
_PUT = {"user": "put-user-policy --user-name", "role": "put-role-policy --role-name"}


def explanation(record: Record) -> Text:
    """Return the whole explanation, a line each."""
    told = Text()
    _head(told, record)
    checks = decisions(record)
    for check in checks:
        if text(check, "outcome") == "allow" and is_refused(record):
            continue
        _chain(told, check)
        _remedy(told, check, record)
    return told


def _head(told: Text, record: Record) -> None:
    answer = sentence(record)
    style = "bold red" if is_refused(record) else "bold yellow" if text(record, "errorCode") else "bold green"
    first, *rest = answer.split(" ", 1)
    told.append(first, style=style).append(f" {rest[0]}\n" if rest else "\n", style="bold")
    address = text(record, "sourceIPAddress")
    when = text(record, "eventTime").replace("T", " ").replace("Z", " UTC")
    told.append(f"\n  {action(record)} by {caller(record)}" + (f" from {address}" if address else ""))
    told.append(f" at {when}\n  request {text(record, 'requestID')}\n", style="dim")
    if text(record, "errorCode"):
        told.append(f"  the caller heard  {text(record, 'errorCode')}: {text(record, 'errorMessage')}\n", style="dim")


def _chain(told: Text, check: Record) -> None:
    """Tell what was asked, policy by policy, the deciding one marked."""
    told.append("\n  Policies asked", style="bold").append(f" about {text(check, 'action')}")
    told.append(f" on {text(check, 'resource')}\n")
    layers = objects(check, "explanation")
    if not layers:
        _short_chain(told, check)
    for layer in layers:
        outcome = text(layer, "outcome")
        decides = text(layer, "layer") == text(check, "layer") and outcome == text(check, "outcome")
        told.append("  ▸ " if decides else "    ", style="bold")
        told.append(f"{text(layer, 'layer')} ", style="bold" if decides else "")
        told.append(_WORDS.get(outcome, outcome), style=_STYLES.get(outcome, ""))
        told.append("  ← this decided\n" if decides else "\n", style="bold")
        if not objects(layer, "policies"):
            told.append("        there is none\n", style="dim")
        for policy in objects(layer, "policies"):
            _policy(told, policy)


def _short_chain(told: Text, check: Record) -> None:
    """Describe a check that was allowed, or that needed no policy."""
    for one in objects(check, "statements"):
        told.append(f"  ▸ {text(one, 'layer')} ").append(_WORDS["allow"], style="green")
        told.append(f"\n        {text(one, 'source')}\n          {statement_name(one)}\n")
    if text(check, "broken"):
        told.append(f"    none: {text(check, 'broken')}\n")
    elif text(check, "byRoot") == "True":
        told.append("    none: the account's root user needs none\n")


def _policy(told: Text, policy: Record) -> None:
    version = text(policy, "policyVersion")
    told.append(f"        {text(policy, 'source')}" + (f" ({version})" if version else "") + "\n")
    withheld = text(policy, "withheld")
    if withheld:
        told.append(f"          you may not see what is in it: that needs {withheld}\n", style="dim")
    for statement in objects(policy, "statements"):
        applies = not isinstance(statement.get("failed"), dict)
        effect = text(statement, "effect")
        style = {"Allow": "green", "Deny": "red"}.get(effect, "") if applies else "dim"
        told.append(f"          {effect} {statement_name(statement)} ", style=style)
        told.append("applies\n" if applies else f"does not apply: {failed(statement)}\n", style=style)
    others = text(policy, "otherStatements")
    if others not in {"", "0"} and not withheld:
        told.append(f"          {others} more about other actions\n", style="dim")


def _remedy(told: Text, check: Record, record: Record) -> None:
    """Tell the smallest change, ready to paste, and what else it opens."""
    if text(check, "outcome") == "allow":
        return
    for way in _without_a_change(check):
        told.append("\n  Without changing a policy", style="bold").append(f", {way}\n")
    changes = objects(check, "remedy")
    if not changes:
        told.append(f"\n  {_helpless(check)}\n", style="dim")
    for number, change in enumerate(changes):
        told.append("\n  To allow it" if number == 0 else "\n  and", style="bold")
        told.append(f", {_change(change, check)}:\n")
        told.append(f"    {_pasted(change)}\n", style="cyan")
        command = _command(change, record)
        if command:
            told.append(f"    {command}\n", style="dim")
        if text(change, "opens"):
            told.append("    This opens more than the request: ", style="yellow").append(f"{text(change, 'opens')}.\n")
    if any(near(check, text(change, "layer")) for change in changes):
        told.append("    This opens more than the request: ", style="yellow")
        told.append("it is then allowed without the condition above.\n")


def _helpless(check: Record) -> str:
    if text(check, "broken"):
        return "No policy is in the way."
    return "No change to these policies alone would allow it."


def _without_a_change(check: Record) -> Iterator[str]:
    """Yield how the request could be made so that a condition holds, or one that denies it does not."""
    for layer in dict.fromkeys(text(one, "layer") for one in objects(check, "explanation")):
        for statement in near(check, layer):
            for looked in objects({"failed": [statement["failed"]]}, "failed"):
                yield f"{to_hold(looked)}: {failed(statement)}"
    for statement in denying(check):
        ways = [way for looked in objects(statement, "held") if (way := to_fail(looked))]
        if ways:
            yield f"{' or '.join(dict.fromkeys(ways))}: {statement_of(statement)} then does not deny it"


def _change(change: Record, check: Record) -> str:
    if isinstance(change.get("addCondition"), dict):
        return f"add to the Condition of {statement_name(change)} of {text(change, 'to')}"
    to, layer = text(change, "to"), text(change, "layer")
    if layer == "identity-based policy":
        return f"attach to {to} a policy with"
    if layer == SESSION and is_missing(check, SESSION):
        return "pass to GetFederationToken a session policy with"
    if layer == RESOURCE and is_missing(check, RESOURCE):
        return f"make {to} with"
    return f"add to the statements of {to}"


def _pasted(change: Record) -> str:
    return json.dumps(change.get("addCondition") or change.get("addStatement"))


def _command(change: Record, record: Record) -> str:
    """Return the aws command that makes a change, where one command does."""
    kind, _, name = text(change, "to").partition("/")
    if text(change, "layer") != "identity-based policy" or kind not in _PUT or "addStatement" not in change:
        return ""
    document = json.dumps({"Version": "2012-10-17", "Statement": [change["addStatement"]]}).replace("'", "'\\''")
    policy = text(record, "eventName") or "Allow"
    return f"aws iam {_PUT[kind]} {name} --policy-name Allow{policy} --policy-document '{document}'"
