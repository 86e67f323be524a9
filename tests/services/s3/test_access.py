"""Who may do what with objects: each operation under policies that allow just less than it needs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.services.s3.raw import exchange, send, signer
from tests.services.s3.served import policy, refused
from tests.serving import Server


def client(server: Server, name: str, *statements: dict[str, object]) -> Any:
    return server.client("s3", server.user(name, policy(*statements)))


def on(bucket: str, *actions: str, **further: object) -> dict[str, object]:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {"Effect": "Allow", "Action": [f"s3:{one}" for one in actions], "Resource": resources, **further}


def test_a_missing_key_is_told_only_to_who_may_list(server: Server, bucket: str) -> None:
    reads = client(server, f"reads-{bucket}", on(bucket, "GetObject"))
    lists = client(server, f"lists-{bucket}", on(bucket, "GetObject", "ListBucket"))
    error = refused(reads.get_object, Bucket=bucket, Key="absent")
    assert (error["Code"], error["Status"]) == ("AccessDenied", 403)
    assert refused(reads.head_object, Bucket=bucket, Key="absent")["Status"] == 403
    assert refused(lists.get_object, Bucket=bucket, Key="absent")["Code"] == "NoSuchKey"
    only = on(bucket, "ListBucket", Condition={"StringLike": {"s3:prefix": "public/*"}})
    some = client(server, f"some-{bucket}", on(bucket, "GetObject"), only)
    assert refused(some.get_object, Bucket=bucket, Key="public/x")["Status"] == 404
    assert refused(some.get_object, Bucket=bucket, Key="private/x")["Status"] == 403


def test_a_missing_bucket_is_told_to_who_might_use_it(server: Server) -> None:
    nobody = client(server, "nobody", on("other", "GetObject"))
    assert refused(nobody.get_object, Bucket="not-there", Key="k")["Code"] == "AccessDenied"
    assert refused(server.client("s3").get_object, Bucket="not-there", Key="k")["Code"] == "NoSuchBucket"
    assert exchange(server, "GET", "/not-there/k", {}).code == "NoSuchBucket"


def test_nobody_copies_or_begins_an_upload_unsigned_whatever_policies_grant(
    server: Server, s3: Any, bucket: str
) -> None:
    """As seen on AWS: scylladb/scylladb#13425, aws/aws-sdk-cpp#1575, Seagate/cortx-prvsnr#2908."""
    s3.delete_public_access_block(Bucket=bucket)
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": arns}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(everybody))
    assert exchange(server, "PUT", f"/{bucket}/k", {"content-length": "1"}, b"x").status == 200
    begun = exchange(server, "POST", f"/{bucket}/k?uploads", {"content-length": "0"})
    assert (begun.status, begun.code) == (403, "AccessDenied")
    assert begun.field("Message") == "Anonymous users cannot initiate multipart uploads.  Please authenticate."
    copied = exchange(server, "PUT", f"/{bucket}/copy", {"content-length": "0", "x-amz-copy-source": f"{bucket}/k"})
    assert (copied.status, copied.code) == (403, "AccessDenied")
    assert copied.field("Message") == "Anonymous users cannot copy objects.  Please authenticate."
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = f"/{bucket}/parts?partNumber=1&uploadId={upload}"
    assert exchange(server, "PUT", part, {"content-length": "1"}, b"x").status == 200
    copied = exchange(server, "PUT", part, {"content-length": "0", "x-amz-copy-source": f"{bucket}/k"})
    assert (copied.status, copied.code) == (403, "AccessDenied")
    assert copied.field("Message") == "Anonymous users cannot copy objects.  Please authenticate."


