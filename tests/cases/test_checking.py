"""`rolecall test-policy`: what a folder of policies is expected to do, and the guide's example, run as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "policy-tests.md"
ROLECALL = str(Path(sys.executable).with_name("rolecall"))
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"},
        {"Sid": "Never", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*/secret"},
    ],
}
ALICE = "arn:aws:iam::123456789012:user/staff/alice"


def rolecall(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROLECALL, *words], capture_output=True, text=True, timeout=60, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder: the policy, and one file of tests."""

    def make(*tests: dict[str, object], policy: object = POLICY, **shared: object) -> Path:
        (tmp_path / "p.json").write_text(json.dumps(policy) if isinstance(policy, dict) else str(policy))
        content = {"policies": {"identity": "p.json"}, "principal": ALICE, **shared, "tests": list(tests)}
        (tmp_path / "p.test.json").write_text(json.dumps(content))
        return tmp_path

    return make


GET = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/alice/x", "expect": "allow"}


# The guide ------------------------------------------------------------------------------------------------------------


def example(tmp_path: Path) -> Path:
    """Write the guide's files; a block of JSON belongs to the file named before it."""
    text = GUIDE.read_text(encoding="utf-8")
    home = tmp_path / "policies"
    home.mkdir()
    for name, block in re.findall(r"`([\w.]+json)`(?:[^\n]*):\n\n```json\n(.*?)```", text, re.DOTALL):
        (home / name).write_text(block)
    assert sorted(file.name for file in home.iterdir()) == [
        "deploy.json",
        "deploy.test.json",
        "trust.json",
        "trust.test.json",
    ]
    return home


def shown(command: str) -> str:
    """Return what the guide shows after a command."""
    text = GUIDE.read_text(encoding="utf-8")
    return text.split(f"$ {command}\n", 1)[1].split("```", 1)[0]


def test_the_guides_example_passes_as_shown(tmp_path: Path) -> None:
    example(tmp_path)
    done = rolecall("test-policy", "policies", cwd=tmp_path)
    assert done.stdout == shown("rolecall test-policy policies")
    assert done.returncode == 0


def test_the_guides_example_fails_as_shown_when_the_policy_is_changed(tmp_path: Path) -> None:
    policy = example(tmp_path) / "deploy.json"
    policy.write_text(policy.read_text().replace('["s3:GetObject", "s3:PutObject"]', '"s3:GetObject"'))
    done = rolecall("test-policy", "policies", "--junit", "results.xml", cwd=tmp_path)
    assert done.stdout == shown("rolecall test-policy policies --junit results.xml")
    assert done.returncode == 1


def test_the_guides_case_is_decided_as_shown(tmp_path: Path) -> None:
    (case,) = re.findall(r"holds\n\n```json\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "cases.jsonl").write_text(case)
    assert rolecall("decide", "cases.jsonl", cwd=tmp_path).stdout == shown("rolecall decide cases.jsonl")


# Tests ----------------------------------------------------------------------------------------------------------------


def test_a_failing_test_names_the_nearest_statement_and_what_it_wants(folder: Callable[..., Path]) -> None:
    home = folder({**GET, "name": "reads bob's", "resource": "arn:aws:s3:::b/bob/x"})
    done = rolecall("test-policy", str(home))
    assert done.returncode == 1
    wants = "Resource is `arn:aws:s3:::b/alice/*`, the request has `arn:aws:s3:::b/bob/x`"
    assert done.stdout.splitlines() == [
        "p.test.json",
        "  FAIL  reads bob's: s3:GetObject on arn:aws:s3:::b/bob/x: expected allow, got implicit_deny",
        "          no identity-based policy allows s3:GetObject on `arn:aws:s3:::b/bob/x`",
        f'          statement 0 "Read" of p.json would allow it, but {wants}',
        "1 test, 1 failed",
    ]


@pytest.mark.parametrize(
    ("expect", "resource", "passes"),
    [
        ("allow", "arn:aws:s3:::b/alice/x", True),
        ("deny", "arn:aws:s3:::b/alice/x", False),
        ("deny", "arn:aws:s3:::b/bob/x", True),
        ("deny", "arn:aws:s3:::b/alice/secret", True),
        ("implicit_deny", "arn:aws:s3:::b/alice/secret", False),
        ("explicit_deny", "arn:aws:s3:::b/alice/secret", True),
    ],
)
def test_what_is_expected_is_held_against_the_decision(
    folder: Callable[..., Path], expect: str, resource: str, passes: bool
) -> None:
    done = rolecall("test-policy", str(folder({**GET, "resource": resource, "expect": expect})))
    assert done.returncode == (0 if passes else 1), done.stdout


def test_another_statement_than_the_expected_one_fails(folder: Callable[..., Path]) -> None:
    done = rolecall("test-policy", str(folder({**GET, "by": "Read"}, {**GET, "by": "Other"})))
    assert done.returncode == 1
    assert 'allow as expected, but not by the statement "Other"' in done.stdout
    assert done.stdout.endswith("2 tests, 1 failed\n")


def test_a_test_overlays_what_the_file_says_key_by_key(folder: Callable[..., Path]) -> None:
    mfa = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"Bool": {"k:mfa": "true"}, "Null": {"k:x": "false"}},
    }
    home = folder(
        {**GET, "context": {"k:mfa": True}},
        {**GET, "context": {"k:mfa": False}, "expect": "implicit_deny"},
        {**GET, "context": {"k:mfa": True, "k:x": None}, "expect": "implicit_deny"},
        {**GET, "context": {"k:mfa": True}, "policies": {"boundary": {"Version": "2012-10-17", "Statement": POLICY["Statement"][1]}}, "expect": "implicit_deny"},
        {**GET, "context": {"k:mfa": True}, "policies": {"session": []}, "expect": "implicit_deny"},
        {**GET, "policies": {"identity": "p.json", "scps": [[{"Statement": mfa}], []]}, "context": {"k:mfa": True}, "expect": "implicit_deny"},
        policies={"identity": {"Version": "2012-10-17", "Statement": mfa}},
        context={"k:x": 1},
    )  # fmt: skip
    done = rolecall("test-policy", str(home), "-v")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("  ok    ") == 6


