"""A bucket's settings, set and read by boto3 on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.s3.served import policy, refused
from tests.serving import ACCOUNT, Server


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
