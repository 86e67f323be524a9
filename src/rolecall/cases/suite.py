"""A folder of policies and of tests for them: `*.test.json` files, each with policies, a caller and what is expected.

The form is described for people in docs/guide/policy-tests.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from rolecall.cases.case import MOST_BYTES, Answer, Case, CaseUnreadable, FromFile, read_case
from rolecall.policy.decide import Matched, Outcome
from rolecall.policy.parse import PolicyUnreadable, is_text, parse, read_json
from rolecall.policy.validate import Malformed, PolicyKind, validate

ENDING = ".test.json"
DEFAULT_PRINCIPAL = "arn:aws:iam::123456789012:user/tester"
EXPECTATIONS = ("allow", "deny", "implicit_deny", "explicit_deny")
"""`deny` is either of the two."""

_KINDS = {
    "identity": PolicyKind.IDENTITY,
    "boundary": PolicyKind.MANAGED,
    "session": PolicyKind.SESSION,
    "trust": PolicyKind.TRUST,
    "scps": PolicyKind.SCP,
    "rcps": PolicyKind.RCP,
    "resource": None,
    "endpoint": None,
}
"""The kinds of policy, and by which rules each is held against what AWS would store."""
_LEVELS = ("scps", "rcps")
_SHARED = frozenset({"principal", "action", "resource", "resource_account", "context", "policies"})
_OF_A_TEST = _SHARED | {"name", "expect", "by"}
_OF_A_FILE = _SHARED | {"tests"}


class SuiteUnreadable(Exception):
    """A file of tests cannot be read. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One test: a case and what should come of it."""

    name: str
    case: Case
    expect: str
    by: str = ""
    """The Sid of a statement that must have decided; empty: whichever."""

    def failure(self, answer: Answer) -> str:
        """Return what is wrong with an answer; empty: nothing."""
        outcome = answer.decision.outcome
        right = outcome is not Outcome.ALLOW if self.expect == "deny" else outcome.value == self.expect
        if not right:
            return f"expected {self.expect}, got {outcome.value}"
        if self.by and self.by not in {matched.sid for matched in answer.decision.matched}:
            return f'{outcome.value} as expected, but not by the statement "{self.by}"'
        return ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy that AWS would not store."""

    name: str
    why: str


@dataclass(slots=True)
class Suite:
    """The tests of one file, and the policies they name."""

    name: str
    tests: list[Expectation] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    statements: dict[tuple[str, int], str] = field(default_factory=dict)
    """Every statement of the files: the file's name and its position, to its Sid."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test and what became of it."""

    test: Expectation
    answer: Answer
    failure: str


def suites(folder: Path) -> Iterator[Suite]:
    """Yield the tests under a folder, file by file.

    Raises:
        SuiteUnreadable: for a file that is no file of tests, or that names a policy which cannot be read.
    """
    for file in sorted(folder.rglob(f"*{ENDING}")):
        yield _Reader(file, str(file.relative_to(folder))).suite()


def results_of(suite: Suite) -> list[Result]:
    """Decide every test of a suite."""
    answers = [(test, test.case.decide()) for test in suite.tests]
    return [Result(test, answer, test.failure(answer)) for test, answer in answers]


def untouched(suite: Suite, results: Sequence[Result]) -> list[str]:
    """Return the statements of the suite's files that decided no test."""
    decided = {_place(matched) for result in results for matched in result.answer.decision.matched}
    return [
        f"{name} statement {position}" + (f' "{sid}"' if sid else "")
        for (name, position), sid in suite.statements.items()
        if (name, position) not in decided
    ]


def _place(matched: Matched) -> tuple[str, int]:
    return matched.source, matched.statement


