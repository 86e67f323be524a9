"""Condition operators: what each compares, and what becomes of absent, empty, single and several values."""

from __future__ import annotations

import pytest

from rolecall.policy.condition import compile_condition, is_operator
from rolecall.policy.document import Condition
from rolecall.policy.request import ContextValue

COLUMNS = {
    "absent": None,
    "no values": (),
    "empty text": "",
    "matching": "1",
    "other": "0",
    "list of the matching": ("1",),
    "matching and other": ("1", "0"),
    "others": ("0", "0"),
    "list of empty text": ("",),
}
"""What the request has: "1" stands for a value that some value of the policy matches, "0" for one that none does."""
# Section d.3 of the rules; for ForAnyValue with IfExists docs/decisions/policy-values-and-lists.md. One letter a column, in the order of COLUMNS.
FORMS = {
    "positive": "F F F T F T F F F",
    "negated": "T T T F T F F F T",
    "positive IfExists": "T T F T F T F F F",
    "negated IfExists": "T T T F T F F F T",
    "ForAllValues:positive": "T T T T F T F F T",
    "ForAllValues:negated": "T T T F T F F T T",
    "ForAllValues:positive IfExists": "T T T T F T F F T",
    "ForAllValues:negated IfExists": "T T T F T F F T T",
    "ForAnyValue:positive": "F F F T F T T F F",
    "ForAnyValue:negated": "F F F F T F T T F",
    "ForAnyValue:positive IfExists": "F F F T F T T F F",
    "ForAnyValue:negated IfExists": "F F F F T F T T F",
}
ARN = "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::c/k"
SAMPLES = {
    "StringEquals": ("a", "a", "A"),
    "StringEqualsIgnoreCase": ("a", "A", "b"),
    "StringLike": ("a*", "ab", "b"),
    "NumericEquals": ("1", "1.0", "2"),
    "NumericLessThan": ("5", "4", "5"),
    "NumericLessThanEquals": ("5", "5", "6"),
    "NumericGreaterThan": ("5", "6", "5"),
    "NumericGreaterThanEquals": ("5", "5", "4"),
    "DateEquals": ("2026-11-24", "2026-11-24T00:00:00Z", "2026-11-25"),
    "DateLessThan": ("2026-11-24", "2026-11-23", "2026-11-24"),
    "DateLessThanEquals": ("2026-11-24", "2026-11-24", "2026-11-25"),
    "DateGreaterThan": ("2026-11-24", "2026-11-25", "2026-11-24"),
    "DateGreaterThanEquals": ("2026-11-24", "2026-11-24", "2026-11-23"),
    "Bool": ("true", "true", "false"),
    "BinaryEquals": ("QUJD", "QUJD", "QUJE"),
    "IpAddress": ("10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
    "ArnEquals": ARN,
    "ArnLike": ARN,
    "StringNotEquals": ("a", "a", "A"),
    "StringNotEqualsIgnoreCase": ("a", "A", "b"),
    "StringNotLike": ("a*", "ab", "b"),
    "NumericNotEquals": ("1", "1.0", "2"),
    "DateNotEquals": ("2026-11-24", "2026-11-24T00:00:00Z", "2026-11-25"),
    "NotIpAddress": ("10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
    "ArnNotEquals": ARN,
    "ArnNotLike": ARN,
}
"""For each operator: the policy's value, a request's value that it matches, and one that it does not."""


def holds(operator: str, values: str | tuple[str, ...], have: ContextValue | None, **context: ContextValue) -> bool:
    wanted = (values,) if isinstance(values, str) else values
    check = compile_condition(Condition(operator, "Test:Key", wanted), variables=True)
    given = {key.replace("_", ":"): value for key, value in context.items()}
    return check(given if have is None else {**given, "test:key": have})


def test_the_table_knows_every_operator() -> None:
    """AWS's list of condition operators, Null apart: strings 6, numbers 6, dates 6, Bool, Binary, addresses 2, ARNs 4."""
    assert len(SAMPLES) == 26
    assert all(is_operator(operator) for operator in SAMPLES)


@pytest.mark.parametrize(
    ("operator", "form"),
    [(operator, form) for operator in SAMPLES for form in FORMS if ("negated" in form) is ("Not" in operator)],
)
def test_quantifiers_negation_and_ifexists_follow_the_table(operator: str, form: str) -> None:
    """GHSA-v9cp-qfw9-9pfp: ForAllValues and ForAnyValue with negated operators were inverted elsewhere."""
    spelled = form.replace("positive", operator).replace("negated", operator).replace(" ", "")
    wanted, matching, other = SAMPLES[operator]
    real = {"1": matching, "0": other}
    for (column, have), letter in zip(COLUMNS.items(), FORMS[form].split(), strict=True):
        value = tuple(real.get(each, each) for each in have) if isinstance(have, tuple) else real.get(have or "", have)
        assert holds(spelled, wanted, value) is (letter == "T"), column


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        *(("true", column, column in {"absent", "no values"}) for column in COLUMNS),
        *(("false", column, column not in {"absent", "no values"}) for column in COLUMNS),
    ],
)
def test_null_asks_for_presence_alone(value: str, column: str, expected: bool) -> None:
    assert holds("Null", value, COLUMNS[column]) is expected


