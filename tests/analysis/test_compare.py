"""Custom policy checks: PASS is held against the policy engine, FAIL against AWS's own examples."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.counting import calls_in

from rolecall.analysis import compare
from rolecall.analysis.automata import Automaton
from rolecall.analysis.compare import granted, new_access
from rolecall.analysis.languages import Undecided, covers, glob, literal, meet, witness
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import decide
from rolecall.policy.document import Document
from rolecall.policy.layers import Attached, Policies
from rolecall.policy.parse import parse
from rolecall.policy.request import ANONYMOUS, PolicyRequest, Principal, PrincipalKind


def document(*statements: dict[str, Any]) -> Document:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


B = "arn:aws:s3:::b"
GET = allow(["s3:GetObject", "s3:ListBucket"], [B, f"{B}/*"])
MFA = when("Bool", "aws:MultiFactorAuthPresent", "true")
ORG = when("StringEquals", "aws:PrincipalOrgID", "o-1")
HOME = "arn:aws:s3:::b/${aws:username}/*"

NOTHING_NEW = {
    "the same policy": ([GET], [GET]),
    "fewer actions": ([allow("s3:GetObject", [B, f"{B}/*"])], [GET]),
    "actions behind a star": ([GET], [allow("s3:*")]),
    "a narrower resource": ([allow("s3:GetObject", f"{B}/x/*")], [allow("s3:Get*", f"{B}*")]),
    "one statement in two": ([GET], [allow("s3:GetObject", [B, f"{B}/*"]), allow("s3:ListBucket", [B, f"{B}/*"])]),
    "a box covered by two": (
        [allow(["s3:GetObject", "s3:PutObject"], [f"{B}/a", f"{B}/b"])],
        [allow("s3:*Object", f"{B}/a"), allow(["s3:GetObject", "s3:PutObject"], f"{B}/b")],
    ),
    "a condition more": ([{**GET, **MFA}], [GET]),
    "a condition's values fewer": (
        [{**GET, **when("StringEquals", "aws:SourceVpc", "vpc-1")}],
        [{**GET, **when("StringLike", "aws:SourceVpc", "vpc-*")}],
    ),
    "an address range within another": (
        [{**GET, **when("IpAddress", "aws:SourceIp", "203.0.113.7/32")}],
        [{**GET, **when("IpAddress", "aws:SourceIp", "203.0.113.0/24")}],
    ),
    "an earlier end": (
        [{**GET, **when("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z")}],
        [{**GET, **when("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z")}],
    ),
    "more values ruled out": (
        [{**GET, **when("StringNotEquals", "aws:username", "a", "b")}],
        [{**GET, **when("StringNotEquals", "aws:username", "a")}],
    ),
    "a deny more": ([GET, deny("s3:ListBucket")], [GET]),
    "the same deny": ([GET, deny("s3:ListBucket", **MFA)], [GET, deny("s3:ListBucket", **MFA)]),
    "a wider deny": ([GET, deny("s3:*", f"{B}/x*")], [GET, deny("s3:Get*", f"{B}/x/*")]),
    "what the new deny takes away": (
        [allow("s3:*"), deny("s3:Put*"), deny("s3:Get*")],
        [allow("s3:*"), deny("s3:Put*")],
    ),
    "the same variable": ([allow("s3:GetObject", HOME)], [allow("s3:*", HOME)]),
    "a variable behind a star": ([allow("s3:GetObject", HOME)], [allow("s3:GetObject", f"{B}/*")]),
    "NotAction that leaves out more": (
        [{"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}],
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    ),
    "NotResource that leaves out more": (
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": [f"{B}/*", B]}],
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{B}/*"}],
    ),
}

NEW_ACCESS = {
    "an action more": ([allow(["s3:GetObject", "s3:GetObjectAcl"], f"{B}/*")], [allow("s3:GetObject", f"{B}/*")]),
    "a resource more": ([allow("s3:GetObject", "arn:aws:s3:::c/*")], [GET]),
    "a star": ([allow("s3:Get*", f"{B}/*")], [GET]),
    "a condition less": ([GET], [{**GET, **MFA}]),
    "a condition's value more": (
        [{**GET, **when("StringEquals", "aws:SourceVpc", "vpc-1", "vpc-2")}],
        [{**GET, **when("StringEquals", "aws:SourceVpc", "vpc-1")}],
    ),
    "another operator": (
        [{**GET, **when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1")}],
        [{**GET, **ORG}],
    ),
    "a deny less": ([GET], [GET, deny("s3:ListBucket")]),
    "a deny's condition more": ([GET, deny("s3:*", **MFA)], [GET, deny("s3:*")]),
    "NotAction that leaves out less": (
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        [{"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}],
    ),
}


@pytest.mark.parametrize("claim", NOTHING_NEW)
def test_no_new_access_is_found_where_there_is_none(claim: str) -> None:
    new, existing = NOTHING_NEW[claim]
    assert new_access(document(*new), document(*existing)) == []


@pytest.mark.parametrize("claim", NEW_ACCESS)
def test_new_access_is_shown_by_a_request(claim: str) -> None:
    new, existing = NEW_ACCESS[claim]
    (reason,) = new_access(document(*new), document(*existing))
    assert (reason.index, reason.shown) == (0, True)


def test_a_star_does_not_lie_behind_a_variable() -> None:
    (reason,) = new_access(document(allow("s3:GetObject", f"{B}/*")), document(allow("s3:GetObject", HOME)))
    assert reason.index == 0


def test_a_range_that_the_engine_cannot_read_held_everybody_back() -> None:
    """A mask spelled as an address is no CIDR block: the existing statement never applied."""
    masked, block = ({**GET, **when("IpAddress", "aws:SourceIp", "10.0.0.0" + mask)} for mask in ("/255.0.0.0", "/8"))
    (reason,) = new_access(document(block), document(masked))
    assert reason.index == 0


def test_comparing_conditions_is_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are compared pair by pair in every pair of statements: without a bound a request cost minutes."""
    monkeypatch.setattr(compare, "MOST_STEPS", 20_000)
    lines = {"Condition": {"Bool": {f"aws:PrincipalTag/{number}": "true" for number in range(100)}}}
    many = document(*[{**GET, **lines}] * 4)
    with pytest.raises(Undecided):
        new_access(many, many)


