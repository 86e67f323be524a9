"""Identity-based policies when they are written: which text AWS answers with, and in which order of passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.catalog import managed_policies
from rolecall.policy.compile import compile_policy
from rolecall.policy.validate import Malformed, PolicyKind, size_without_whitespace, validate

LINES = Path(__file__).with_name("malformed.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [pytest.param(json.loads(line), id=json.loads(line)["name"]) for line in LINES]


@pytest.mark.parametrize("case", CASES)
def test_documents_are_taken_or_refused_in_awss_words(case: dict[str, object]) -> None:
    document = case["document"]
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    kind = PolicyKind(case["kind"])
    if case["message"] is None:
        assert validate(text, kind).statements
        return
    with pytest.raises(Malformed) as refusal:
        validate(text, kind)
    assert (refusal.value.code, refusal.value.message) == ("MalformedPolicyDocument", case["message"])


def test_white_space_is_not_counted() -> None:
    assert size_without_whitespace('{ "Statement" :\r\n\t[ ] }') == len('{"Statement":[]}')


def test_every_managed_policy_of_aws_is_taken() -> None:
    """What AWS itself publishes is the best oracle of what AWS takes."""
    found = managed_policies.all_policies()
    assert len(found) > 1000
    for policy in found:
        text = managed_policies.document(policy.arn)
        assert text is not None
        assert compile_policy(validate(text, PolicyKind.MANAGED)).statements, policy.arn
