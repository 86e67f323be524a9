"""Bucket policies and what blocks public ones, put and read by boto3 on a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.s3.served import allow, asked, policy, refused
from tests.serving import ACCOUNT, Server

# Policies


def test_a_policy_is_returned_as_it_was_put(server: Server, s3: Any, bucket: str) -> None:
    user = server.client("iam").create_user(UserName=f"reader-{bucket}", Path="/team/")["User"]
    text = policy(allow(bucket, {"AWS": [user["Arn"], ACCOUNT]}, Sid="Read it all"))
    answer = s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)


def test_without_a_policy_there_is_none_to_read_and_deleting_is_no_error(s3: Any, bucket: str) -> None:
    error = refused(s3.get_bucket_policy, Bucket=bucket)
    assert (error["Code"], error["Status"]) == ("NoSuchBucketPolicy", 404)
    assert error["Message"] == "The bucket policy does not exist"
    assert error["BucketName"] == bucket
    assert refused(s3.get_bucket_policy_status, Bucket=bucket)["Code"] == "NoSuchBucketPolicy"
    assert s3.delete_bucket_policy(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_deleted_user_is_shown_by_id_and_a_namesake_is_not_served(server: Server, s3: Any, bucket: str) -> None:
    """The statement belongs to the entity, not to its name."""
    iam = server.client("iam")
    name = f"first-{bucket}"
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    user = iam.create_user(UserName=name)["User"]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow(bucket, {"AWS": user["Arn"]})))
    iam.delete_user(UserName=name)
    stored = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert stored["Statement"][0]["Principal"] == {"AWS": user["UserId"]}
    namesake = server.client("s3", server.user(name))
    error = refused(namesake.get_object, Bucket=bucket, Key="k")
    assert (error["Code"], error["Status"]) == ("AccessDenied", 403)


def test_a_moved_user_is_shown_by_its_present_arn(server: Server, s3: Any, bucket: str) -> None:
    iam = server.client("iam")
    user = iam.create_user(UserName=f"old-{bucket}")["User"]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow(bucket, {"AWS": user["Arn"]})))
    iam.update_user(UserName=user["UserName"], NewUserName=f"new-{bucket}", NewPath="/moved/")
    stored = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert stored["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:user/moved/new-{bucket}"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Policies must be valid JSON and the first byte must be '{'"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        (' {"Version":"2012-10-17"}', None),
        ('{"Version":"2012-10-17"}', "Missing required field Statement"),
    ],
)
def test_what_is_no_policy_is_malformed(s3: Any, bucket: str, text: str, message: str | None) -> None:
    error = refused(s3.put_bucket_policy, Bucket=bucket, Policy=text)
    assert (error["Code"], error["Status"]) == ("MalformedPolicy", 400)
    assert message is None or error["Message"] == message
    assert refused(s3.get_bucket_policy, Bucket=bucket)["Code"] == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/never-made"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:role/never-made"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"},
        {"AWS": "AIDAQQQQQQQQQQQQQQQQQ"},
        {"Service": "*"},
        {"CanonicalUser": "0" * 63},
    ],
)
def test_principals_that_do_not_exist_are_refused(s3: Any, bucket: str, principal: dict[str, str]) -> None:
    error = refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy(allow(bucket, principal)))
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", "Invalid principal in policy")


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::another-bucket/*"}, "Policy has invalid resource"),
        ({"Action": "s3:GetObjects"}, "Policy has invalid action"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        (
            {"Condition": {"StringLike": {"s3:prefix": "a*"}}},
            "Conditions do not apply to combination of actions and resources in statement",
        ),
    ],
)
def test_policies_about_something_else_are_refused(
    s3: Any, bucket: str, further: dict[str, object], message: str
) -> None:
    error = refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy(allow(bucket, {"AWS": ACCOUNT}, **further)))
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", message)


def test_a_policy_beyond_20_kb_is_refused(s3: Any, bucket: str) -> None:
    statements = [allow(bucket, {"AWS": ACCOUNT}, Sid=f"s{number}" + "x" * 60) for number in range(120)]
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy(*statements))["Code"] == "MalformedPolicy"


# Public access


def test_a_new_bucket_blocks_a_public_policy_and_says_why(s3: Any, bucket: str) -> None:
    error = refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy(allow(bucket, "*")))
    assert (error["Code"], error["Status"]) == ("AccessDenied", 403)
    assert error["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: s3:PutBucketPolicy on resource:"
        f' "arn:aws:s3:::{bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block'
        " Public Access."
    )
    assert refused(s3.get_bucket_policy, Bucket=bucket)["Code"] == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        (None, True),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/7"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}}, True),
    ],
)
def test_the_policy_status_follows_awss_meaning_of_public(
    s3: Any, bucket: str, condition: dict[str, object] | None, public: bool
) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    further = {} if condition is None else {"Condition": condition}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow(bucket, "*", **further)))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": public}


def test_public_access_block_is_all_on_at_first_and_what_is_left_out_is_off(s3: Any, bucket: str) -> None:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == dict.fromkeys(names, True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == dict.fromkeys(names, False) | {"BlockPublicPolicy": True}
    s3.delete_public_access_block(Bucket=bucket)
    error = refused(s3.get_public_access_block, Bucket=bucket)
    assert (error["Code"], error["Status"]) == ("NoSuchPublicAccessBlockConfiguration", 404)
    assert s3.delete_public_access_block(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_public_access_block_without_any_setting_is_refused(s3: Any, bucket: str) -> None:
    error = refused(s3.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration={})
    assert (error["Code"], error["Message"]) == ("InvalidRequest", "Must specify at least one configuration.")


def test_an_owner_locked_out_by_a_policy_can_still_repair_it(server: Server, s3: Any, bucket: str) -> None:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    lock = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(lock))
    document = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    admin = server.client("s3", server.user(f"admin-{bucket}", document))
    assert refused(admin.get_bucket_policy, Bucket=bucket)["Code"] == "AccessDenied"
    assert refused(admin.delete_bucket_policy, Bucket=bucket)["Code"] == "AccessDenied"
    assert refused(s3.get_bucket_tagging, Bucket=bucket)["Code"] == "AccessDenied"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [lock]
    s3.delete_bucket_policy(Bucket=bucket)
    assert refused(admin.get_bucket_policy, Bucket=bucket)["Code"] == "NoSuchBucketPolicy"


def test_restricting_a_public_bucket_shuts_the_public_out_and_not_the_account(
    server: Server, s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    user = server.user(f"reader-of-{bucket}")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow(bucket, "*")))
    assert asked(server, "GET", f"/{bucket}/k")[0] == 200
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert asked(server, "GET", f"/{bucket}/k")[0] == 403
    assert server.client("s3", user).get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    s3.delete_public_access_block(Bucket=bucket)
    assert asked(server, "GET", f"/{bucket}/k")[0] == 200
