"""`rolecall why`: the decision on one request, with the policies that were asked and what failed in them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from rolecall.client.asking import FAILED, FOUND, NOT_FOUND, add_options, asking, complain
from rolecall.client.events import Record, look_up
from rolecall.client.explanation import explanation
from rolecall.client.moment import moment
from rolecall.client.now import Now, ask_again
from rolecall.client.printing import show
from rolecall.client.record import is_refused, text
from rolecall.client.sentence import decisive, refusing, sentence
from rolecall.client.settings import Connection

_LOOKED_THROUGH = 2000
"""How many events are gone through, newest first, for a request id that is not found by itself, as on AWS."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `why`."""
    parser.add_argument("request", nargs="?", metavar="REQUEST", help="the request's id, or its event's")
    parser.add_argument("--last", action="store_true", help="the newest request that was refused")
    parser.add_argument("--user", metavar="NAME", help="with --last: of this user or session name")
    add_options(parser, nothing="the trail knows no such request")


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
    now = ask_again(at, record)
    if arguments.json:
        print(json.dumps({**record, "explained": _explained(record, now)}))  # noqa: T201
    else:
        told = explanation(record)
        if now is not None:
            told.append("\n  Now", style="bold").append(f"  {now.sentence}\n")
        show(told)
    return FOUND


def _explained(record: Record, now: Now | None) -> Record:
    """Return the answer in the form for tools."""
    told: Record = {"sentence": sentence(record), "refused": is_refused(record)}
    check = decisive(record)
    if check is not None and is_refused(record):
        told["refusing"] = refusing(check)
    if now is not None:
        told["now"] = {"decision": now.decision or None, "sentence": now.sentence}
    return told


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
