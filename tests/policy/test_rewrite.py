"""Principals of a document, found and replaced in its text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.validate import principals, with_principals

TEXT = """{ "Version" : "2012-10-17",
  "Statement": [
    {"Sid":"é\\u00e9", "Effect":"Allow", "Principal":{"AWS": ["one" , "two"], "Service":"one"}, "Action":"sts:AssumeRole",
     "Condition":{"NumericEquals":{"AWS":1.50}}},
    {"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"},
    {"Effect":"Deny","NotPrincipal" : {"AWS":"two"},"Action":["sts:AssumeRole"]} ]
}
"""


def test_principals_are_listed_with_type_and_place() -> None:
    found = [(each.type, each.value, each.statement) for each in principals(parse(TEXT))]
    assert found == [("AWS", "one", 0), ("AWS", "two", 0), ("Service", "one", 0), ("AWS", "*", 1), ("AWS", "two", 2)]


def test_only_principals_change_and_all_else_stays_as_written() -> None:
    changed = with_principals(TEXT, lambda kind, value: {"AWS two": 'new "id"'}.get(f"{kind} {value}", value))
    assert changed == TEXT.replace('"two"', '"new \\"id\\""')
    assert with_principals(TEXT, lambda _, value: value) == TEXT


def test_the_plain_star_is_not_asked_about() -> None:
    asked: list[str] = []
    with_principals(TEXT, lambda _, value: asked.append(value) or value)
    assert asked == ["one", "two", "one", "two"]


def test_a_document_can_be_given_as_value() -> None:
    assert with_principals(parse(TEXT), lambda _, value: value.upper()).count('"TWO"') == 2


@given(st.lists(st.text(max_size=4), min_size=1, max_size=4), st.sampled_from([None, 1, 3]))
def test_replacing_in_the_text_is_replacing_in_the_value(names: list[str], indent: int | None) -> None:
    def document(values: list[str]) -> dict[str, object]:
        return {"Statement": {"a": [{}], "Principal": {"AWS": values, "Service": values[0]}, "b": {"Principal": "x"}}}

    text = json.dumps(document(names), indent=indent)
    changed = with_principals(text, lambda _, value: value + "!")
    assert json.loads(changed) == document([name + "!" for name in names])


@pytest.mark.parametrize(
    "text", ["", "   ", "{", '{"Statement"', '{"Statement":[', '{"Statement":[{"Principal":{"AWS":[']
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(PolicyUnreadable):
        with_principals(text, lambda _, value: value)
