"""Reading stored documents: strict, and closed to doubt."""

from __future__ import annotations

import json

import pytest

from rolecall.policy.document import Condition, Effect
from rolecall.policy.parse import MAX_BYTES, PolicyUnreadable, parse


def text(**changes: object) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": {key: value for key, value in statement.items() if value is not None}}
    )


def test_a_document_is_read_as_written() -> None:
    document = parse(
        '{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny","NotPrincipal":{"AWS":["1","2"],'
        '"Service":"s"},"NotAction":["a:b"],"NotResource":"*","Condition":{"Bool":{"k":true},"NumericEquals":'
        '{"n":[1.50,"2"]}}}]}'
    )
    statement = document.statements[0]
    assert (document.version, document.id, statement.sid, statement.effect) == ("2012-10-17", "x", "a", Effect.DENY)
    assert statement.not_actions
    assert statement.not_resources
    assert statement.principal is not None
    assert statement.principal.negated
    assert [(each.type, each.value) for each in statement.principal.values] == [
        ("AWS", "1"),
        ("AWS", "2"),
        ("Service", "s"),
    ]
    assert statement.conditions == (Condition("Bool", "k", ("true",)), Condition("NumericEquals", "n", ("1.50", "2")))


def test_a_document_without_version_is_of_2008() -> None:
    document = parse('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')
    assert document.version == "2008-10-17"
    assert not document.has_variables


def test_a_null_among_resources_means_nothing() -> None:
    assert parse(text(Resource=["*", None])).statements[0].resources == ("*",)


def test_an_empty_block_of_an_unknown_operator_means_nothing() -> None:
    assert parse(text(Condition={"Nonsense": {}, "DateEquals": {}})).statements[0].conditions == ()


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "nonsense",
        "[]",
        '"text"',
        "{}",
        '{"Statement":[]}',
        '{"Statement":["a"]}',
        '{"Version":"2013-10-17","Statement":[]}',
        '{"Version":["2012-10-17"],"Statement":[]}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Extra":1}',
        '{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}',
        '{"Id":1,"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"k":NaN}}}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} trailing',
        text(Effect="allow"),
        text(Effect=None),
        text(Effect=["Allow"]),
        text(Action=None),
        text(Action=[]),
        text(Action=5),
        text(Action=[None]),
        text(Action={"a": "b"}),
        text(NotAction="s3:*"),
        text(NotResource="*"),
        text(Resource=[]),
        text(Resource=None, NotResource=[None, 1]),
        text(Sid=5),
        text(Unknown="x"),
        text(action="x"),
        text(Principal="arn:aws:iam::111122223333:root"),
        text(Principal={}),
        text(Principal={"AWS": []}),
        text(Principal={"AWS": ""}),
        text(Principal={"AWS": 111122223333}),
        text(Principal={"Everybody": "*"}),
        text(Principal="*", NotPrincipal="*"),
        text(Condition=[]),
        text(Condition={"Bool": "true"}),
        text(Condition={"Bool": {"k": None}}),
        text(Condition={"Bool": {"k": {}}}),
        text(Condition={"Bool": {"k": [["x"]]}}),
        text(Condition={"StringEqual": {"k": "v"}}),
        text(Condition={"NullIfExists": {"k": "true"}}),
        text(Condition={"ForAnyValue::StringEquals": {"k": "v"}}),
        "[" * 100_000,
        '{"Statement":' * 30_000,
        text(Sid="\ud800"),
        text(Condition={"StringEquals": {"\udfff": "v"}}),
        text(Resource=["*", "arn:aws:s3:::b/\udc80"]),
    ],
)
def test_what_is_not_certainly_a_policy_is_refused(broken: str) -> None:
    """GHSA-566f-q62r-wcr8: a document that could not be read in full became one that allowed more."""
    with pytest.raises(PolicyUnreadable):
        parse(broken)


def test_a_character_written_in_two_halves_is_read_as_one() -> None:
    assert parse(text(Sid="\U0001f511")).statements[0].sid == "\U0001f511"


def test_a_document_beyond_the_bound_is_refused() -> None:
    with pytest.raises(PolicyUnreadable):
        parse(text(Sid="x" * MAX_BYTES))
    with pytest.raises(PolicyUnreadable):
        parse(text(Sid="x").replace("x", "ä" * (MAX_BYTES // 2)))
