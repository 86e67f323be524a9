"""`rolecall test-policy`: run a folder of policies against what is expected of them, and say what fails and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rolecall.cases.answer import reasons
from rolecall.cases.junit import junit
from rolecall.cases.suite import ENDING, Result, Suite, SuiteUnreadable, results_of, suites, untouched

FAILED, NOT_RUN = 1, 2

_Found = list[tuple[Suite, list[Result]]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help=f"a folder with policies and tests for them (*{ENDING})"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write the results as JUnit XML")
    parser.add_argument("--verbose", "-v", action="store_true", help="list the tests that pass, with their reasons")
    parser.add_argument("--untouched", action="store_true", help="list the statements that decided no test")
    parser.epilog = "Exit code 1 when a test fails or AWS would refuse a policy, 2 when nothing could be run."


def run(arguments: argparse.Namespace) -> int:
    """Run every test under the folder; return the exit code."""
    try:
        found: _Found = [(suite, results_of(suite)) for suite in suites(arguments.folder)]
    except SuiteUnreadable as problem:
        return _not_run(str(problem))
    if not found:
        return _not_run(f"there is no *{ENDING} under {arguments.folder}")
    for line in _lines(found, verbose=arguments.verbose, with_untouched=arguments.untouched):
        sys.stdout.write(line + "\n")
    if arguments.junit is not None:
        try:
            arguments.junit.write_bytes(junit(found))
        except OSError as problem:
            return _not_run(f"{arguments.junit}: {problem.strerror or problem}")
    return FAILED if any(suite.refused or _failed(results) for suite, results in found) else 0


def _not_run(why: str) -> int:
    sys.stderr.write(f"rolecall test-policy: {why}\n")
    return NOT_RUN


def _failed(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.failure]


def _lines(found: _Found, *, verbose: bool, with_untouched: bool) -> Iterator[str]:
    for suite, results in found:
        yield suite.name
        for refused in suite.refused:
            yield f"  FAIL  {refused.name}: AWS would not store it: {refused.why}"
        for result in results:
            yield from _result(result, verbose=verbose)
        if with_untouched:
            yield from (f"  untouched  {name}" for name in untouched(suite, results))
    tests = sum(len(results) for _, results in found)
    failures = sum(len(_failed(results)) + len(suite.refused) for suite, results in found)
    yield f"{_counted(tests, 'test')}, {failures} failed" if failures else f"{_counted(tests, 'test')} passed"


def _result(result: Result, *, verbose: bool) -> Iterator[str]:
    if not result.failure and not verbose:
        return
    yield f"  FAIL  {result.test.name}: {result.failure}" if result.failure else f"  ok    {result.test.name}"
    yield from (f"          {reason}" for reason in reasons(result.answer))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
