"""Listings of objects and of buckets, over the wire."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.s3.raw import send, signer
from tests.services.s3.served import refused
from tests.serving import Server


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    for key in ("a", "b/1", "b/2", "b/c/3", "d e+f", "g/", "ü"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    return bucket


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_pages_make_the_whole(s3: Any, filled: str, size: int, delimiter: str, operation: str) -> None:
    pages = list(
        s3.get_paginator(operation).paginate(Bucket=filled, Delimiter=delimiter, PaginationConfig={"PageSize": size})
    )
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    prefixes = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
    if delimiter:
        assert (keys, prefixes) == (["a", "d e+f", "ü"], ["b/", "g/"])
    else:
        assert (keys, prefixes) == (["a", "b/1", "b/2", "b/c/3", "d e+f", "g/", "ü"], [])
    assert all(len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) <= size for page in pages)


def test_a_prefix_and_a_start(s3: Any, filled: str) -> None:
    def keys(**asked: Any) -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket=filled, **asked).get("Contents", [])]

    assert keys(Prefix="b/") == ["b/1", "b/2", "b/c/3"]
    assert keys(Prefix="b/", Delimiter="/") == ["b/1", "b/2"]
    assert keys(StartAfter="b/2", MaxKeys=2) == ["b/c/3", "d e+f"]
    assert keys(StartAfter="b", Prefix="a") == []
    assert keys(Prefix="nothing") == []


def test_an_answer_repeats_what_was_asked(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, Prefix="b/", Delimiter="/", StartAfter="b/1", MaxKeys=1)
    assert (page["Prefix"], page["Delimiter"], page["StartAfter"], page["MaxKeys"]) == ("b/", "/", "b/1", 1)
    assert (page["KeyCount"], page["IsTruncated"], page["Name"]) == (1, True, filled)
    assert "Owner" not in page["Contents"][0]
    assert s3.list_objects_v2(Bucket=filled, FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    assert s3.list_objects(Bucket=filled)["Contents"][0]["Owner"]["ID"]


def test_nothing_asked_is_nothing_given(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)


def test_more_than_a_thousand_is_a_thousand(s3: Any, filled: str) -> None:
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000


@pytest.mark.parametrize(
    "query",
    [
        [("max-keys", "-1")],
        [("max-keys", "many")],
        [("encoding-type", "rot13")],
        [("list-type", "2"), ("continuation-token", "nonsense")],
        [("list-type", "2"), ("continuation-token", "")],
        [("versions", ""), ("version-id-marker", "x")],
    ],
)
def test_arguments_that_make_no_sense(server: Server, filled: str, query: list[tuple[str, str]]) -> None:
    answer = send(server, signer(server).send("GET", f"/{filled}", query))
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_keys_that_xml_cannot_hold_are_spelled_by_encoding(s3: Any, server: Server, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="\x01/\x02", Body=b"")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == "\x01/\x02"
    query = [("encoding-type", "url"), ("delimiter", "/")]
    answer = send(server, signer(server).send("GET", f"/{bucket}", query))
    assert b"<Prefix>%01/</Prefix>" in answer.body


def test_buckets_are_listed_in_pages(s3: Any, bucket: str) -> None:
    names = [f"{bucket}-{letter}" for letter in "cab"]
    for name in names:
        s3.create_bucket(Bucket=name)
    assert [one["Name"] for one in s3.list_buckets(Prefix=f"{bucket}-")["Buckets"]] == sorted(names)
    first = s3.list_buckets(Prefix=f"{bucket}-", MaxBuckets=2)
    assert [one["Name"] for one in first["Buckets"]] == sorted(names)[:2]
    rest = s3.list_buckets(Prefix=f"{bucket}-", MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    assert [one["Name"] for one in rest["Buckets"]] == sorted(names)[2:]
    assert "ContinuationToken" not in rest
    assert s3.list_buckets(BucketRegion="eu-west-1", Prefix=bucket)["Buckets"] == []


# Buckets come and go


@pytest.mark.parametrize(
    "name", ["Upper", "a_b", "ab", "x" * 64, "-a-", "a..b", "192.168.0.1", "xn--abc", "abc-s3alias"]
)
def test_a_name_that_is_none(server: Server, name: str) -> None:
    answer = send(server, signer(server).send("PUT", f"/{name}"))
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


def test_a_bucket_is_made_once(server: Server, s3: Any, bucket: str) -> None:
    assert s3.create_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    west = server.client("s3", region_name="eu-west-1")
    constraint = {"LocationConstraint": "eu-west-1"}
    error = refused(west.create_bucket, Bucket=bucket, CreateBucketConfiguration=constraint)
    assert (error["Code"], error["Status"]) == ("BucketAlreadyOwnedByYou", 409)


def test_a_bucket_knows_its_region(server: Server, bucket: str, s3: Any) -> None:
    west = server.client("s3", region_name="eu-west-1")
    name = f"{bucket}-west"
    west.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert west.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert west.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/xml"
    error = refused(west.create_bucket, Bucket=f"{bucket}-x")
    assert error["Code"] == "IllegalLocationConstraintException"
    wrong = {"LocationConstraint": "nowhere"}
    assert refused(s3.create_bucket, Bucket=f"{bucket}-x", CreateBucketConfiguration=wrong)["Code"] == (
        "InvalidLocationConstraint"
    )


def test_a_bucket_goes_only_when_empty(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"")
    marker = s3.delete_object(Bucket=bucket, Key="k")
    error = refused(s3.delete_bucket, Bucket=bucket)
    assert (error["Code"], error["Status"]) == ("BucketNotEmpty", 409)
    for version in (put["VersionId"], marker["VersionId"]):
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    s3.create_multipart_upload(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket)["Status"] == 404
    s3.create_bucket(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_public_acls_are_refused_where_acls_are_off(s3: Any, bucket: str) -> None:
    error = refused(s3.create_bucket, Bucket=f"{bucket}-public", ACL="public-read")
    assert error["Code"] == "InvalidBucketAclWithObjectOwnership"
    s3.create_bucket(Bucket=f"{bucket}-private", ACL="private")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="public-read")["Code"] == (
        "AccessControlListNotSupported"
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="private")  # the owner's own: it grants nobody else anything
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")
    grants = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
    assert refused(s3.put_object_acl, Bucket=bucket, Key="k", ACL="public-read")["Code"] == (
        "AccessControlListNotSupported"
    )
