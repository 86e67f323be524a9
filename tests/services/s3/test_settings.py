"""A bucket's settings, set and read by boto3 on a real server."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Server, serving

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("settings") / "data"
    with serving(folder, "--account", ACCOUNT, workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def s3(server: Server) -> Any:
    return server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """A new bucket with AWS's defaults."""
    name = f"settings-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    """Return the error of a call that must fail, with its HTTP status as `Status`."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    answer = refusal.value.response
    error: dict[str, Any] = {**answer["Error"], "Status": answer["ResponseMetadata"]["HTTPStatusCode"]}
    return error


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(bucket: str, principal: object, **further: object) -> dict[str, object]:
    resource = f"arn:aws:s3:::{bucket}/*"
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource} | further


def test_every_setting_of_a_missing_bucket_is_no_such_bucket(s3: Any) -> None:
    for call in (
        s3.get_bucket_policy,
        s3.get_bucket_policy_status,
        s3.delete_bucket_policy,
        s3.get_public_access_block,
        s3.get_bucket_ownership_controls,
        s3.get_bucket_tagging,
        s3.get_bucket_versioning,
        s3.get_bucket_acl,
        s3.get_bucket_cors,
        s3.get_bucket_abac,
        s3.delete_bucket_cors,
    ):
        error = refused(call, Bucket="nobodys-bucket")
        assert (error["Code"], error["Status"]) == ("NoSuchBucket", 404)


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
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
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
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow(bucket, "*")))
    assert asked(server, "GET", f"/{bucket}/k")[0] == 200
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert asked(server, "GET", f"/{bucket}/k")[0] == 403
    assert server.client("s3", user).get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    s3.delete_public_access_block(Bucket=bucket)
    assert asked(server, "GET", f"/{bucket}/k")[0] == 200


# Tags and ABAC


def test_tags_are_replaced_read_and_removed(s3: Any, bucket: str) -> None:
    assert refused(s3.get_bucket_tagging, Bucket=bucket)["Code"] == "NoSuchTagSet"
    first = [{"Key": "team", "Value": "blue"}, {"Key": "Größe", "Value": ""}]
    answer = s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": first})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == first
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": first[:1]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == first[:1]
    assert s3.delete_bucket_tagging(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(s3.get_bucket_tagging, Bucket=bucket)["Code"] == "NoSuchTagSet"


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([("a", "1"), ("a", "2")], "Cannot provide multiple Tags with the same key"),
        ([("aws:mine", "1")], "System tags cannot be added/updated by requester"),
        ([("k" * 129, "1")], "The TagKey you have provided is invalid"),
        ([("k", "v" * 257)], "The TagValue you have provided is invalid"),
        ([("k?", "v")], "The TagKey you have provided is invalid"),
    ],
)
def test_tags_that_s3_does_not_take(s3: Any, bucket: str, tags: list[tuple[str, str]], message: str) -> None:
    tag_set = [{"Key": key, "Value": value} for key, value in tags]
    error = refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": tag_set})
    assert (error["Code"], error["Message"], error["Status"]) == ("InvalidTag", message, 400)


def test_fifty_tags_and_no_more(s3: Any, bucket: str) -> None:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags[:50]})
    assert (
        "cannot be greater than 50"
        in refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": tags})["Message"]
    )


def test_tags_decide_over_access_only_while_abac_is_on(server: Server, s3: Any, bucket: str) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": condition}
    blue = server.client("s3", server.user(f"blue-{bucket}", policy(statement)))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    assert refused(blue.list_objects_v2, Bucket=bucket)["Code"] == "AccessDenied"
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Enabled"}
    blue.list_objects_v2(Bucket=bucket)
    refused(s3.delete_bucket_tagging, Bucket=bucket)
    refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": []})
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Disabled"})
    assert refused(blue.list_objects_v2, Bucket=bucket)["Code"] == "AccessDenied"


# Versioning


