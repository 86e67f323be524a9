"""Trust policies, bucket policies and organization policies when they are written."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.catalog import actions
from rolecall.policy.compile import compile_policy
from rolecall.policy.parse import parse
from rolecall.policy.validate import Malformed, PolicyKind, validate

GITHUB = "token.actions.githubusercontent.com"
GITHUB_ARN = f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"


def document(defaults: dict[str, object], changes: dict[str, object]) -> str:
    statement = {key: value for key, value in {**defaults, **changes}.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(**changes: object) -> str:
    return document({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}, changes)


def bucket(**changes: object) -> str:
    defaults = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shelf/*"}
    return document(defaults, changes)


def refusal(text: str, kind: PolicyKind) -> tuple[str, str] | None:
    try:
        validate(text, kind, bucket="shelf", facts=actions)
    except Malformed as refused:
        return refused.code, refused.message
    return None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing like JSON", "This policy contains invalid Json"),
        ("[]", "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        ('{"Statement":[]}', "Could not parse the policy: Statement is empty!"),
        (trust().replace("2012-10-17", "2012"), "The policy must contain a valid version string"),
        (
            '{"Statement":[{"Sid":"a"},{"Sid":"a"}]}',
            "The Statement Ids in the policy are not unique",
        ),
        (trust(Effect=None), "Missing required field Effect"),
        (trust(Effect="allow"), "Invalid effect: allow"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Principal={}), "Missing required field Principal cannot be empty!"),
        (trust(Principal={"AWS": []}), "Missing required field Principal cannot be empty!"),
        (trust(Principal="*"), "Principal must be a JSON object."),
        (trust(Principal=None, NotPrincipal={"AWS": "*"}), "Allow with NotPrincipal is not allowed."),
        (
            trust(Effect="Deny", Principal=None, NotPrincipal={"AWS": "*"}),
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        (trust(Action=None), "Missing required field Action"),
        (trust(Action=None, NotAction="sts:TagSession"), "Missing required field Action"),
        (trust(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trust(Action="*"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (
            trust(Action=["sts:AssumeRole", "sts:Nonsense"]),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (trust(Resource="*"), "Has prohibited field Resource"),
        (trust(NotResource="*"), "AssumeRole policy must not contain resources."),
        (trust(Principal={"AWS": "bob"}), 'Invalid principal in policy: "AWS":"bob"'),
        (
            trust(Principal={"AWS": "arn:aws:iam::111122223333:user/*"}),
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"',
        ),
        (
            trust(Principal={"AWS": ["111122223333", "arn:aws:iam::111122223333:group/g"]}),
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/g"',
        ),
        (trust(Principal={"Service": "*"}), 'Invalid principal in policy: "SERVICE":"*"'),
        (trust(Principal={"Service": "ec2"}), 'Invalid principal in policy: "SERVICE":"ec2"'),
        (trust(Principal={"Federated": "*"}), 'Invalid principal in policy: "FEDERATED":"*"'),
        (
            trust(Principal={"Federated": "my provider"}),
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (trust(Condition={"Same": {"k": "v"}}), "Invalid Condition type : Same"),
        (
            trust(Principal={"Federated": "cognito-identity.amazonaws.com"}, Action="sts:AssumeRoleWithWebIdentity"),
            "A condition block must be present for the Cognito provider",
        ),
    ],
)
def test_trust_policies_are_refused_in_awss_words(text: str, message: str) -> None:
    assert refusal(text, PolicyKind.TRUST) == ("MalformedPolicyDocument", message)


@pytest.mark.parametrize(
    "text",
    [
        trust(),
        trust(Principal={"AWS": "*"}),
        trust(Principal={"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/r/s"]}),
        trust(Principal={"AWS": "AROAAPP00000000000001"}),
        trust(Principal={"Service": ["ec2.amazonaws.com", "s3.ap-east-1.amazonaws.com"]}),
        trust(Action=["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], Sid="a b"),
        trust(Action="sts:*"),
        trust(Action="sts:assumerole"),
        trust(Principal={"Federated": "accounts.google.com"}, Action="sts:AssumeRoleWithWebIdentity"),
        trust(Principal={"Federated": "arn:aws:iam::111122223333:saml-provider/Corp"}, Action="sts:AssumeRoleWithSAML"),
    ],
)
def test_good_trust_policies_are_taken(text: str) -> None:
    assert refusal(text, PolicyKind.TRUST) is None


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        (None, False),
        ({"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, False),
        ({"StringLike": {f"{GITHUB}:sub": "*"}}, False),
        ({"StringNotEquals": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, False),
        ({"Null": {f"{GITHUB}:sub": "false"}}, False),
        ({"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, True),
        ({"ForAnyValue:StringEquals": {f"{GITHUB}:SUB": "repo:acme/app:ref:refs/heads/main"}}, True),
    ],
)
def test_a_shared_identity_provider_is_not_trusted_without_its_tenant(condition: object, taken: bool) -> None:
    """GitHub's provider without a `sub` condition (UNC6426): any repository of the world assumes the role."""
    for action in ("sts:AssumeRoleWithWebIdentity", "sts:*"):
        text = trust(Principal={"Federated": GITHUB_ARN}, Action=action, Condition=condition)
        assert (refusal(text, PolicyKind.TRUST) is None) is taken


