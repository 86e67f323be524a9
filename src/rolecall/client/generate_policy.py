"""`rolecall generate-policy`: the policy that allows what somebody did, and no more."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from rolecall.client.asking import FOUND, NOT_FOUND, add_options, asking
from rolecall.client.events import Record, look_up
from rolecall.client.least_privilege import FOLDERS, GROUPINGS, policy_for
from rolecall.client.moment import moment
from rolecall.client.settings import Connection
from rolecall.client.trail import span
from rolecall.client.used import Need, Refusal, is_by, needs_of, refusals_of, unlisted_of

_LARGEST = 6144
"""Characters of a managed policy, white space not counted."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `generate-policy`."""
    option = parser.add_argument
    option(
        "--principal", required=True, metavar="ARN", help="whose requests: the ARN of a user or role, or of a session"
    )
    option("--last", type=span, default="7d", metavar="SPAN", help="how far back: 90m, 12h, 7d (default: 7d)")
    option(
        "--group",
        choices=GROUPINGS,
        default=FOLDERS,
        help="how S3 objects are put together: not at all, by folder where there are many, by bucket (default: folder)",
    )
    add_options(
        parser,
        nothing="nothing was allowed",
        printed="print JSON, one object with policy and refused requests",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the policy, and beside it what was refused; return the exit code."""
    return asking(arguments, lambda at: _answer(arguments, at))


def _answer(arguments: argparse.Namespace, at: Connection) -> int:
    needs: list[Need] = []
    refused: list[Refusal] = []
    unlisted: set[str] = set()
    count = 0
    for record in _records(arguments, at):
        count += 1
        needs += needs_of(record)
        refused += refusals_of(record)
        unlisted.update(unlisted_of(record))
    policy = policy_for(set(needs), arguments.group)
    if arguments.json:
        told = {"policy": policy, "requests": count, "refused": _listed(refused), "onEverything": sorted(unlisted)}
        print(json.dumps(told))  # noqa: T201
        _warn_of(unlisted)
        return FOUND if needs else NOT_FOUND
    if needs:
        print(json.dumps(policy, indent=4))  # noqa: T201
    _tell(arguments.principal, count, refused, policy)
    _warn_of(unlisted)
    return FOUND if needs else NOT_FOUND


def _records(arguments: argparse.Namespace, at: Connection) -> Iterator[Record]:
    """Yield the requests of the principal. A user's are asked for by name, a role's have the names of its sessions."""
    now = moment()
    kind, _, name = arguments.principal.rpartition(":")[2].partition("/")
    attribute = ("Username", name.rpartition("/")[2]) if kind == "user" else None
    for record in look_up(at, now, attribute=attribute, since=now - arguments.last):
        if is_by(record, arguments.principal):
            yield record


def _listed(refused: list[Refusal]) -> list[dict[str, object]]:
    """Return what was refused, each need once, with how often and one of its requests."""
    times = Counter(one.need for one in refused)
    last = {one.need: one for one in reversed(refused)}
    return [
        {
            "action": need.action,
            "resource": need.resource,
            "times": times[need],
            "errorCode": last[need].code,
            "requestID": last[need].request_id,
        }
        for need in sorted(times)
    ]


def _warn_of(unlisted: set[str]) -> None:
    """Warn of actions that the policy allows on everything because nobody said on what they were used."""
    if unlisted:
        words = (
            f'Allowed on "*", because the records do not list the resources: {", ".join(sorted(unlisted))}.'
            " Put the resources in by hand, but for actions that are on none."
        )
        Console(file=sys.stderr, soft_wrap=True).print(Text(words, style="yellow"))


def _tell(principal: str, count: int, refused: list[Refusal], policy: dict[str, object]) -> None:
    """Tell a person, beside the policy, what it was made from and what is not in it."""
    console = Console(file=sys.stderr, soft_wrap=True)
    console.print(Text(f"{count} requests of {principal}."))
    listed = _listed(refused)
    if listed:
        console.print(Text("Refused, and not in the policy:"))
    for one in listed:
        words = f"  {one['action']} on {one['resource']}: {one['times']} times, lately in request {one['requestID']}"
        console.print(Text(words))
    size = len(json.dumps(policy, separators=(",", ":")))
    if size > _LARGEST:
        words = f"The policy has {size} characters, a managed policy at most {_LARGEST}: try --group bucket."
        console.print(Text(words, style="yellow"))