def test_a_part_does_not_carry_the_headers_of_its_upload(server: Server, bucket: str) -> None:
    """As seen on AWS: aws/aws-cli#1674, aws/aws-sdk-js#1830. Policies spare parts by s3:ObjectCreationOperation."""
    wanted: dict[str, object] = {"Null": {"s3:x-amz-acl": "true"}}
    denied = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    allowed = on(bucket, "PutObject", "PutObjectAcl")
    strict = client(server, f"strict-{bucket}", allowed, {**denied, "Condition": wanted})
    spared = {**wanted, "Bool": {"s3:ObjectCreationOperation": "true"}}
    sparing = client(server, f"sparing-{bucket}", allowed, {**denied, "Condition": spared})
    upload = strict.create_multipart_upload(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")["UploadId"]
    part = {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1, "Body": b"1"}
    assert refused(strict.upload_part, **part)["Code"] == "AccessDenied"
    assert sparing.upload_part(**part)["ETag"]
    assert refused(sparing.put_object, Bucket=bucket, Key="k", Body=b"1")["Code"] == "AccessDenied"


def test_a_named_version_needs_the_right_to_versions(server: Server, s3: Any, bucket: str) -> None:
    """GHSA-3ppv-fx5m-m749: versionId must not be read as plain GetObject, nor the reverse."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=b")["VersionId"]
    named = {"Bucket": bucket, "Key": "k", "VersionId": version}
    plain = {"Bucket": bucket, "Key": "k"}
    of_object = client(
        server,
        f"plain-{bucket}",
        on(
            bucket,
            "GetObject",
            "PutObject",
            "DeleteObject",
            "GetObjectTagging",
            "PutObjectTagging",
            "GetObjectAcl",
            "DeleteObjectTagging",
            "GetObjectAttributes",
        ),
    )
    of_version = client(
        server,
        f"versions-{bucket}",
        on(
            bucket,
            "GetObjectVersion",
            "PutObject",
            "DeleteObjectVersion",
            "GetObjectVersionTagging",
            "PutObjectTagging",
            "PutObjectVersionTagging",
            "GetObjectVersionAcl",
            "DeleteObjectVersionTagging",
            "GetObjectVersionAttributes",
        ),
    )
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_object", {}),
        ("head_object", {}),
        ("get_object_attributes", {"ObjectAttributes": ["ETag"]}),
        ("get_object_tagging", {}),
        ("put_object_tagging", {"Tagging": tags}),
        ("get_object_acl", {}),
    ]
    for name, more in calls:
        getattr(of_object, name)(**plain, **more)
        getattr(of_version, name)(**named, **more)
        assert refused(getattr(of_object, name), **named, **more)["Status"] == 403, name
        if name != "put_object_tagging":
            assert refused(getattr(of_version, name), **plain, **more)["Status"] == 403, name
    of_object.copy_object(Bucket=bucket, Key="copy", CopySource=plain)
    of_version.copy_object(Bucket=bucket, Key="copy", CopySource=named)
    assert refused(of_object.copy_object, Bucket=bucket, Key="copy", CopySource=named)["Code"] == "AccessDenied"
    assert refused(of_version.copy_object, Bucket=bucket, Key="copy", CopySource=plain)["Code"] == "AccessDenied"
    assert refused(of_object.delete_object, **named)["Code"] == "AccessDenied"
    assert refused(of_version.delete_object, **plain)["Code"] == "AccessDenied"
    of_version.delete_object(**named)


def test_a_copy_needs_both_sides(server: Server, s3: Any, bucket: str) -> None:
    """seaweedfs/seaweedfs#9546, GHSA-mx42-j6wv-px98, GHSA-wfxj-ph3v-7mjf."""
    s3.put_object(Bucket=bucket, Key="in/k", Body=b"secret")
    s3.put_object(Bucket=bucket, Key="in/tagged", Body=b"x", Tagging="a=b")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="out/k")["UploadId"]

    def over(prefix: str, *actions: str) -> dict[str, object]:
        resource = f"arn:aws:s3:::{bucket}/{prefix}/*"
        return {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions], "Resource": resource}

    half = {
        "source": client(server, f"source-{bucket}", over("in", "GetObject", "GetObjectTagging")),
        "target": client(server, f"target-{bucket}", over("out", "PutObject", "PutObjectTagging")),
    }
    both = client(server, f"both-{bucket}", over("in", "GetObject"), over("out", "PutObject"))
    plain = {"Bucket": bucket, "Key": "out/k", "CopySource": f"{bucket}/in/k"}
    part = plain | {"UploadId": upload, "PartNumber": 1}
    for name, one in half.items():
        assert refused(one.copy_object, **plain)["Code"] == "AccessDenied", name
        assert refused(one.upload_part_copy, **part)["Code"] == "AccessDenied", name
    both.copy_object(**plain)
    both.upload_part_copy(**part)
    tagged = plain | {"CopySource": f"{bucket}/in/tagged"}
    assert "s3:GetObjectTagging" in refused(both.copy_object, **tagged)["Message"]
    both.copy_object(**tagged, TaggingDirective="REPLACE")
    tags = client(server, f"tags-{bucket}", over("in", "GetObject", "GetObjectTagging"), over("out", "PutObject"))
    assert "s3:PutObjectTagging" in refused(tags.copy_object, **tagged)["Message"]
    assert (
        "s3:PutObjectTagging"
        in refused(both.copy_object, **plain, TaggingDirective="REPLACE", Tagging="a=b")["Message"]
    )


