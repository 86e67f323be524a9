"""`rolecall decide`: read cases, a JSON object a line, and write a decision a line. No server, no files of our own."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from rolecall.cases.answer import told
from rolecall.cases.case import MOST_BYTES, CaseUnreadable, read_case
from rolecall.policy.parse import Number, PolicyUnreadable, read_json

UNDECIDED, UNREADABLE_FILE = 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="cases, a JSON object a line; - or nothing: standard input"
    )
    parser.epilog = (
        "Each line holds `id`, `request` and `policies` (docs/guide/policy-tests.md) and is answered by one line with "
        "`id`, `decision` (allow, implicit_deny or explicit_deny) and `reasons`, or with `id` and `error`. "
        "Exit code 1 when a line could not be decided, 2 when the file cannot be read."
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer every line as it comes; return the exit code."""
    undecided = False
    try:
        with _opened(arguments.file) as lines:
            for answer in answers(lines):
                undecided = undecided or "error" in answer
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
    except OSError as problem:
        sys.stderr.write(f"rolecall decide: {arguments.file}: {problem.strerror or problem}\n")
        return UNREADABLE_FILE
    return UNDECIDED if undecided else 0


def _opened(name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    return contextlib.nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def answers(lines: Iterable[bytes]) -> Iterator[dict[str, object]]:
    """Yield the answer to each line that is not blank. One that is no case is answered with `error` and its number."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(line, number)


def _answer(line: bytes, number: int) -> dict[str, object]:
    case_id: object = None
    try:
        case = read_json(line.decode("utf-8-sig" if number == 1 else "utf-8"), most=MOST_BYTES)
        if not isinstance(case, dict):
            raise CaseUnreadable("a case is a JSON object")
        case_id = _plain(case.get("id"))
        return told(case_id, read_case(case).decide())
    except UnicodeDecodeError as problem:
        problem_text = f"not UTF-8: byte {problem.start} of the line"
    except (CaseUnreadable, PolicyUnreadable) as problem:
        problem_text = str(problem)
    return {"id": case_id, "line": number, "error": problem_text}


def _plain(value: object) -> object:
    """Return a JSON value for output, with numbers as numbers; one too large for that stays text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return _number(value) if isinstance(value, Number) else value


def _number(spelled: Number) -> int | float | str:
    try:
        found: int | float = json.loads(spelled)
    except ValueError:
        return str(spelled)
    return found if isinstance(found, int) or math.isfinite(found) else str(spelled)