def test_versioning_is_never_enabled_then_enabled_then_suspended(s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended", "Enabled"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status


def test_versioning_without_a_status_is_illegal(s3: Any, bucket: str) -> None:
    error = refused(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={})
    assert (error["Code"], error["Status"]) == ("IllegalVersioningConfigurationException", 400)
    error = refused(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Off"})
    assert error["Code"] == "MalformedXML"


def test_mfa_delete_is_honestly_refused(s3: Any, bucket: str) -> None:
    configuration = {"Status": "Enabled", "MFADelete": "Enabled"}
    error = refused(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=configuration)
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


# Ownership and ACLs


def test_acls_are_off_in_a_new_bucket_and_read_as_the_owners_full_control(s3: Any, bucket: str) -> None:
    controls = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    assert acl["Grants"][0]["Grantee"]["Type"] == "CanonicalUser"
    for canned in ("private", "public-read"):
        error = refused(s3.put_bucket_acl, Bucket=bucket, ACL=canned)
        assert (error["Code"], error["Message"]) == ("AccessControlListNotSupported", "The bucket does not allow ACLs")


def test_with_acls_on_the_private_one_is_taken_and_others_are_refused(s3: Any, bucket: str) -> None:
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    found = s3.get_bucket_acl(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": found["Owner"], "Grants": found["Grants"]})
    error = refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
    assert (error["Code"], error["Status"]) == ("AccessDenied", 403)
    assert "BlockPublicAcls setting" in error["Message"]
    s3.delete_public_access_block(Bucket=bucket)
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read")["Status"] == 501
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public")["Code"] == "InvalidArgument"
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == found["Grants"]


def test_ownership_controls_are_deleted_and_then_not_found(s3: Any, bucket: str) -> None:
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    error = refused(s3.get_bucket_ownership_controls, Bucket=bucket)
    assert (error["Code"], error["Status"]) == ("OwnershipControlsNotFoundError", 404)
    rules = {"Rules": [{"ObjectOwnership": "Nobody"}]}
    assert refused(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=rules)["Code"] == "MalformedXML"


# CORS


def test_cors_rules_are_kept_read_and_removed(s3: Any, bucket: str) -> None:
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"
    rules = [
        {
            "ID": "app",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["PUT", "GET"],
            "AllowedOrigins": ["https://*.example"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 10,
        },
        {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]},
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    assert s3.delete_bucket_cors(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest", "Unsupported method is PATCH"),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.*"]},
            "InvalidRequest",
            'AllowedOrigin "https://*.*" can not have more than one wildcard.',
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]},
            "InvalidRequest",
            "We currently do not support wildcard for ExposeHeader",
        ),
        ({"AllowedMethods": [], "AllowedOrigins": ["*"]}, "MalformedXML", ""),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": []}, "MalformedXML", ""),
    ],
)
def test_cors_rules_that_s3_does_not_take(
    s3: Any, bucket: str, rule: dict[str, list[str]], code: str, message: str
) -> None:
    error = refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert error["Code"] == code
    assert message in error["Message"]