def test_the_source_of_a_copy_is_a_condition(server: Server, s3: Any, bucket: str) -> None:
    """GHSA-mx42-j6wv-px98: s3:x-amz-copy-source counts for copies of objects and of parts."""
    for key in ("good/k", "bad/k"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    only = on(bucket, "PutObject", Condition={"StringLike": {"s3:x-amz-copy-source": f"{bucket}/good/*"}})
    limited = client(server, f"limited-{bucket}", on(bucket, "GetObject"), only)
    limited.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/good/k")
    part = {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1}
    limited.upload_part_copy(CopySource=f"{bucket}/good/k", **part)
    assert refused(limited.copy_object, Bucket=bucket, Key="k", CopySource=f"{bucket}/bad/k")["Code"] == "AccessDenied"
    assert refused(limited.upload_part_copy, CopySource=f"{bucket}/bad/k", **part)["Code"] == "AccessDenied"
    assert refused(limited.put_object, Bucket=bucket, Key="k", Body=b"")["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("said", "action"),
    [({"Tagging": "a=b"}, "PutObjectTagging"), ({"ACL": "bucket-owner-full-control"}, "PutObjectAcl")],
)
def test_headers_that_need_a_right_of_their_own(server: Server, bucket: str, said: dict[str, str], action: str) -> None:
    writes = client(server, f"writes-{action.lower()}-{bucket}", on(bucket, "PutObject"))
    asked = {"Bucket": bucket, "Key": "k"}
    writes.put_object(**asked, Body=b"")
    assert f"s3:{action}" in refused(writes.put_object, **asked, Body=b"", **said)["Message"]
    assert f"s3:{action}" in refused(writes.create_multipart_upload, **asked, **said)["Message"]
    source = {"CopySource": f"{bucket}/k", "MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}
    both = client(server, f"both-{action.lower()}-{bucket}", on(bucket, "PutObject", "GetObject"))
    assert f"s3:{action}" in refused(both.copy_object, **asked, **source, **said)["Message"]


CONDITIONS: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "PutObject",
        "s3:x-amz-storage-class",
        "STANDARD_IA",
        {"StorageClass": "STANDARD_IA"},
        {"StorageClass": "ONEZONE_IA"},
    ),
    ("PutObject", "s3:if-none-match", "*", {"IfNoneMatch": "*"}, {}),
    ("PutObject", "s3:RequestObjectTag/team", "blue", {"Tagging": "team=blue"}, {"Tagging": "team=red"}),
    ("ListBucket", "s3:prefix", "home/", {"Prefix": "home/"}, {"Prefix": "home/x"}),
    ("ListBucket", "s3:delimiter", "/", {"Delimiter": "/"}, {}),
    ("ListBucket", "s3:max-keys", "1000", {}, {"MaxKeys": 5}),
    ("GetObject", "s3:ExistingObjectTag/open", "yes", {"Key": "open"}, {"Key": "shut"}),
]


