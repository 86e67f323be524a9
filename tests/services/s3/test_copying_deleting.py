"""Copies and deletes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.services.s3.raw import send, signer
from tests.services.s3.served import policy, refused
from tests.serving import Server


@pytest.fixture
def source(s3: Any, bucket: str) -> dict[str, str]:
    s3.put_object(
        Bucket=bucket,
        Key="source",
        Body=b"content",
        ContentType="text/plain",
        CacheControl="no-cache",
        Metadata={"a": "b"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
    )
    return {"Bucket": bucket, "Key": "source"}


def test_a_copy_brings_headers_metadata_and_tags_along(s3: Any, bucket: str, source: dict[str, str]) -> None:
    done = s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"content"
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/plain", "no-cache", {"a": "b"})
    assert done["CopyObjectResult"]["ETag"] == got["ETag"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert "StorageClass" not in got, "the storage class is the copy's own"


def test_a_copy_replaces_what_it_says(s3: Any, bucket: str, source: dict[str, str]) -> None:
    s3.copy_object(
        Bucket=bucket,
        Key="k",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"new": "1"},
        TaggingDirective="REPLACE",
        Tagging="x=y",
    )
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["ContentType"], got["Metadata"]) == ("binary/octet-stream", {"new": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "x", "Value": "y"}]


def test_a_copy_onto_itself_must_change_something(s3: Any, bucket: str, source: dict[str, str]) -> None:
    error = refused(s3.copy_object, **source, CopySource=source)
    assert (error["Code"], error["Message"][:33]) == ("InvalidRequest", "This copy request is illegal beca")
    s3.copy_object(**source, CopySource=source, MetadataDirective="REPLACE", Metadata={"a": "c"})
    s3.copy_object(**source, CopySource=source, StorageClass="STANDARD_IA")
    s3.copy_object(**source, CopySource=source, StorageClass="STANDARD_IA")  # said again, it is a change to AWS
    got = s3.get_object(**source)
    assert (got["Metadata"], got["StorageClass"], got["Body"].read()) == ({"a": "c"}, "STANDARD_IA", b"content")


def test_a_copys_conditions_are_about_its_source(s3: Any, bucket: str, source: dict[str, str]) -> None:
    etag = s3.head_object(**source)["ETag"]
    past, future = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    for conditions in (
        {"CopySourceIfMatch": etag},
        {"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": past},
        {"CopySourceIfNoneMatch": '"x"'},
        {"CopySourceIfModifiedSince": past},
        {"CopySourceIfUnmodifiedSince": future},
    ):
        s3.copy_object(Bucket=bucket, Key="k", CopySource=source, **conditions)
    for conditions in (
        {"CopySourceIfMatch": '"x"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfUnmodifiedSince": past},
        {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": past},
    ):
        error = refused(s3.copy_object, Bucket=bucket, Key="k", CopySource=source, **conditions)
        assert (error["Code"], error["Status"]) == ("PreconditionFailed", 412), conditions


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "bucket",
        "bucket/",
        "/bucket",
        "//bucket/key",
        "../bucket/key",
        "%2e%2e/key",
        "bucket/key?versionId=",
        "bucket/key?versionId=a&versionId=b",
        "bucket/key?other=1",
        "bucket/%ff",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/x/object/y",
    ],
)
def test_a_source_that_names_nothing_is_refused(server: Server, bucket: str, text: str) -> None:
    """CVE-2024-47866, CVE-2026-55874."""
    answer = send(server, signer(server).send("PUT", f"/{bucket}/k", headers={"x-amz-copy-source": text}))
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_source_with_dots_opens_no_other_bucket(server: Server, s3: Any, bucket: str) -> None:
    """CVE-2026-55874, versitygw cd0b4e6d: what is authorized is what is opened, to the letter."""
    s3.create_bucket(Bucket=f"{bucket}-private")
    s3.put_object(Bucket=f"{bucket}-private", Key="k", Body=b"secret")
    reader = server.user(
        f"reader-{bucket}",
        policy(
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        ),
    )
    for text in (
        f"{bucket}/../{bucket}-private/k",
        f"{bucket}/%2e%2e/{bucket}-private/k",
        f"/{bucket}/..%2f{bucket}-private/k",
    ):
        sent = signer(server, reader).send("PUT", f"/{bucket}/stolen", headers={"x-amz-copy-source": text})
        assert send(server, sent).code == "NoSuchKey"
    plain = signer(server, reader).send("PUT", f"/{bucket}/x", headers={"x-amz-copy-source": f"{bucket}-private/k"})
    assert send(server, plain).code == "AccessDenied"
    for path in (f"/{bucket}/../{bucket}-private/k", f"/{bucket}/%252e%252e/{bucket}-private/k", f"/{bucket}//../k"):
        answer = send(server, signer(server, reader).send("GET", path))
        assert answer.code == "NoSuchKey", "CVE-2026-54917: dots in a path stay in the key"
    unusual = signer(server, reader).send("GET", f"/{bucket}/../{bucket}-private/k")
    spelled = replace(unusual, path=unusual.path.replace("..", "%2e%2e"))
    assert send(server, spelled).code == "NoSuchKey"


def test_a_source_may_be_named_in_many_spellings(server: Server, s3: Any, bucket: str, source: dict[str, str]) -> None:
    for text in (f"{bucket}/source", f"/{bucket}/source", f"{bucket}%2Fsource", f"%2F{bucket}%2Fsource"):
        answer = send(server, signer(server).send("PUT", f"/{bucket}/k", headers={"x-amz-copy-source": text}))
        assert answer.status == 200, text
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content", text
        s3.delete_object(Bucket=bucket, Key="k")


def test_a_named_version_is_what_is_copied(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"two")
    done = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert done["CopySourceVersionId"] == first
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    missing = {"Bucket": bucket, "Key": "k", "VersionId": first[:-1] + "0"}
    assert refused(s3.copy_object, Bucket=bucket, Key="x", CopySource=missing)["Code"] in {
        "NoSuchVersion",
        "InvalidArgument",
    }


# Versions and deletes over the wire


def test_versions_markers_and_their_removal(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True
    error = refused(s3.get_object, Bucket=bucket, Key="k")
    assert (error["Code"], error["Status"]) == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=gone["VersionId"])["Code"] == "MethodNotAllowed"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["Versions"]] == [(first, False), ("null", False)]
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["DeleteMarkers"]] == [(gone["VersionId"], True)]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"one"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"null"
    removed = s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, gone["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == first
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="nonsense")["Code"] == "InvalidArgument"


def test_listing_versions_has_pages(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b/1", "b/2", "a", "c", "a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [one["Key"] for page in pages for one in page.get("Versions", [])] == ["a", "a", "a", "b/1", "b/2", "c"]
    rolled = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=4)
    assert ([p["Prefix"] for p in rolled["CommonPrefixes"]], rolled["IsTruncated"]) == (["b/"], True)
    rest = s3.list_object_versions(Bucket=bucket, Delimiter="/", KeyMarker=rolled["NextKeyMarker"])
    assert [one["Key"] for one in rest["Versions"]] == ["c"]


def test_many_are_deleted_each_for_itself(server: Server, s3: Any, bucket: str) -> None:
    for key in ("mine/1", "mine/2", "theirs/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    statement = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}
    limited = server.client("s3", server.user(f"limited-{bucket}", policy(statement)))
    asked = [{"Key": key} for key in ("mine/1", "theirs/1", "mine/absent")]
    done = limited.delete_objects(Bucket=bucket, Delete={"Objects": asked})
    assert [one["Key"] for one in done["Deleted"]] == ["mine/1", "mine/absent"]
    assert [(one["Key"], one["Code"]) for one in done["Errors"]] == [("theirs/1", "AccessDenied")]
    quiet = limited.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "mine/2"}, {"Key": "theirs/1"}], "Quiet": True}
    )
    assert "Deleted" not in quiet
    assert len(quiet["Errors"]) == 1
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["theirs/1"]


def test_a_list_of_deletes_must_carry_a_digest(server: Server, bucket: str) -> None:
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    answer = send(server, signer(server).send("POST", f"/{bucket}", [("delete", "")], body=body))
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    wrong = {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    answer = send(server, signer(server).send("POST", f"/{bucket}", [("delete", "")], headers=wrong, body=body))
    assert (answer.status, answer.code) == (400, "BadDigest")


@pytest.mark.parametrize("count", [0, 1001])
def test_a_list_of_deletes_has_1_to_1000_keys(s3: Any, bucket: str, count: int) -> None:
    objects = [{"Key": str(number)} for number in range(count)]
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": objects})["Code"] == "MalformedXML"


def test_a_thousand_are_deleted_at_once(s3: Any, bucket: str) -> None:
    for key in ("1", "999"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    objects = [{"Key": str(number)} for number in range(1000)]
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]) == 1000
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