def test_what_cannot_be_shown_is_said_not_to_be() -> None:
    """Every user is named alice or not, but no rule here knows that two statements together leave nobody out."""
    split = [
        {**GET, **when("StringEquals", "aws:username", "alice")},
        {**GET, **when("StringNotEquals", "aws:username", "alice")},
    ]
    (reason,) = new_access(document(GET), document(*split))
    assert (reason.index, reason.shown) == (0, False)


PRINCIPALS = {
    "a user of a trusted account is not the account": ({"AWS": "arn:aws:iam::111122223333:user/a"}, "111122223333", 1),
    "an account's two names": ({"AWS": "arn:aws:iam::111122223333:root"}, "111122223333", 0),
    "one of several": ({"AWS": "111122223333"}, ["444455556666", "111122223333"], 0),
    "everybody": ("*", "111122223333", 1),
    "somebody where everybody was": ({"AWS": "arn:aws:iam::111122223333:user/a"}, "*", 0),
}


@pytest.mark.parametrize("claim", PRINCIPALS)
def test_principals_are_compared(claim: str) -> None:
    new, existing, count = PRINCIPALS[claim]
    mine = document({**GET, "Principal": new})
    theirs = document({**GET, "Principal": {"AWS": existing}})
    assert len(new_access(mine, theirs)) == count


NOT_GRANTED = {
    "other actions": (document(GET), ["s3:DeleteBucket", "s3:GetBucketLocation"], [], []),
    "a listed action": (document(GET), ["s3:GetObject"], [], [0]),
    "a star that holds one": (document(allow("iam:Put*")), ["iam:PutUserPolicy", "iam:PutGroupPolicy"], [], [0]),
    "denied": (document(allow("iam:*"), deny("iam:Put*")), ["iam:PutUserPolicy"], [], []),
    "denied to some": (document(allow("iam:*"), deny("iam:Put*", **MFA)), ["iam:PutUserPolicy"], [], [0]),
    "a condition may hold": (document({**GET, **MFA}), ["s3:GetObject"], [], [0]),
    "a resource": (document(GET), [], [f"{B}/x"], [0]),
    "another resource": (document(GET), [], ["arn:aws:s3:::c/x"], []),
    "action and resource apart": (
        document(allow("s3:GetObject", f"{B}/*")),
        ["s3:GetObject"],
        ["arn:aws:s3:::c/*"],
        [],
    ),
    "a variable may be anybody": (document(allow("s3:GetObject", HOME)), [], [f"{B}/alice/x"], [0]),
    "NotAction": (document({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}), ["iam:GetUser"], [], [0]),
}