class _Reader:
    """Reads one file of tests."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        self.found = Suite(name)
        self.read: dict[tuple[str, str], FromFile] = {}

    def suite(self) -> Suite:
        content = self._mapping(self._json(), "the file", _OF_A_FILE)
        tests = content.get("tests")
        if not isinstance(tests, list) or not tests:
            raise self._problem("`tests` is missing or empty")
        shared = {name: value for name, value in content.items() if name != "tests"}
        for position, test in enumerate(tests):
            self._test(shared, self._mapping(test, f"test {position}", _OF_A_TEST), f"test {position}")
        return self.found

    def _test(self, shared: Mapping[str, object], test: Mapping[str, object], where: str) -> None:
        given = {**shared, **test}
        expect = given.get("expect")
        if expect not in EXPECTATIONS or not isinstance(expect, str):
            raise self._problem(f"{where}: `expect` is none of {', '.join(EXPECTATIONS)}")
        by, name = given.get("by", ""), given.get("name", "")
        if not isinstance(by, str) or not isinstance(name, str):
            raise self._problem(f"{where}: `name` and `by` are texts")
        context = self._context(shared, test, where)
        policies = self._policies(shared, test, where)
        for action, resource in product(self._texts(given, "action", where), self._texts(given, "resource", where)):
            request = {
                "principal": given.get("principal", DEFAULT_PRINCIPAL),
                "action": action,
                "resource": resource,
                "context": context,
                **({"resource_account": given["resource_account"]} if "resource_account" in given else {}),
            }
            try:
                case = read_case({"request": request, "policies": policies})
            except CaseUnreadable as problem:
                raise self._problem(f"{where}: {problem}") from None
            except PolicyUnreadable as problem:
                self._unreadable(where, problem)
                return
            self.found.tests.append(Expectation(self._named(name, action, resource, expect), case, expect, by))

    @staticmethod
    def _named(name: str, action: str, resource: str, expect: str) -> str:
        asked = f"{action} on {resource}"
        return f"{name}: {asked}" if name else f"{asked}: {expect}"

    # The request

    def _context(self, shared: Mapping[str, object], test: Mapping[str, object], where: str) -> dict[str, list[object]]:
        """Return the keys of the file overlaid by those of the test, over those that the caller's ARN tells."""
        principal = test.get("principal", shared.get("principal", DEFAULT_PRINCIPAL))
        keys = _told_by(str(principal))
        for source in (shared, test):
            for key, value in self._mapping(source.get("context", {}), f"{where}: `context`").items():
                keys.pop(next((known for known in keys if known.lower() == key.lower()), key), None)
                if value is not None:
                    keys[key] = value if isinstance(value, list) else [value]
        return keys

    def _texts(self, given: Mapping[str, object], name: str, where: str) -> list[str]:
        value = given.get(name)
        values = value if isinstance(value, list) else [value]
        if not values or not all(is_text(each) for each in values):
            raise self._problem(f"{where}: `{name}` is a text or a list of texts")
        return [str(each) for each in values]

    # The policies

    def _policies(self, shared: Mapping[str, object], test: Mapping[str, object], where: str) -> dict[str, object]:
        """Return the policies of the file overlaid, kind by kind, by those of the test."""
        given: dict[str, object] = {}
        for source in (shared, test):
            given.update(self._mapping(source.get("policies", {}), f"{where}: `policies`", frozenset(_KINDS)))
        return {
            name: self._levels(value, name) if name in _LEVELS else self._documents(value, name)
            for name, value in given.items()
            if value is not None
        }

    def _levels(self, value: object, name: str) -> list[object]:
        """Return levels of policies: each entry of a list is one level, a policy or a list of them."""
        if not isinstance(value, list):
            return [self._documents(value, name)]
        return [self._documents(level, name) for level in value]

    def _documents(self, value: object, name: str) -> list[object]:
        listed = value if isinstance(value, list) else [value]
        return [self._document(each, name) if is_text(each) else each for each in listed]

    def _document(self, value: object, kind: str) -> FromFile:
        """Return the policy in a file beside the tests, held against AWS's rules for its kind once."""
        name = str(value)
        if (name, kind) not in self.read:
            try:
                text = (self.file.parent / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError, ValueError) as problem:
                raise self._problem(f"{name}: {_why(problem)}") from None
            self.read[name, kind] = FromFile(name, text)
            self._hold(name, text, kind)
        return self.read[name, kind]

    def _hold(self, name: str, text: str, kind: str) -> None:
        rules = _KINDS[kind]
        try:
            document = parse(text) if rules is None else validate(text, rules)
        except (Malformed, PolicyUnreadable) as problem:
            self.found.refused.append(Refused(name, str(problem)))
            return
        for position, statement in enumerate(document.statements):
            self.found.statements[name, position] = statement.sid

    def _unreadable(self, where: str, problem: PolicyUnreadable) -> None:
        """Note what is wrong with a policy, once a file; a test that needs it is not run."""
        name, _, why = str(problem).partition(": ")
        if name not in {refused.name for refused in self.found.refused}:
            self.found.refused.append(Refused(f"{where}: {name}", why))

    # Shapes

    def _json(self) -> object:
        try:
            return read_json(self.file.read_text(encoding="utf-8"), most=MOST_BYTES)
        except (OSError, UnicodeDecodeError) as problem:
            raise self._problem(_why(problem)) from None
        except PolicyUnreadable as problem:
            raise self._problem(str(problem)) from None

    def _mapping(self, value: object, what: str, known: frozenset[str] | None = None) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self._problem(f"{what} is not an object")
        for name in value:
            if known is not None and name not in known:
                raise self._problem(f"{what} has an unknown member `{name}`; known: {', '.join(sorted(known))}")
        return value

    def _problem(self, text: str) -> SuiteUnreadable:
        return SuiteUnreadable(f"{self.found.name}: {text}")


def _why(problem: Exception) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or str(problem)


def _told_by(principal: str) -> dict[str, list[object]]:
    """Return the condition keys that a caller's ARN tells."""
    parts = principal.split(":", 5)
    if len(parts) != 6:
        return {}
    kind, _, name = parts[5].partition("/")
    keys: dict[str, list[object]] = {"aws:PrincipalAccount": [parts[4]], "aws:PrincipalArn": [principal]}
    if kind == "user":
        keys.update({"aws:PrincipalType": ["User"], "aws:username": [name.rpartition("/")[2]]})
    elif kind == "root":
        keys.update({"aws:PrincipalType": ["Account"], "aws:userid": [parts[4]]})
    elif kind == "federated-user":
        keys.update({"aws:PrincipalType": ["FederatedUser"], "aws:userid": [f"{parts[4]}:{name}"]})
    elif kind == "assumed-role":
        role = name.partition("/")[0]
        keys["aws:PrincipalArn"] = [f"arn:{parts[1]}:iam::{parts[4]}:role/{role}"]
        keys["aws:PrincipalType"] = ["AssumedRole"]
    else:
        return {}
    return keys