@pytest.mark.parametrize(("action", "key", "value", "right", "wrong"), CONDITIONS)
def test_condition_keys_of_s3(
    server: Server, s3: Any, bucket: str, action: str, key: str, value: str, right: Any, wrong: Any
) -> None:
    s3.put_object(Bucket=bucket, Key="open", Body=b"", Tagging="open=yes")
    s3.put_object(Bucket=bucket, Key="shut", Body=b"", Tagging="open=no")
    condition = {"StringEquals": {key: value}}
    name = f"c{abs(hash((action, key))) % 10**8}-{bucket}"
    statements = [on(bucket, action, Condition=condition), on(bucket, "PutObjectTagging")]
    limited = client(server, name, *statements)
    calls = {"PutObject": "put_object", "ListBucket": "list_objects_v2", "GetObject": "get_object"}
    fixed: dict[str, Any] = {"Bucket": bucket} | ({"Key": "new", "Body": b""} if action == "PutObject" else {})
    getattr(limited, calls[action])(**fixed | right)
    assert refused(getattr(limited, calls[action]), **fixed | wrong)["Code"] == "AccessDenied"


def test_public_access_is_blocked_whatever_the_policy_says(server: Server, s3: Any, bucket: str) -> None:
    """GHSA-x298-9x87-fvjq."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            },
        }
    )
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=document)["Code"] == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=document)
    paths = [
        f"/{bucket}/k",
        f"/{bucket}?list-type=2",
        f"/{bucket}/k?tagging",
        f"/{bucket}/k?acl",
        f"/{bucket}?versions",
    ]
    for path in paths:
        assert exchange(server, "GET", path, {}).status == 200, path
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    for path in [*paths, f"/{bucket}/absent"]:
        answer = exchange(server, "GET", path, {})
        assert (answer.status, answer.code) == (403, "AccessDenied"), path
    s3.get_object(Bucket=bucket, Key="k")


def test_the_wrong_owner_is_no_owner(server: Server, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    wrong = {"ExpectedBucketOwner": "999999999999"}
    for call, more in (
        (s3.get_object, {"Key": "k"}),
        (s3.put_object, {"Key": "k", "Body": b""}),
        (s3.list_objects_v2, {}),
        (s3.delete_objects, {"Delete": {"Objects": [{"Key": "k"}]}}),
        (s3.head_bucket, {}),
    ):
        assert refused(call, Bucket=bucket, **more, **wrong)["Status"] == 403
    copy = {"Bucket": bucket, "Key": "c", "CopySource": f"{bucket}/k"}
    assert refused(s3.copy_object, **copy, ExpectedSourceBucketOwner="999999999999")["Code"] == "AccessDenied"
    s3.copy_object(**copy, ExpectedSourceBucketOwner="123456789012", ExpectedBucketOwner="123456789012")


def test_only_one_of_many_writers_is_the_first(server: Server, s3: Any, bucket: str) -> None:
    def attempt(number: int) -> int:
        sent = signer(server).send("PUT", f"/{bucket}/k", headers={"if-none-match": "*"}, body=str(number).encode())
        return send(server, sent).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(attempt, range(48)))
    assert sorted(statuses) == [200] + [412] * 47


def test_unknown_methods_and_odd_paths_are_never_a_500(server: Server, bucket: str) -> None:
    """GHSA-v2ch-c8v8-fgr7."""
    for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"):
        for path in (
            f"/{bucket}",
            f"/{bucket}/",
            f"/{bucket}/k",
            "/",
            "//",
            f"//{bucket}",
            f"/{bucket}/%ff",
            f"/{bucket}/%00",
        ):
            for query in (
                "",
                "?",
                "?&&",
                "?uploads",
                "?uploadId=",
                "?partNumber=x",
                "?versionId=%ff",
                "?acl&policy",
                "?x=%zz",
            ):
                answer = exchange(server, method, path + query, {})
                assert answer.status < 500 or answer.status == 501, (method, path, query)