@pytest.mark.parametrize("operator", [name for name in SAMPLES if "Not" in name])
def test_a_negated_operator_wants_that_none_of_several_values_matches(operator: str) -> None:
    value, matching, other = SAMPLES[operator]
    assert not holds(operator, ("nothing", value), matching)
    assert holds(operator, ("nothing", value), other)


@pytest.mark.parametrize(
    ("operator", "wanted", "have", "expected"),
    [
        ("StringEquals", "A", "a", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a ", "a", False),
        ("StringEqualsIgnoreCase", "ÄB", "äb", True),
        ("StringLike", "a?c*", "abc", True),
        ("StringLike", "a?c", "ac", False),
        ("StringLike", "A*", "ab", False),
        ("StringLike", "*", "", True),
        ("StringLike", "home/*", "home/a:b/c", True),
        ("stringlike", "a*", "ab", True),
        ("NumericEquals", "10", "10.00", True),
        ("NumericEquals", "0.1", "0.10000000000000000001", False),
        ("NumericLessThan", "10", "9.999", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "-1", "-1", True),
        ("NumericGreaterThan", "9", "10", True),
        ("NumericGreaterThanEquals", "9007199254740993", "9007199254740992", False),
        ("NumericEquals", "ten", "ten", False),
        ("NumericNotEquals", "ten", "10", True),
        ("NumericEquals", "1e1", "10", False),
        ("NumericEquals", "NaN", "NaN", False),
        ("DateEquals", "2026-11-24T00:00:00Z", "1795478400", True),
        ("DateEquals", "2026-11-24T02:00:00+02:00", "2026-11-24T00:00:00Z", True),
        ("DateEquals", "2026", "2026-01-01T00:00:00Z", True),
        ("DateEquals", "2026-11", "2026-11-01", True),
        ("DateLessThan", "2026-11-24T00:00:00.5Z", "2026-11-24T00:00:00.499Z", True),
        ("DateGreaterThan", "2026-11-24T00:00Z", "2026-11-24T00:00:01Z", True),
        ("DateLessThan", "2026-02-30", "2020-01-01", False),
        ("DateNotEquals", "yesterday", "2020-01-01", True),
        ("Bool", "TRUE", "true", True),
        ("Bool", "true", "false", False),
        ("Bool", "yes", "yes", False),
        ("BinaryEquals", "QUJD", "QUJD", True),
        ("BinaryEquals", "QUJD", "QUJE", False),
        ("BinaryEquals", "QUJD!", "QUJD!", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.255", True),
        ("IpAddress", "203.0.113.77/24", "203.0.113.1", True),
        ("IpAddress", "203.0.113.7", "203.0.113.8", False),
        ("IpAddress", "0.0.0.0/0", "8.8.8.8", True),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
        ("IpAddress", "::/0", "8.8.8.8", False),
        ("IpAddress", "2001:db8::/32", "2001:DB8:0:0::9", True),
        ("IpAddress", "10.0.0.0/8", "10.0.0.0/8", False),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", False),
        ("IpAddress", "10.0.0.0/33", "10.0.0.1", False),
        ("NotIpAddress", "nonsense", "10.0.0.1", True),
        ("ArnLike", "arn:aws:sns:*:1:t/*", "arn:aws:sns:eu:1:t/x:y/z", True),
        ("ArnLike", "arn:aws:sns:*:1:t", "arn:aws:sns:a:2:b:1:t", False),
        ("ArnEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:eu:1:t", True),
        ("ArnLike", "arn:aws:sns:eu:1:T", "arn:aws:sns:eu:1:t", False),
        ("ArnLike", "*", "arn:aws:s3:::b", False),
        ("ArnLike", "arn:aws:s3:::*", "not an arn", False),
    ],
)
def test_operators_compare_as_documented(operator: str, wanted: str, have: str, expected: bool) -> None:
    assert holds(operator, wanted, have) is expected


def test_null_asks_whether_the_key_is_there() -> None:
    assert holds("Null", "true", None)
    assert holds("Null", "true", ())
    assert not holds("Null", "true", "")
    assert holds("Null", "false", "")
    assert holds("Null", "false", ("a", "b"))
    assert not holds("Null", "False", None)
    assert holds("Null", ("true", "false"), "x")
    assert not holds("Null", "maybe", "x")


@pytest.mark.parametrize(
    "name",
    [
        "NullIfExists",
        "ForAnyValue:Null",
        "ForAllValues:Null",
        "Equals",
        "",
        "ForAny:Bool",
        "ForAnyValue::Bool",
        "IfExists",
    ],
)
def test_what_is_no_operator_is_not_taken_for_one(name: str) -> None:
    assert not is_operator(name)


def test_variables_are_filled_in_as_text() -> None:
    assert holds("StringEquals", "${aws:username}", "bob", aws_username="bob")
    assert holds("StringEquals", "${AWS:UserName}", "bob", aws_username="bob")
    assert holds("StringLike", "${aws:username}/*", "bob/x", aws_username="bob")
    assert not holds("StringLike", "${aws:username}", "bob", aws_username="*")
    assert holds("StringLike", "${aws:username}", "b*", aws_username="b*")
    assert holds("Bool", "${aws:flag}", "true", aws_flag="true")
    assert holds("ArnLike", "arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/bob", aws_username="bob")


def test_an_absent_variable_equals_nothing() -> None:
    assert not holds("StringEquals", "${test:gone}", "")
    assert holds("StringNotEquals", "${test:gone}", "x")
    assert holds("StringEquals", ("${test:gone}", "x"), "x")
    assert holds("StringEquals", "${test:gone, 'x'}", "x")
    assert holds("StringEquals", "${test:gone,''}", "")
    assert not holds("StringEquals", "${test:many}", "x", test_many=("x",))
    assert holds("StringEquals", "${test:many, 'd'}", "d", test_many=("x", "y"))


def test_a_variables_value_cannot_move_the_borders_of_an_arn() -> None:
    pattern = "arn:aws:sns:${test:r}:111122223333:t"
    moved = "arn:aws:sns:eu:999999999999:x:111122223333:t"
    assert not holds("ArnLike", pattern, moved, test_r="eu:999999999999:x")
    assert holds("ArnEquals", "${test:arn}", "arn:aws:sns:eu:1:t", test_arn="arn:aws:sns:eu:1:t")


def test_numbers_dates_addresses_and_binaries_take_no_variables() -> None:
    assert not holds("NumericEquals", "${test:n}", "5", test_n="5")
    assert not holds("IpAddress", "${test:n}", "10.0.0.1", test_n="10.0.0.1")


def test_an_operator_without_values_matches_nothing() -> None:
    assert not holds("StringEquals", (), "a")
    assert holds("StringNotEquals", (), "a")
