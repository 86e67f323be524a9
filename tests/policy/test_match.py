"""Patterns of actions and resources."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.policy.match import action_test, resource_pattern, text_test
from rolecall.policy.template import tokens_of


def covers(pattern: str, resource: str, *, variables: bool = True, **context: str) -> bool:
    given_context = {key.replace("_", ":"): value for key, value in context.items()}
    return resource_pattern(pattern, variables=variables).test(resource, given_context)


@settings(max_examples=800, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_a_glob_means_what_the_regular_expression_means(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)
    tokens = tokens_of(pattern, wildcards=True, variables=False)
    assert text_test(tokens)(text, {}) is (re.fullmatch(expression, text) is not None)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["a", "?a", "ab", "a?"])
def test_thirty_stars_against_a_long_text_come_to_an_end(piece: str) -> None:
    """A matcher that tries again what it tried before would take longer than the world will last."""
    test = text_test(tokens_of(f"*{piece}" * 30 + "*x", wildcards=True, variables=False))
    for _ in range(50):
        assert not test("ab" * 2500, {})


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectTagging", False),
        ("s3:Get*Tagging", "s3:GetObjectTagging", True),
        ("s3:?etObject", "s3:GetObject", True),
        ("*:*", "iam:GetUser", True),
        ("s*:Get*", "s3:GetObject", True),
        ("s*Object", "s3:GetObject", False),
        ("s3", "s3:GetObject", False),
        ("s3:GetObject ", "s3:GetObject", False),
        ("sts:AssumeRole", "sts:AssumeRoleWithSAML", False),
        ("sts:AssumeRole*", "sts:AssumeRoleWithSAML", True),
    ],
)
def test_actions_match_without_regard_to_case_and_never_across_the_colon(
    pattern: str, action: str, expected: bool
) -> None:
    assert action_test(pattern)(action.lower()) is expected


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("*", "*", True),
        ("arn:aws:s3:::*", "*", False),
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::*", "arn:aws:s3:::b/k", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b2/k", True),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/kk", False),
        ("arn:aws:s3:::B", "arn:aws:s3:::b", False),
        ("arn:aws:iam::*:user/x", "arn:aws:iam::1:user/x", True),
        ("arn:aws:iam::*:user/x", "arn:aws:iam:a:1:b:user/x", False),
        ("arn:aws:sns:*:1:t", "arn:aws:sns:eu:2:x:1:t", False),
        ("arn:aws:s3:::b/*/x", "arn:aws:s3:::b/a:b/c/x", True),
        ("arn:aws:sqs", "arn:aws:sqs:eu:1:q", True),
        ("arn:aws:sqs", "arn:aws:sns:eu:1:q", False),
        ("arn:aws:iam::*", "arn:aws:iam::1:user/x", True),
    ],
)
def test_resources_match_part_by_part(pattern: str, resource: str, expected: bool) -> None:
    assert covers(pattern, resource) is expected


def test_a_user_does_not_reach_the_folder_of_one_whose_name_begins_alike() -> None:
    """Minio 99bf4d0c4: a resource with the user's name was matched as a prefix: bob could read bobby's files."""
    assert covers("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/bob/x", aws_username="bob")
    assert not covers("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/bobby/x", aws_username="bob")
    assert not covers("arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/bobby", aws_username="bob")


def test_a_wildcard_in_a_variables_value_is_text() -> None:
    """A tag, a session or a user may be called `*`; the name must not open what the author of the policy closed."""
    assert not covers(
        "arn:aws:s3:::home/${aws:principaltag/team}/*", "arn:aws:s3:::home/red/x", **{"aws_principaltag/team": "*"}
    )
    assert covers("arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/*", aws_username="*")
    assert not covers("arn:aws:s3:::home/${aws:username}?", "arn:aws:s3:::home/abc", aws_username="?")


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", True),
        ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", False),
        ("arn:aws:s3:::b/${?}${$}", "arn:aws:s3:::b/?$", True),
        ("arn:aws:s3:::b/${nope", "arn:aws:s3:::b/${nope", True),
        ("arn:aws:s3:::b/${}", "arn:aws:s3:::b/${}", True),
        ("arn:aws:s3:::b/${k, unquoted}", "arn:aws:s3:::b/${k, unquoted}", True),
        ("arn:aws:s3:::b/${gone}", "arn:aws:s3:::b/", False),
        ("arn:aws:s3:::b/${gone , 'd'}", "arn:aws:s3:::b/d", True),
        ("arn:aws:iam::${test:k}:user/x", "arn:aws:iam::1:user/x", False),
    ],
)
def test_escapes_defaults_and_what_is_no_variable(pattern: str, resource: str, expected: bool) -> None:
    assert covers(pattern, resource, test_k="1") is expected


def test_documents_of_2008_have_no_variables() -> None:
    assert covers("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:username}", variables=False, aws_username="x")
    assert not covers("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/x", variables=False, aws_username="x")
    assert covers("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${anything}", variables=False)


@pytest.mark.timeout(20)
def test_a_policy_full_of_dollars_is_cut_in_one_pass() -> None:
    for text in ("${" * 60_000, "${" + " " * 120_000, "${a," + "'" * 120_000 + "}"):
        assert tokens_of(text, wildcards=True, variables=True)
