"""ValidatePolicy's checks: each finds what AWS's reference says, points at it, and is silent where nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.validation_cases import CASES, IDENTITY, RESOURCE, Case, policy
from tests.counting import calls_in

from rolecall.analysis import findings, languages
from rolecall.analysis.findings import PAGE, Finding, checks
from rolecall.analysis.languages import Undecided
from rolecall.analysis.located import NotJson, read
from rolecall.analysis.validation import PolicyType, Subject, validate
from rolecall.catalog import managed_policies


def found(text: str, type_: str = IDENTITY, resource_type: str | None = None) -> list[Finding]:
    return validate(text, Subject(PolicyType(type_), resource_type))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_each_check_finds_its_case_and_points_at_it(case: Case) -> None:
    findings = found(case.text, case.type, case.resource_type)
    (finding,) = [one for one in findings if one.code == case.code]
    pointed = [case.text[place.start : place.end] for place in finding.locations]
    assert pointed == list(case.points_at)
    assert "{{" not in finding.details
    if case.says:
        assert finding.details == case.says
    anchor = case.code.lower().replace("_", "-")
    assert finding.link.startswith(f"{PAGE}#access-analyzer-reference-policy-checks-")
    assert finding.link.endswith(f"-{anchor}")


def test_every_check_of_the_reference_that_is_offered_has_a_case() -> None:
    assert {case.code for case in CASES} == set(checks())
    assert len(checks()) > 140


def test_weights_are_awss() -> None:
    by_weight = {code: check.type for code, check in checks().items()}
    assert by_weight["INVALID_ACTION"] == "ERROR"
    assert by_weight["MISSING_VERSION"] == "WARNING"
    assert by_weight["PASS_ROLE_WITH_STAR_IN_RESOURCE"] == "SECURITY_WARNING"
    assert by_weight["EMPTY_SID_VALUE"] == "SUGGESTION"
    anchors = {"ERROR": "error-", "WARNING": "general-warning-", "SECURITY_WARNING": "security-warning-"}
    for check in checks().values():
        assert check.anchor.startswith(anchors.get(check.type, "suggestion-"))


AWS_EXAMPLE = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "",
            "Effect": "Allow",
            "Principal": {
                "Federated": "cognito-identity.amazonaws.com"
            },
            "Action": [
                "sts:AssumeRole",
                "sts:TagSession"
            ],
            "Condition": {
                "StringEquals": {
                    "cognito-identity.amazonaws.com:aud": "us-west-2_EXAMPLE00"
                }
            }
        }
    ]
}"""
"""The document of the aws CLI's own example; its answer was made with a value of 19 characters there."""


def test_awss_own_example_gets_awss_own_answer() -> None:
    findings = found(AWS_EXAMPLE, RESOURCE)
    places = [[(place.start, place.end) for place in finding.locations] for finding in findings]
    assert [finding.code for finding in findings] == [
        "EMPTY_SID_VALUE",
        "MISMATCHED_ACTION_FOR_PRINCIPAL",
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ]
    assert places == [[(79, 81)], [(258, 274), (170, 202)], [(292, 308), (443, 464)]]
    assert findings[1].locations[0].path == (("value", "Statement"), ("index", 0), ("value", "Action"), ("index", 0))
    assert findings[1].details.startswith(
        "The sts:AssumeRole action is invalid with the following principal(s): cognito-identity.amazonaws.com. Use a"
    )
    assert findings[2].details.startswith(
        "The following actions: sts:TagSession are not supported by the condition key"
        " cognito-identity.amazonaws.com:aud. "
    )