def test_what_the_callers_arn_tells_is_filled_in(folder: Callable[..., Path]) -> None:
    condition = {"StringEquals": {"aws:PrincipalType": "User", "aws:PrincipalAccount": "123456789012"}}
    condition["ArnEquals"] = {"aws:PrincipalArn": ALICE}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}/*", "Condition": condition}
    home = folder(
        GET,
        {**GET, "context": {"AWS:UserName": "bob"}, "expect": "deny"},
        policies={"identity": {"Version": "2012-10-17", "Statement": allow}},
    )
    assert rolecall("test-policy", str(home)).returncode == 0


def test_a_policy_that_aws_would_refuse_fails_the_run_with_awss_text(folder: Callable[..., Path]) -> None:
    twice = {**POLICY, "Statement": [POLICY["Statement"][0]] * 2}
    done = rolecall("test-policy", str(folder(GET, policy=twice)))
    assert done.returncode == 1
    assert (
        "  FAIL  p.json: AWS would not store it: Statement IDs (SID) in a single policy must be unique." in done.stdout
    )
    broken = rolecall("test-policy", str(folder(GET, policy="{")))
    assert broken.returncode == 1
    assert "  FAIL  p.json: AWS would not store it: Syntax errors in policy." in broken.stdout


def test_statements_that_decided_no_test_are_listed(folder: Callable[..., Path]) -> None:
    done = rolecall("test-policy", str(folder(GET)), "--untouched")
    assert '  untouched  p.json statement 1 "Never"' in done.stdout
    assert "statement 0" not in done.stdout


def test_junit_holds_every_test_with_what_failed(folder: Callable[..., Path]) -> None:
    home = folder(GET, {**GET, "name": "a\x1bb", "action": ["s3:PutObject", "s3:GetObject"]})
    assert rolecall("test-policy", str(home), "--junit", str(home / "r.xml")).returncode == 1
    root = ET.parse(home / "r.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failure = cases["a\ufffdb: s3:PutObject on arn:aws:s3:::b/alice/x"].find("failure")
    assert failure is not None
    assert failure.get("message") == "expected allow, got implicit_deny"
    assert "no identity-based policy allows s3:PutObject" in str(failure.text)


@pytest.mark.parametrize(
    ("tests", "shared", "problem"),
    [
        ([], {}, "`tests` is missing or empty"),
        ([{**GET, "expect": "maybe"}], {}, "`expect` is none of allow, deny, implicit_deny, explicit_deny"),
        ([{**GET, "acton": "x"}], {}, "unknown member `acton`"),
        ([{**GET, "action": 5}], {}, "`action` is a text or a list of texts"),
        ([{**GET, "action": "get"}], {}, "no action"),
        ([GET], {"policies": {"identity": "none.json"}}, "none.json: No such file or directory"),
        ([GET], {"policies": {"idntity": "p.json"}}, "unknown member `idntity`"),
        ([GET], {"principal": "arn:aws:iam::123456789012:group/g"}, "is no caller"),
        ([GET], {"context": {"k": {}}}, "neither text, boolean nor number"),
        (["x"], {}, "test 0 is not an object"),
    ],
)
def test_what_is_no_test_is_told_and_nothing_is_run(
    folder: Callable[..., Path], tests: list[dict[str, object]], shared: dict[str, object], problem: str
) -> None:
    done = rolecall("test-policy", str(folder(*tests, **shared)))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("rolecall test-policy: p.test.json: ")
    assert problem in done.stderr


def test_a_folder_without_tests_is_told(tmp_path: Path) -> None:
    done = rolecall("test-policy", str(tmp_path))
    assert done.returncode == 2
    assert "there is no *.test.json under" in done.stderr
