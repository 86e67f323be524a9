"""Positions and context keys of documents. The expected positions are what AWS answered for these documents."""

from __future__ import annotations

import json

import pytest

from rolecall.policy.keys import context_keys
from rolecall.policy.parse import parse
from rolecall.policy.positions import Position, Span, statement_spans

DYNAMO = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
    '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)
"""The example of `aws iam simulate-custom-policy help`, which shows columns 38 and 167."""
BUCKET = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "*",
                "Resource": ["arn:aws:s3:::tims-fancy-bucket/*", "arn:aws:s3:::tims-fancy-bucket"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "DenyTimDelete",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:DeleteObject",
                "Resource": ["arn:aws:s3:::tims-fancy-bucket/*"],
                "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::112233445566:role/tims-test-role"}},
            },
        ],
    },
    separators=(",", ":"),
)
"""A bucket policy for which AWS answered 38 to 248 and, for the second statement, from 248."""
READ_ONLY = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "codecommit:ListRepositories",
            "Resource": "*"
        }
    ]
}"""


def _columns(text: str) -> list[tuple[int, int]]:
    return [(span.start.column, span.end.column) for span in statement_spans(text)]


def test_a_lone_statement_begins_behind_its_brace_and_ends_behind_its_last() -> None:
    assert _columns(DYNAMO) == [(38, 167)]


def test_a_second_statement_begins_where_the_first_ended() -> None:
    (first, second) = _columns(BUCKET)
    assert first == (38, second[0])
    assert second[1] == len(BUCKET) - 1


def test_lines_are_counted_however_they_end() -> None:
    expected = (Span(Position(3, 19), Position(8, 10)),)
    for line_end in ("\n", "\r\n", "\r"):
        assert statement_spans(READ_ONLY.replace("\n", line_end)) == expected


def _document(*statements: dict[str, object], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


@pytest.mark.parametrize(
    ("statement", "keys"),
    [
        ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, ["aws:username"]),
        ({"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/Team, 'none'}/${*}"}, ["aws:PrincipalTag/Team"]),
        ({"NotResource": ["arn:aws:s3:::${a:b}", "arn:aws:s3:::${"]}, ["a:b"]),
        (
            {"Resource": "*", "Condition": {"StringEquals": {"s3:prefix": ["${aws:username}", "x"]}}},
            ["s3:prefix", "aws:username"],
        ),
        ({"Resource": "*", "Condition": {"NumericEquals": {"s3:max-keys": "${aws:username}"}}}, ["s3:max-keys"]),
        ({"Resource": "${aws:x}", "Condition": {"Null": {"AWS:X": "true", "aws:y": "true"}}}, ["aws:x", "aws:y"]),
    ],
)
def test_keys_are_those_of_conditions_and_variables_each_once(statement: dict[str, object], keys: list[str]) -> None:
    assert context_keys([parse(_document({"Effect": "Allow", "Action": "*", **statement}))]) == keys


def test_documents_of_2008_have_no_variables() -> None:
    text = _document({"Effect": "Allow", "Action": "*", "Resource": "${aws:x}"}, version="2008-10-17")
    assert context_keys([parse(text)]) == []