CLEAN = [
    (IDENTITY, None, policy({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"})),
    (
        IDENTITY,
        None,
        policy(
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": "arn:aws:iam::123456789012:role/app",
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            }
        ),
    ),
    (
        RESOURCE,
        "AWS::S3::Bucket",
        policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::b/AWSLogs/123456789012/*",
                "Condition": {
                    "StringEquals": {
                        "s3:x-amz-acl": "bucket-owner-full-control",
                        "aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/t",
                    }
                },
            }
        ),
    ),
    (
        RESOURCE,
        "AWS::IAM::AssumeRolePolicyDocument",
        policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:user/alice"},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            }
        ),
    ),
    ("SERVICE_CONTROL_POLICY", None, policy({"Effect": "Allow", "Action": "*", "Resource": "*"})),
    (
        "RESOURCE_CONTROL_POLICY",
        None,
        policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
            }
        ),
    ),
]


@pytest.mark.parametrize(("type_", "resource_type", "text"), CLEAN)
def test_nothing_is_found_where_nothing_is_wrong(type_: str, resource_type: str | None, text: str) -> None:
    assert found(text, type_, resource_type) == []


WITH_STAR_IN_RESOURCE = {"PowerUserAccess", "AWSOrganizationsServiceTrustPolicy"}
"""What AWS's reference lists under `Create SLR with star in resource` and has not withdrawn since."""


@pytest.mark.parametrize("name", sorted(WITH_STAR_IN_RESOURCE))
def test_awss_managed_policies_have_the_findings_that_aws_lists(name: str) -> None:
    (policy_,) = [one for one in managed_policies.all_policies() if one.name == name]
    text = managed_policies.document(policy_.arn) or ""
    codes = {finding.code for finding in found(text)}
    assert "CREATE_SLR_WITH_STAR_IN_RESOURCE" in codes


def test_full_administrators_get_both_warnings_that_the_console_shows() -> None:
    findings = found(policy({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    assert [finding.code for finding in findings] == [
        "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
        "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE",
    ]


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
ELEMENTS = ["Version", "Statement", "Sid", "Effect", "Action", "Resource", "Principal", "Condition", "NotAction"]
ODD = st.recursive(
    JSONS | st.sampled_from(["Allow", "*", "s3:*", "arn:aws:s3:::b", "${", "StringEquals", "2012-10-17"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ELEMENTS), inner, max_size=5),
    max_leaves=20,
)


@given(JSONS)
def test_json_is_read_as_python_reads_it(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)):
        try:
            text.encode()
        except UnicodeEncodeError:
            continue
        node = read(text)
        assert json.loads(text[node.start : node.end]) == value


@given(st.text(alphabet='{}[]",:\\ue0a1-.tfn ', max_size=24))
def test_what_is_no_json_is_refused_and_what_is_json_is_not(text: str) -> None:
    try:
        pairs: list[object] = []
        json.loads(text, object_pairs_hook=lambda found: pairs.append(len(dict(found)) == len(found)))
        json.loads(text).__str__().encode()
        is_json = all(pairs)
    except (ValueError, UnicodeEncodeError):
        is_json = False
    if is_json:
        read(text)
        return
    with pytest.raises(NotJson) as problem:
        read(text)
    assert 0 <= problem.value.index <= len(text)


@given(ODD, st.sampled_from(list(PolicyType)))
def test_whatever_the_document_it_is_reviewed(value: object, type_: PolicyType) -> None:
    text = json.dumps(value)
    for finding in validate(text, Subject(type_)):
        assert all(0 <= place.start <= place.end <= len(text) for place in finding.locations)


# Bounds ---------------------------------------------------------------------------------------------------------------


def many(make: Callable[[int], object], count: int) -> list[object]:
    return [make(number) for number in range(count)]


def allowing(**elements: object) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


BUCKET = "arn:aws:s3:::b/"
HOSTILE = {
    "unclosed variables": allowing(Resource=BUCKET + "${" * 20_000),
    "variables": allowing(Resource=BUCKET + "${a}," * 10_000),
    "stars in a name": allowing(Resource=BUCKET + "*a" * 20_000),
    "stars in an action": allowing(Action="s3:" + "*a" * 20_000),
    "actions with stars": allowing(Action=many(lambda n: f"ec2:*e*a*{n}*", 4_000)),
    "misspelt actions": allowing(Action=many(lambda n: f"ec2:DescribeInstance{n}", 4_000)),
    "resources of unknown services": allowing(Resource=many(lambda n: f"arn:aws:x{n}:::*{n}*", 4_000)),
    "resources": allowing(Resource=many(lambda n: f"arn:aws:ec2:us-east-1:123456789012:*{n}*", 3_000)),
    "long resources": allowing(Resource=many(lambda n: BUCKET + f"*a{n}" + "*a" * 100, 250)),
    "keys times actions": allowing(
        Action=many(lambda _: "ec2:*", 3_000),
        Condition={"StringEquals": {f"aws:ResourceTag/{number}": "x" for number in range(2_000)}},
    ),
    "keys of another service": allowing(
        Action=many(lambda _: "iam:GetUser", 3_000),
        Condition={"StringEquals": {f"kms:EncryptionContext:{number}": "x" for number in range(2_000)}},
    ),
    "keys of a trust policy": json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"] * 3_000,
                "Principal": {"Federated": many(lambda n: f"x{n}.example.com", 2_000)},
                "Condition": {"StringEquals": {f"aws:RequestTag/{number}": "x" for number in range(1_000)}},
            }
        }
    ),
    "values": allowing(Condition={"StringEquals": {"aws:SourceVpc": many(lambda n: f"x{n}", 8_000)}}),
    "empty statements": json.dumps({"Statement": [{}] * 20_000}),
    "unknown elements": json.dumps({"Statement": {f"a{number}": 1 for number in range(8_000)}}),
    "nested arrays": '{"Statement":' + "[" * 50 + ",".join(["[]"] * 10_000) + "]" * 50 + "}",
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_whatever_is_validated_the_work_is_bounded(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of these cost seconds, some minutes: a document is answered or refused within so many calls."""
    monkeypatch.setattr(findings, "MOST_STEPS", 15_000)
    monkeypatch.setattr(languages, "MOST_STEPS", 10_000)
    validate(allowing(Resource="arn:aws:unknown:::x"), Subject(PolicyType.IDENTITY))

    def look() -> None:
        with suppress(Undecided):
            validate(HOSTILE[shape], Subject(PolicyType.RESOURCE))

    assert calls_in(look) < 1_500_000


def test_an_unclosed_variable_is_sought_once() -> None:
    """Sought from every `${` to the end, 60,000 of them took five seconds of a regular expression."""
    codes = {one.code for one in found(allowing(Resource=BUCKET + "${" * 60_000))}
    assert "MISSING_BRACE_IN_VARIABLE" in codes


def test_a_document_that_is_too_much_is_refused_not_half_reviewed() -> None:
    with pytest.raises(Undecided):
        found(HOSTILE["keys times actions"])


def test_a_policy_as_large_as_awss_is_reviewed_to_its_end() -> None:
    """A bucket policy's 20,480 bytes of what costs most: actions with stars, each under a tag condition."""
    statement = {
        "Effect": "Allow",
        "Action": many(lambda n: f"ec2:*{n}*", 60),
        "Resource": many(lambda n: f"arn:aws:ec2:us-east-1:123456789012:instance/{n}*", 40),
        "Condition": {"StringEquals": {f"aws:ResourceTag/{n}": "x" for n in range(20)}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Sid": f"S{n}"} for n in range(5)]})
    assert 15_000 < len(text) < 20_480
    assert [one.code for one in found(text)].count("REDUNDANT_STATEMENT") == 4