@pytest.mark.parametrize("claim", NOT_GRANTED)
def test_listed_access_is_found_where_it_is_granted(claim: str) -> None:
    policy, actions, resources, reasons = NOT_GRANTED[claim]
    assert [reason.index for reason in granted(policy, actions, resources)] == reasons


# Held against the engine ----------------------------------------------------------------------------------------------

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl", "iam:GetUser"]
NAMES = ["arn:aws:s3:::b", "arn:aws:s3:::b/x", "arn:aws:s3:::b/alice/x", "arn:aws:s3:::c/x", "*"]
CONTEXTS: list[dict[str, Any]] = [
    {},
    {"aws:username": "alice"},
    {"aws:username": "bob", "aws:multifactorauthpresent": "true"},
    {"aws:multifactorauthpresent": "true", "aws:sourceip": "203.0.113.7"},
    {"aws:multifactorauthpresent": "false", "aws:sourceip": "198.51.100.1", "aws:username": "b"},
    {"aws:tagkeys": ("a", "b")},
    {"aws:tagkeys": (), "aws:username": "alice"},
]
ACTION_PATTERNS = st.sampled_from(
    ["*", "s3:*", "s3:Get*", "s3:*Object", "s3:GetObject*", "s3:?etObject", "iam:*", *ACTIONS]
)
RESOURCE_PATTERNS = st.sampled_from(
    [
        "*",
        "arn:aws:s3:::*",
        "arn:*:s3:::b/*",
        "arn:aws:s3:::b*",
        "arn:aws:s3:::b/?",
        HOME,
        "arn:aws:s3:::?/x",
        *NAMES[:4],
    ]
)
LINES = st.sampled_from(
    [
        ("StringEquals", "aws:username", ["alice"]),
        ("StringEquals", "aws:username", ["alice", "bob"]),
        ("StringLike", "aws:username", ["a*", "b"]),
        ("StringNotEquals", "aws:username", ["alice"]),
        ("StringNotLike", "aws:username", ["*b*"]),
        ("StringEqualsIfExists", "aws:username", ["alice"]),
        ("StringEqualsIgnoreCase", "aws:username", ["ALICE"]),
        ("Bool", "aws:MultiFactorAuthPresent", ["true"]),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", ["true"]),
        ("Null", "aws:username", ["true"]),
        ("IpAddress", "aws:SourceIp", ["203.0.113.0/24"]),
        ("NotIpAddress", "aws:SourceIp", ["203.0.113.0/28"]),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"]),
        ("ForAllValues:StringLike", "aws:TagKeys", ["*"]),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"]),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"]),
    ]
)


@st.composite
def statements(draw: st.DrawFn, *, with_principal: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    found[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(
        st.lists(ACTION_PATTERNS, min_size=1, max_size=2)
    )
    found[draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))] = draw(
        st.lists(RESOURCE_PATTERNS, min_size=1, max_size=2)
    )
    condition: dict[str, dict[str, list[str]]] = {}
    for operator, key, values in draw(st.lists(LINES, max_size=2)):
        condition.setdefault(operator, {})[key] = values
    if condition:
        found["Condition"] = condition
    if with_principal:
        names = st.sampled_from(["*", "111122223333", USER.arn, "arn:aws:iam::444455556666:root"])
        found["Principal"] = {"AWS": draw(st.lists(names, min_size=1, max_size=2))}
    return found


USER = Principal(PrincipalKind.USER, "arn:aws:iam::111122223333:user/alice", "111122223333", "AIDAALICE")
CALLERS = [USER, ANONYMOUS, Principal(PrincipalKind.USER, "arn:aws:iam::444455556666:user/c", "444455556666", "AIDAC")]
ALL = Attached(compile_policy(document(allow("*"))), "everything")


