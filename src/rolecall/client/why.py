"""`rolecall why`: the decision on one request, with the policies that were asked and what failed in them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from rich.console import Console

from rolecall.client.asking import FAILED, FOUND, NOT_FOUND, add_options, asking, complain
from rolecall.client.events import Record, look_up
from rolecall.client.explanation import explanation
from rolecall.client.moment import moment
from rolecall.client.record import is_refused, text
from rolecall.client.settings import Connection

_LOOKED_THROUGH = 2000
"""How many events are gone through, newest first, for a request id that is not found by itself, as on AWS."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `why`."""
    parser.add_argument("request", nargs="?", metavar="REQUEST", help="the request's id, or its event's")
    parser.add_argument("--last", action="store_true", help="the newest request that was refused")
    parser.add_argument("--user", metavar="NAME", help="with --last: of this user or session name")
    add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain one request; return the exit code."""
    if bool(arguments.request) == arguments.last:
        complain("Say which request: rolecall why REQUEST, or rolecall why --last.")
        return FAILED
    return asking(arguments, lambda at: _explain(arguments, at))


def _explain(arguments: argparse.Namespace, at: Connection) -> int:
    record = _refused_last(at, arguments.user) if arguments.last else _requested(at, arguments.request)
    if record is None:
        complain("The trail knows of no refused request." if arguments.last else "The trail knows of no such request.")
        return NOT_FOUND
    if arguments.json:
        print(json.dumps(record))  # noqa: T201
    else:
        Console(soft_wrap=True, highlight=False).print(explanation(record), end="")
    return FOUND


def _refused_last(at: Connection, user: str | None) -> Record | None:
    attribute = ("Username", user) if user else None
    return next((record for record in look_up(at, moment(), attribute=attribute) if is_refused(record)), None)


def _requested(at: Connection, wanted: str) -> Record | None:
    by_id = next(look_up(at, moment(), attribute=("EventId", wanted)), None)
    if by_id is not None:
        return by_id
    return next((record for record in _newest(at) if text(record, "requestID") == wanted), None)


def _newest(at: Connection) -> Iterator[Record]:
    for count, record in enumerate(look_up(at, moment())):
        if count == _LOOKED_THROUGH:
            return
        yield record
