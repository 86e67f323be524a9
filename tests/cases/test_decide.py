"""`rolecall decide`: a decision a line, with its reasons, and an error for a line that is no case."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rolecall.cases.case import MOST_BYTES
from rolecall.cases.decide import answers

CORPUS = Path(__file__).parent.parent / "corpus"
USER = "arn:aws:iam::111122223333:user/alice"
GET = {"principal": USER, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": {}}
ALLOW = {"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}


def one(case: object) -> dict[str, object]:
    (answer,) = answers([json.dumps(case).encode()])
    return answer


def decide(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [str(Path(sys.executable).with_name("rolecall")), "decide", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=60)


def test_every_case_of_a_file_is_answered_in_order() -> None:
    done = decide(str(CORPUS / "s3.jsonl"))
    assert done.returncode == 0
    expected = [json.loads(line) for line in (CORPUS / "s3.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["id"], each["decision"]) for each in found] == [
        (each["id"], each["expect"]["decision"]) for each in expected
    ]
    assert all(each["reasons"] for each in found)


def test_an_answer_comes_before_the_next_line_is_written() -> None:
    command = [str(Path(sys.executable).with_name("rolecall")), "decide"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(2):
            running.stdin.write(json.dumps({"id": number, "request": GET}).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["decision"] == "implicit_deny"
        running.stdin.close()
    assert running.returncode == 0


def test_an_allow_names_the_statement_that_allowed() -> None:
    answer = one({"id": "a", "request": GET, "policies": {"identity": [ALLOW]}})
    assert answer["decision"] == "allow"
    assert answer["reasons"] == ['allowed by statement 0 "Read" of identity 0 (identity-based policy)']
    assert answer["statements"] == [
        {"layer": "identity-based policy", "policy": "identity 0", "statement": 0, "sid": "Read", "effect": "Allow"}
    ]


def test_an_explicit_deny_names_the_statement_that_denied() -> None:
    deny = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    answer = one({"request": GET, "policies": {"identity": [ALLOW], "scps": [[deny]]}})
    assert (answer["decision"], answer["layer"]) == ("explicit_deny", "service control policy")
    assert answer["reasons"] == ["denied by statement 0 of scps 0.0 (service control policy)"]


def test_an_implicit_deny_names_the_nearest_statement_and_what_failed_in_it() -> None:
    near = {"Sid": "Old", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    near["Condition"] = {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    far = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}
    request = {**GET, "context": {"aws:CurrentTime": ["2026-11-25T00:00:00Z"]}}
    answer = one({"request": request, "policies": {"identity": [{"Statement": [far, near]}]}})
    assert answer["decision"] == "implicit_deny"
    first, nearest, second = answer["reasons"]
    assert first == "no identity-based policy allows s3:GetObject on `arn:aws:s3:::b/k`"
    assert nearest == (
        'statement 1 "Old" of identity 0 would allow it, but DateLessThan aws:CurrentTime wants `2020-01-01T00:00:00Z`, '
        "the request has `2026-11-25T00:00:00Z`"
    )
    assert second == (
        "statement 0 of identity 0 would allow it, but Resource is `arn:aws:s3:::other/*`, the request has "
        "`arn:aws:s3:::b/k`"
    )


def test_a_layer_that_is_not_there_is_told_apart_from_one_that_does_not_allow() -> None:
    assert one({"request": GET})["reasons"] == [
        "no identity-based policy allows s3:GetObject on `arn:aws:s3:::b/k`",
        "there is no identity-based policy",
    ]


def test_an_id_comes_back_as_it_was_given() -> None:
    for case_id in ("x", 7, 1.5, None, ["a", 1]):
        assert one({"id": case_id, "request": GET})["id"] == case_id


@pytest.mark.parametrize("number", ["1" * 5000, "1e400"])
def test_an_id_too_large_for_a_number_comes_back_as_text(number: str) -> None:
    (answer,) = answers([b'{"id": %b, "request": %b}' % (number.encode(), json.dumps(GET).encode())])
    assert (answer["id"], answer["decision"]) == (number, "implicit_deny")


def test_several_actions_are_as_good_as_the_worst() -> None:
    put = {**GET, "also": ["s3:PutObjectTagging"]}
    answer = one({"request": put, "policies": {"identity": [ALLOW]}})
    assert (answer["decision"], answer["action"]) == ("implicit_deny", "s3:PutObjectTagging")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", "not JSON"),
        (b"[]", "a case is a JSON object"),
        (b'{"id": "x"}', "`request` is not an object"),
        (b'{"id": "x", "id": "y"}', "repeats a key"),
        (b'{"id": NaN}', "NaN"),
        (b'{"id": "\\ud800"}', "half a character"),
        (b'{"id": "\xff"}', "not UTF-8: byte 8 of the line"),
        (b"[" * 200_000, "not JSON"),
        (b'"' + b"x" * MOST_BYTES + b'"', "larger than"),
        (b'{"id": "x", "request": {"principal": "anonymous", "action": "*", "resource": "*"}}', "`*` is no action"),
    ],
)
def test_a_line_that_is_no_case_is_answered_with_its_error_and_the_next_is_decided(line: bytes, error: str) -> None:
    bad, good = answers([line, json.dumps({"id": "next", "request": GET}).encode()])
    assert error in str(bad["error"])
    assert bad["line"] == 1
    assert "decision" not in bad
    assert (good["id"], good["decision"]) == ("next", "implicit_deny")


def test_a_policy_that_cannot_be_read_is_an_error_that_names_it() -> None:
    answer = one({"id": "p", "request": GET, "policies": {"identity": [ALLOW, {"Statement": {"Effect": "allow"}}]}})
    assert answer == {"id": "p", "line": 1, "error": "identity 1: statement 0: Effect is `allow`, not Allow or Deny"}


def test_the_exit_code_tells_a_line_that_could_not_be_decided_and_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert decide(given=b"\n \n").returncode == 0
    undecided = decide("-", given=b"nonsense\n")
    assert undecided.returncode == 1
    assert "error" in json.loads(undecided.stdout)
    missing = decide(str(tmp_path / "none.jsonl"))
    assert missing.returncode == 2
    assert b"No such file" in missing.stderr
    assert missing.stdout == b""
