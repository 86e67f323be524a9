"""`rolecall can`: whether someone may do something, by itself or through roles."""

from __future__ import annotations

import argparse
import json

from rich.text import Text

from rolecall.client.asking import FOUND, NOT_FOUND, add_options, asking
from rolecall.client.chains import Chain, decide, from_someone
from rolecall.client.policies import Simulated
from rolecall.client.printing import show
from rolecall.client.questions import SIMULATING, Someone, Wanted, add_question, find, roles, wanted
from rolecall.client.settings import Connection

_WORDS = {"implicitDeny": "no policy allows it", "explicitDeny": "a statement denies it"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `can`."""
    parser.add_argument("principal", metavar="PRINCIPAL", help="alice, user/alice, role/Deploy, or an ARN")
    add_question(parser)
    add_options(parser, nothing="it may not")


def run(arguments: argparse.Namespace) -> int:
    """Answer; return 0 for yes (through roles too), 1 for no."""
    return asking(arguments, lambda at: _answer(arguments, at), SIMULATING)


def _answer(arguments: argparse.Namespace, at: Connection) -> int:
    question = wanted(arguments, at)
    who = find(at, arguments.principal)
    itself = decide(at, who, question)
    known = [] if itself.allowed else roles(at)
    chains = [] if known is None else list(from_someone(at, who, known, question))
    if arguments.json:
        print(json.dumps(_json(who, question, itself, chains)))  # noqa: T201
    else:
        show(_told(who, question, itself, chains, known))
    return FOUND if itself.allowed or chains else NOT_FOUND


def _told(who: Someone, question: Wanted, itself: Simulated, chains: list[Chain], known: list[Someone] | None) -> Text:
    told = Text()
    what = f"{question.action} on {question.resource}"
    if itself.allowed:
        told.append("Yes. ", style="bold green").append(f"{who.name} may {what}.\n", style="bold")
        told.append(f"  {itself.fact}\n" if itself.fact else f"  by {itself.reason or 'its policies'}\n")
    elif chains:
        told.append("Not by itself, but through a role. ", style="bold yellow")
        told.append(f"{who.name} may not {what}: {why_not(itself)}.\n", style="bold")
    else:
        told.append("No. ", style="bold red").append(f"{who.name} may not {what}: {why_not(itself)}.\n", style="bold")
    for chain in chains:
        told.append(f"  {chain.spelled}", style="green").append(f"  by {chain.result.reason}\n")
    if itself.missing and not itself.allowed:
        told.append(f"  not known: {', '.join(itself.missing)} (give them with --context KEY=VALUE)\n", style="dim")
    if known is None:
        told.append("  roles were not looked at: that needs iam:GetAccountAuthorizationDetails\n", style="dim")
    return told


def why_not(result: Simulated) -> str:
    """Return in words why a simulated request is refused."""
    if result.fact:
        return result.fact
    if result.limits and result.decision == "implicitDeny":
        return f"the {' and the '.join(result.limits)} does not allow it"
    words = _WORDS.get(result.decision, result.decision)
    return f"{words} ({', '.join(result.by)})" if result.by else words


def _json(who: Someone, question: Wanted, itself: Simulated, chains: list[Chain]) -> dict[str, object]:
    return {
        "principal": who.arn,
        "action": question.action,
        "resource": question.resource,
        "decision": itself.decision,
        "by": list(itself.by),
        "fact": itself.fact or None,
        "missingContextValues": list(itself.missing),
        "through": [{"chain": [step.arn for step in chain.steps], "by": list(chain.result.by)} for chain in chains],
    }