@pytest.mark.parametrize("element", ["ExposeHeaders", "AllowedHeaders", "AllowedOrigins", "AllowedMethods"])
def test_line_ends_in_cors_rules_never_reach_a_header(s3: Any, bucket: str, element: str) -> None:
    """CVE-2020-10753, CVE-2021-3524: a line end in ExposeHeader put further headers into answers."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]} | {element: ["x\r\nset-cookie: a=b"]}
    error = refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert error["Status"] == 400
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"


def asked(server: Server, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Send an unsigned request as a browser does; return the status and the headers of the answer."""
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_browsers_are_answered_by_the_rules_and_no_right_comes_with_it(server: Server, s3: Any, bucket: str) -> None:
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://app.example"], "AllowedHeaders": ["x-amz-*"]}
    path = f"/{bucket}/key"
    wish = {"access_control_request_method": "PUT", "access_control_request_headers": "x-amz-date"}
    assert asked(server, "OPTIONS", path, origin="https://app.example", **wish)[0] == 403
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers = asked(server, "OPTIONS", path, origin="https://app.example", **wish)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-amz-date"
    status, headers = asked(server, "OPTIONS", path, origin="https://evil.example", **wish)
    assert status == 403
    assert "access-control-allow-origin" not in headers
    status, headers = asked(server, "GET", path, origin="https://app.example")
    assert (status, headers["access-control-allow-origin"]) == (403, "https://app.example")
    status, headers = asked(server, "GET", path, origin="https://evil.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers


# Documents that are none

DOCUMENTS = [
    b"",
    b"\x00",
    b"not xml",
    b"{}",
    b"<a/>",
    b"<a>",
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    b"<CORSConfiguration><CORSRule><MaxAgeSeconds>many</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>",
    b"<Tagging><TagSet><Tag/></TagSet></Tagging>",
    b"<Tagging/>",
    b"<OwnershipControls><Rule/><Rule/></OwnershipControls>",
    b"<PublicAccessBlockConfiguration><BlockPublicAcls>maybe</BlockPublicAcls></PublicAccessBlockConfiguration>",
    b"<AccessControlPolicy><AccessControlList><Grant/></AccessControlList></AccessControlPolicy>",
    b"<VersioningConfiguration><Status/></VersioningConfiguration>",
]
PUTS = {
    "put_bucket_cors": {"CORSConfiguration": {"CORSRules": []}},
    "put_bucket_tagging": {"Tagging": {"TagSet": []}},
    "put_bucket_ownership_controls": {"OwnershipControls": {"Rules": []}},
    "put_public_access_block": {"PublicAccessBlockConfiguration": {}},
    "put_bucket_acl": {"AccessControlPolicy": {}},
    "put_bucket_versioning": {"VersioningConfiguration": {}},
    "put_bucket_abac": {"AbacStatus": {}},
    "put_bucket_policy": {"Policy": ""},
}


NO_DOCUMENT = {
    "MalformedXML",
    "MissingRequestBodyError",
    "MissingSecurityHeader",
    "MalformedPolicy",
    "MalformedACLError",
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(document[:40]) for document in DOCUMENTS])
def test_documents_that_are_none_are_the_clients_fault(server: Server, bucket: str, document: bytes) -> None:
    def send_instead(params: dict[str, Any], **_: object) -> None:
        params["body"] = document
        for name in [name for name in params["headers"] if "checksum" in name.lower() or name == "Content-MD5"]:
            del params["headers"][name]

    client = server.client("s3")
    client.meta.events.register("before-call.s3", send_instead)
    for name, parameters in PUTS.items():
        error = refused(getattr(client, name), Bucket=bucket, **parameters)
        assert error["Code"] in NO_DOCUMENT, (name, error)
        assert error["Status"] == 400


# Who may, and what is not built


def test_each_setting_needs_its_own_action(server: Server, s3: Any, bucket: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetBucket*", "Resource": f"arn:aws:s3:::{bucket}"}
    reader = server.client("s3", server.user(f"looker-{bucket}", policy(statement)))
    assert reader.get_bucket_versioning(Bucket=bucket)
    error = refused(reader.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert error["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/looker-{bucket} is not authorized to perform: s3:PutBucketVersioning on"
        f' resource: "arn:aws:s3:::{bucket}" because no identity-based policy allows the s3:PutBucketVersioning action'
    )
    assert refused(reader.delete_bucket_cors, Bucket=bucket)["Message"].count("s3:PutBucketCORS") == 2
    assert refused(reader.delete_public_access_block, Bucket=bucket)["Code"] == "AccessDenied"
    assert reader.get_public_access_block(Bucket=bucket)


def test_what_is_not_built_is_refused_after_the_right_was_asked_for(server: Server, s3: Any, bucket: str) -> None:
    assert refused(s3.get_bucket_website, Bucket=bucket)["Status"] == 501
    assert refused(s3.get_bucket_encryption, Bucket=bucket)["Code"] == "NotImplemented"
    nobody = server.client("s3", server.user(f"nobody-{bucket}"))
    assert refused(nobody.get_bucket_website, Bucket=bucket)["Code"] == "AccessDenied"
    assert refused(nobody.get_bucket_encryption, Bucket=bucket)["Message"].count("s3:GetEncryptionConfiguration") == 2
