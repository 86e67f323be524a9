"""Compiled policies: the index finds what a look at every statement finds."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.policy.compile import compile_policy
from rolecall.policy.document import Document
from rolecall.policy.parse import parse

PATTERNS = [
    "*",
    "arn:aws:s3",
    "arn:aws:s3:::*",
    "arn:aws:s3:::bucket-one/*",
    "arn:aws:s3:::bucket-one",
    "arn:*:s3:::b*",
]
PATTERNS += ["arn:aws:s3:::bucket-one/${aws:username}/*", "arn:aws:s3:::bucket-one/${*}", "arn:aws:s3:::b?cket-one/k"]
RESOURCES = ["*", "arn:aws:s3:::bucket-one", "arn:aws:s3:::bucket-one/alice/k", "arn:aws:s3:::bucket-one/*", "x", "arn"]
RESOURCES += ["arn:aws:s3:::bucket-one/k", "arn:aws:s3:::bucket-ones/k"]


def document(statements: list[dict[str, object]]) -> Document:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": statements}))


@st.composite
def statements(draw: st.DrawFn) -> dict[str, object]:
    return {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(
            st.sampled_from(["*", "s3:Get*", ["s3:PutObject", "iam:*"]])
        ),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(
            st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3)
        ),
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(), min_size=1, max_size=6))
def test_the_index_finds_what_a_look_at_every_statement_finds(given_statements: list[dict[str, object]]) -> None:
    policy = compile_policy(document(given_statements))
    context = {"aws:username": "alice"}
    for action in ("s3:GetObject", "s3:PutObject", "iam:GetUser"):
        for resource in RESOURCES:
            plain = [
                each
                for each in policy.statements
                if each.covers_action(action.lower()) and each.covers_resource(resource, context)
            ]
            assert policy.covering(action, resource, context) == plain


def test_actions_are_found_whatever_their_case() -> None:
    policy = compile_policy(document([{"Effect": "Allow", "Action": "S3:getOBJECT", "Resource": "*"}]))
    assert len(policy.covering("s3:GetObject", "arn:aws:s3:::b/k", {})) == 1


def test_statements_come_in_the_order_of_the_document_and_once() -> None:
    one = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::b/*", "*", "arn:aws:s3:::b/k"]}
    policy = compile_policy(document([one, {**one, "Resource": "*"}, {**one, "Resource": "arn:aws:s3:::b/k"}]))
    assert [each.position for each in policy.covering("s3:GetObject", "arn:aws:s3:::b/k", {})] == [0, 1, 2]


def test_a_policy_asked_about_ever_new_actions_does_not_grow_for_ever() -> None:
    policy = compile_policy(document([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]))
    for number in range(3000):
        assert policy.about(f"s3:Invented{number}")
    assert len(policy._by_action) <= 1024


def test_a_pattern_is_found_for_the_shortest_text_it_covers() -> None:
    for length in range(24):
        start = "arn:aws:s3:::" + "x" * length
        policy = compile_policy(document([{"Effect": "Allow", "Action": "s3:*", "Resource": f"{start}*"}]))
        assert policy.covering("s3:GetObject", start, {})
        assert not policy.covering("s3:GetObject", start[:-1], {})
