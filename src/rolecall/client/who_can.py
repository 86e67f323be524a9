"""`rolecall who-can`: everyone who may do something, by themselves or through roles."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rolecall.client.asking import FOUND, NOT_FOUND, add_options, asking
from rolecall.client.chains import Chain, to_wanted
from rolecall.client.printing import show
from rolecall.client.questions import LISTING, Wanted, add_question, everyone, wanted
from rolecall.client.settings import Connection


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `who-can`."""
    add_question(parser)
    add_options(parser, nothing="nobody but root may")


def run(arguments: argparse.Namespace) -> int:
    """Answer; return 0 where somebody may, 1 where nobody but root may."""
    return asking(arguments, lambda at: _answer(arguments, at), LISTING)


def _answer(arguments: argparse.Namespace, at: Connection) -> int:
    question = wanted(arguments, at)
    chains = to_wanted(at, everyone(at), question)
    if arguments.json:
        for chain in chains:
            print(json.dumps(_json(chain)))  # noqa: T201
    else:
        console = Console(soft_wrap=True, highlight=False)
        console.print(_heading(question, chains), end="")
        if chains:
            console.print(_table(chains))
        joined = "and" if chains else "but"
        show(Text(f"  {joined} the account's root user, unless a policy of the organization or bucket denies it"))
    return FOUND if chains else NOT_FOUND


def _heading(question: Wanted, chains: list[Chain]) -> Text:
    what = f"{question.action} on {question.resource}"
    if not chains:
        return Text.assemble(("Nobody ", "bold red"), (f"may {what}.\n", "bold"))
    count = f"{len(chains)} " + ("user or role" if len(chains) == 1 else "users and roles")
    return Text.assemble((count, "bold green"), (f" may {what}.\n", "bold"))


def _table(chains: list[Chain]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for chain in chains:
        way = Text("  " + chain.spelled, style="green" if len(chain.steps) == 1 else "yellow")
        table.add_row(way, Text(chain.result.fact or f"by {chain.result.reason}"))
    return table


def _json(chain: Chain) -> dict[str, object]:
    return {
        "principal": chain.steps[0].arn,
        "chain": [step.arn for step in chain.steps],
        "by": list(chain.result.by),
        "fact": chain.result.fact or None,
    }