def test_denying_a_shared_provider_needs_no_tenant() -> None:
    text = trust(Effect="Deny", Principal={"Federated": GITHUB_ARN}, Action="sts:AssumeRoleWithWebIdentity")
    assert refusal(text, PolicyKind.TRUST) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        (" " + bucket(), "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Statement":', "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        ('{"Statement":"x"}', "This policy contains invalid Json"),
        ('{"Statement":[]}', "Could not parse the policy: Statement is empty!"),
        (bucket().replace("2012-10-17", "2012"), "The policy must contain a valid version string"),
        (bucket(Principal=None), "Missing required field Principal"),
        (bucket(Principal={}), "Missing required field Principal cannot be empty!"),
        (bucket(Effect=None), "Missing required field Effect"),
        (bucket(Effect="Permit"), "Invalid effect: Permit"),
        (bucket(Action=None), "Missing required field Action"),
        (bucket(Resource=None), "Missing required field Resource"),
        (bucket(Resource=7), "This policy contains invalid Json"),
        (bucket(Principal="arn:aws:iam::111122223333:root"), "Invalid principal in policy"),
        (bucket(Principal={"AWS": "arn:aws:iam::111122223333:user/*"}), "Invalid principal in policy"),
        (bucket(Principal={"CanonicalUser": "abc"}), "Invalid principal in policy"),
        (bucket(Principal={"Group": "x"}), "Invalid principal in policy"),
        (bucket(Principal={"Federated": "accounts.google.com"}), "Invalid principal in policy"),
        (bucket(Principal=None, NotPrincipal={"AWS": "*"}), "Allow with NotPrincipal is not allowed."),
        (bucket(Resource="*"), "Policy has invalid resource"),
        (bucket(Resource="shelf/*"), "Policy has invalid resource"),
        (bucket(Resource="arn:aws:s3:::shelf2/*"), "Policy has invalid resource"),
        (bucket(Resource=["arn:aws:s3:::shelf/*", "arn:aws:s3:::other/*"]), "Policy has invalid resource"),
        (bucket(Resource="arn:aws:s3:::*"), "Policy has invalid resource"),
        (bucket(Action="s3:Nonsense"), "Policy has invalid action"),
        (bucket(Action="s3:Nonsense*"), "Policy has invalid action"),
        (bucket(Action="iam:GetUser"), "Policy has invalid action"),
        (bucket(Resource="arn:aws:s3:::shelf"), "Action does not apply to any resource(s) in statement"),
        (bucket(Action="s3:ListBucket"), "Action does not apply to any resource(s) in statement"),
        (bucket(Action=["s3:GetObject", "s3:ListBucket"]), "Action does not apply to any resource(s) in statement"),
        (bucket(Condition={"StringLike": {"s3:nonsense": "x"}}), "Policy has an invalid condition key"),
        (
            bucket(
                Action=["s3:GetObject", "s3:ListBucket"],
                Resource=["arn:aws:s3:::shelf", "arn:aws:s3:::shelf/*"],
                Condition={"StringLike": {"s3:prefix": "x"}},
            ),
            "Conditions do not apply to combination of actions and resources in statement",
        ),
        (bucket(Condition={"Same": {"aws:SourceIp": "x"}}), "Invalid Condition type : Same"),
        (bucket(Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0"}}), "Invalid IP address in Conditions"),
    ],
)
def test_bucket_policies_are_refused_in_awss_words(text: str, message: str) -> None:
    assert refusal(text, PolicyKind.BUCKET) == ("MalformedPolicy", message)


@pytest.mark.parametrize(
    "text",
    [
        bucket(),
        bucket(Sid="any words, even with blanks"),
        bucket(Action="s3:*", Resource=["arn:aws:s3:::shelf", "arn:aws:s3:::shelf/*"]),
        bucket(Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::shelf", "arn:aws:s3:::shelf/*"]),
        bucket(Resource="arn:aws:s3:::shelf*"),
        bucket(Action=["s3:getobject*", "s3:Put*"]),
        bucket(Effect="Deny", Principal=None, NotPrincipal={"AWS": "111122223333"}),
        bucket(Effect="Deny", Action=None, NotAction="s3:PutObject"),
        bucket(Resource=None, NotResource="arn:aws:s3:::shelf/private/*"),
        bucket(Principal={"AWS": ["*"], "CanonicalUser": "a" * 64, "Service": "logging.s3.amazonaws.com"}),
        bucket(
            Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}, "Bool": {"aws:SecureTransport": False}}
        ),
        bucket(Condition={"StringEquals": {"s3:ExistingObjectTag/class": "public"}}),
        bucket(Action="s3:PutObject", Condition={"StringEquals": {"s3:x-amz-copy-source": "other/k"}}),
    ],
)
def test_good_bucket_policies_are_taken(text: str) -> None:
    assert refusal(text, PolicyKind.BUCKET) is None


def control(**changes: object) -> str:
    return document({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}, changes)


@pytest.mark.parametrize(
    ("text", "kind", "taken"),
    [
        (control(Principal=None), PolicyKind.SCP, True),
        (control(Principal=None, Effect="Allow", Resource="arn:aws:s3:::b"), PolicyKind.SCP, True),
        (control(), PolicyKind.SCP, False),
        (control(Principal=None, Resource=None), PolicyKind.SCP, False),
        ("nonsense", PolicyKind.SCP, False),
        (control(), PolicyKind.RCP, True),
        (control(Principal={"AWS": "*"}), PolicyKind.RCP, True),
        (control(Effect="Allow"), PolicyKind.RCP, False),
        (control(Action="*"), PolicyKind.RCP, False),
        (control(Action=None, NotAction="s3:GetObject"), PolicyKind.RCP, False),
        (control(Principal={"AWS": "111122223333"}), PolicyKind.RCP, False),
        (control(Principal=None, NotPrincipal="*"), PolicyKind.RCP, False),
        (control().replace("2012", "2008"), PolicyKind.RCP, False),
    ],
)
def test_organization_policies_keep_to_their_grammar(text: str, kind: PolicyKind, taken: bool) -> None:
    assert (refusal(text, kind) is None) is taken


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "*", "Allow", "sts:AssumeRole", "s3:*", "a:b:c"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["AWS", "Bool", "k", ""]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=600, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "Sid",
                "Effect",
                "Principal",
                "NotPrincipal",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ]
        ),
        json_values,
    ),
    st.sampled_from(list(PolicyKind)),
    st.sampled_from([trust, bucket, control]),
)
def test_whatever_json_is_sent_the_answer_is_a_document_or_a_refusal(
    changes: dict[str, object], kind: PolicyKind, make: Callable[..., str]
) -> None:
    text = make(**changes)
    try:
        document = validate(text, kind, bucket="shelf", facts=actions)
    except Malformed:
        return
    assert document == parse(text)
    assert len(compile_policy(document).statements) == 1
