"""`rolecall trail`: who did what, and what was refused."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rolecall.client.asking import FOUND, NOT_FOUND, add_options, asking
from rolecall.client.events import Record, look_up
from rolecall.client.moment import moment
from rolecall.client.record import action, caller, is_refused, subjects, text
from rolecall.client.settings import Connection

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_HEADINGS = ("time (UTC)", "who", "action", "on", "outcome", "request")
_UNFOLDED = 10_000
"""Columns of a line that goes to another program."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ATTRIBUTES = {
    "user": "Username",
    "event": "EventName",
    "resource": "ResourceName",
    "key": "AccessKeyId",
    "source": "EventSource",
}
"""Options to attributes, the most telling first: LookupEvents takes one, the others are compared here."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `trail`."""
    option = parser.add_argument
    option("--denied", action="store_true", help="only what was refused")
    option("--last", type=span, metavar="SPAN", help="how far back: 90s, 30m, 1h, 7d")
    option("--user", metavar="NAME", help="only requests of this user, session name or federated user")
    option("--event", metavar="NAME", help="only this operation, such as AssumeRole")
    option("--source", type=source, metavar="SERVICE", help="only this service: iam, sts, s3 ...")
    option("--resource", metavar="NAME", help="only requests about this resource, by name or ARN")
    option("--key", metavar="ID", help="only requests signed with this access key")
    option("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    add_options(parser, nothing="nothing was found")


def span(written: str) -> timedelta:
    """Return the span of time that a person wrote. Raises ArgumentTypeError."""
    found = _SPAN.fullmatch(written)
    if not found:
        raise argparse.ArgumentTypeError(f"`{written}` is no span of time such as 90s, 30m, 1h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def source(written: str) -> str:
    """Return the event source that a person's short name means."""
    return written if "." in written else f"{written}.amazonaws.com"


def run(arguments: argparse.Namespace) -> int:
    """Print the events that fit, the newest first; return the exit code."""
    return asking(arguments, lambda at: _print(arguments, list(islice(_found(arguments, at), max(0, arguments.limit)))))


def _found(arguments: argparse.Namespace, at: Connection) -> Iterator[Record]:
    given = [(name, getattr(arguments, name)) for name in _ATTRIBUTES if getattr(arguments, name)]
    now = moment()
    first = (_ATTRIBUTES[given[0][0]], str(given[0][1])) if given else None
    since = now - arguments.last if arguments.last else None
    for record in look_up(at, now, attribute=first, since=since):
        if (not arguments.denied or is_refused(record)) and all(_has(record, *one) for one in given[1:]):
            yield record


def _has(record: Record, name: str, value: str) -> bool:
    if name == "event":
        return text(record, "eventName") == value
    if name == "source":
        return text(record, "eventSource") == value
    if name == "key":
        return text(record, "userIdentity", "accessKeyId") == value
    return any(value in {arn, arn.rpartition("/")[2], arn.rpartition(":")[2]} for arn in subjects(record))


def _print(arguments: argparse.Namespace, records: list[Record]) -> int:
    if arguments.json:
        for record in records:
            print(json.dumps(record))  # noqa: T201
        return FOUND if records else NOT_FOUND
    if not records:
        Console().print("Nothing in the trail fits.")
        return NOT_FOUND
    console = Console()
    if not console.is_terminal:
        console.width = _UNFOLDED
    rows = [(*_row(record), _outcome(record).plain, text(record, "requestID")) for record in records]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    fits = sum(widths) + 2 * len(widths) <= console.width
    console.print(_lines(records, widths) if fits else _pairs_of_lines(records))
    if any(map(is_refused, records)) and console.is_terminal:
        console.print(Text("`rolecall why REQUEST` explains one of them.", style="dim"))
    return FOUND


def _lines(records: list[Record], widths: list[int]) -> Table:
    """Return a table with a line for each event, which nothing folds: ids are there to be copied."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, width in zip(_HEADINGS, widths, strict=True):
        table.add_column(heading, no_wrap=True, min_width=width)
    for record in records:
        table.add_row(*map(Text, _row(record)), _outcome(record), Text(text(record, "requestID")))
    return table


def _pairs_of_lines(records: list[Record]) -> Text:
    """Return two lines for each event, for narrow windows."""
    shown = Text()
    for record in records:
        when, who, what, about = _row(record)
        shown.append(f"{when}  ").append_text(_outcome(record)).append(f"  {what}  by {who}\n")
        shown.append(f"  request {text(record, 'requestID')}  {about}\n", style="dim")
    shown.rstrip()
    return shown


def _row(record: Record) -> tuple[str, str, str, str]:
    when = text(record, "eventTime").replace("T", " ").removesuffix("Z")
    about = subjects(record)
    return when, caller(record), action(record), about[0] if about else ""


def _outcome(record: Record) -> Text:
    code = text(record, "errorCode")
    if not code:
        return Text("ok", style="green")
    return Text(code, style="red" if is_refused(record) else "yellow")