def policies(*, with_principal: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(statements(with_principal=with_principal), min_size=1, max_size=3)


def allowed(policy: Document, *, with_principal: bool) -> set[tuple[int, str, str, int]]:
    attached = Attached(compile_policy(policy), "policy")
    alone = Policies(resource=attached) if with_principal else Policies(identity=(attached,))
    sides = [(alone, None), (Policies(identity=(ALL,), resource=attached), "999999999999")][: 1 + with_principal]
    return {
        (number, action, resource, place)
        for number, caller in enumerate(CALLERS if with_principal else [USER])
        for action in ACTIONS
        for resource in NAMES
        for place, context in enumerate(CONTEXTS)
        for layers, owner in sides
        if decide(PolicyRequest(caller, action, resource, owner, context), layers).allowed
    }


@pytest.mark.parametrize("with_principal", [False, True])
def test_passed_policies_let_no_new_request_through(with_principal: bool) -> None:
    passed = 0

    @settings(max_examples=60, deadline=None)
    @given(policies(with_principal=with_principal), policies(with_principal=with_principal), st.booleans())
    def holds(new: list[dict[str, Any]], existing: list[dict[str, Any]], akin: bool) -> None:
        nonlocal passed
        mine, theirs = document(*new), document(*existing, *(new[:2] if akin else []))
        try:
            reasons = new_access(mine, theirs)
        except Undecided:
            return
        more = allowed(mine, with_principal=with_principal) - allowed(theirs, with_principal=with_principal)
        if reasons:
            return
        passed += 1
        assert not more

    holds()
    assert passed > 10


def test_passed_policies_grant_nothing_that_is_listed() -> None:
    @settings(max_examples=60, deadline=None)
    @given(
        policies(with_principal=False),
        st.lists(ACTION_PATTERNS, max_size=2),
        st.lists(st.sampled_from(["*", "arn:aws:s3:::b/*", *NAMES[:4]]), max_size=2),
    )
    def holds(statements_: list[dict[str, Any]], actions: list[str], resources: list[str]) -> None:
        policy = document(*statements_)
        if granted(policy, actions, resources):
            return
        wanted = compile_policy(document(allow(actions or ["*"], resources or ["*"])))
        for _, action, resource, _ in allowed(policy, with_principal=False):
            assert not wanted.covering(action, resource, {})

    holds()


TEXTS = st.text("ab:", max_size=5)
PATTERNS = st.text("ab:*?", max_size=5)


@given(PATTERNS, PATTERNS, st.lists(TEXTS, max_size=30))
def test_what_one_pattern_covers_the_other_matches(wide: str, narrow: str, texts: list[str]) -> None:
    matching = [text for text in texts if witness([[glob(narrow)], [literal(text)]], [])]
    if covers([glob(wide)], glob(narrow)):
        assert all(witness([[glob(wide)], [literal(text)]], []) is not None for text in matching)
    else:
        between = witness([[glob(narrow)]], [glob(wide)])
        assert between is not None
        assert meet(glob(narrow), literal(between))
        assert not meet(glob(wide), literal(between))


# Bounds ---------------------------------------------------------------------------------------------------------------


def many(count: int, make: Callable[[int], Any]) -> list[Any]:
    return [make(number) for number in range(count)]


def roles(count: int) -> dict[str, list[str]]:
    return {"AWS": many(count, lambda number: f"arn:aws:iam::111122223333:role/r{number}")}


LETTERS = "abcdefghijklmnopqrstuvwxyz"
HOSTILE = {
    "stars": ([allow("s3:*", f"{B}/" + "*a" * 4_000)], [allow("s3:*", f"{B}/" + "*a*" * 4_000)]),
    "sets of places": (
        many(200, lambda n: allow(f"s3:*{LETTERS[n % 26]}*", f"{B}/*{n}*")),
        many(200, lambda n: allow(f"s3:{LETTERS[n % 26]}*", f"{B}/*{n}")),
    ),
    "denies": (
        [allow("*"), *many(250, lambda n: deny(f"s3:*{LETTERS[n % 26]}*", f"{B}/*{n}*"))],
        [allow("*"), *many(250, lambda n: deny(f"s3:*{LETTERS[n % 26]}", f"{B}/{n}*"))],
    ),
    "statements": (
        many(500, lambda n: allow("s3:*", f"{B}/{n}*")),
        many(500, lambda n: allow("s3:*", f"{B}/{n}?*")),
    ),
    "principals": (
        [allow("s3:*", f"{B}/*", Principal=roles(2_000))],
        many(100, lambda n: allow("s3:*", f"{B}/{n}*", Principal=roles(20))),
    ),
    "what keeps on being unclear": (
        many(200, lambda n: allow("s3:*", f"{B}/{n}*", **when("StringEquals", f"aws:PrincipalTag/a{n}", "x", "y"))),
        many(200, lambda n: allow("s3:*", f"{B}/{n}*", **when("StringEquals", f"aws:PrincipalTag/b{n}", "x", "y"))),
    ),
    "addresses": (
        [{**GET, **when("IpAddress", "aws:SourceIp", *many(4_000, lambda n: f"10.{n % 256}.{n // 256}.0/24"))}],
        [{**GET, **when("IpAddress", "aws:SourceIp", *many(4_000, lambda n: f"11.{n % 256}.{n // 256}.0/24"))}],
    ),
    "long names": ([allow("s3:*", f"{B}/" + "a" * 20_000)], [allow("s3:*", f"{B}/" + "a" * 19_999 + "?")]),
    "variables": (
        many(200, lambda n: allow("s3:*", f"{B}/${{x{n}}}*")),
        many(200, lambda n: allow("s3:*", f"{B}/${{y{n}}}*")),
    ),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_whatever_is_compared_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    """Each of these cost seconds to hours before; now a step of work is so many calls, and there are so many steps."""
    monkeypatch.setattr(compare, "MOST_STEPS", 4_000)
    new, existing = (document(*side) for side in HOSTILE[shape])
    assert calls_in(lambda: _asked(lambda: new_access(new, existing))) < MOST_CALLS
    listed = many(100, lambda n: f"s3:*{n}*")
    assert calls_in(lambda: _asked(lambda: granted(new, listed, many(100, lambda n: f"{B}/*{n}*")))) < MOST_CALLS


MOST_CALLS = 400_000
"""A third more than the most that was counted, with nothing remembered from earlier questions."""


def _asked(question: Callable[[], object]) -> None:
    with suppress(Undecided):
        question()


def test_policies_that_name_thousands_of_characters_take_no_more_memory_than_others() -> None:
    """A number for each character, as long as all patterns together, were hundreds of megabytes and a minute."""
    signs = "".join(map(chr, range(0x3400, 0x3400 + 8000)))
    pieces = [signs[start : start + 500] for start in range(0, len(signs), 500)]
    mine = document(allow("s3:GetObject", [f"{B}/{piece}*" for piece in pieces]))
    theirs = document(allow("s3:GetObject", [f"{B}/{piece}?*" for piece in pieces]))
    tracemalloc.start()
    try:
        assert [reason.index for reason in new_access(mine, theirs)] == [0]
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_of_thousands_of_characters_only_those_that_stand_here_are_looked_at() -> None:
    side = Automaton([f"{chr(0x3400 + n)}x" for n in range(4000)])
    state = side.step(side.begin, chr(0x3400))
    assert (side.looks(side.begin), side.looks(state), side.named(state)) == (4000, 1, {"x"})
    assert side.named(side.begin) == {chr(0x3400 + n) for n in range(4000)}


def test_a_policy_as_large_as_awss_is_compared_to_its_end() -> None:
    """60 statements fill a managed policy; each lies behind one of the other policy's stars."""
    mine = document(*many(60, lambda n: allow(["s3:GetObject", "s3:PutObject"], f"{B}/{n}/*")))
    wider = document(*many(60, lambda n: allow(["s3:Get*", "s3:Put*"], f"{B}/{n}/*")))
    narrower = document(*many(60, lambda n: allow(["s3:Get*", "s3:PutObject"], f"{B}/{n}/x*")))
    assert new_access(mine, wider) == []
    assert [(reason.index, reason.shown) for reason in new_access(mine, narrower)] == many(60, lambda n: (n, True))


@pytest.mark.parametrize("sign", ["\U000f0000", "\U0010ff02"])
def test_a_character_that_stands_for_a_variable_here_is_not_taken_for_one(sign: str) -> None:
    """Written out in a policy such a character is itself, so nobody's folder lies behind it."""
    existing = document(allow("s3:GetObject", f"{B}/{sign}/*"))
    with pytest.raises(Undecided):
        new_access(document(allow("s3:GetObject", HOME)), existing)
    with pytest.raises(Undecided):
        granted(existing, ["s3:GetObject"], [])
