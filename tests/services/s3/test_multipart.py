"""Multipart uploads: parts in any order, one object at the end, and nothing before."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Any

import pytest
from tests.services.s3.served import refused
from tests.serving import Server

MIB = 1024 * 1024
PART = 5 * MIB


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(size + seed).randbytes(size)


def begin(s3: Any, bucket: str, **said: Any) -> str:
    return str(s3.create_multipart_upload(Bucket=bucket, Key="k", **said)["UploadId"])


def upload(s3: Any, bucket: str, upload_id: str, number: int, body: bytes, **said: Any) -> dict[str, Any]:
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=body, **said)
    named = {"PartNumber": number, "ETag": part["ETag"]}
    return named | {name: value for name, value in part.items() if name.startswith("Checksum")}


def complete(s3: Any, bucket: str, upload_id: str, *parts: dict[str, Any], **said: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": list(parts)}, **said
    )


def test_parts_become_one_object(s3: Any, bucket: str) -> None:
    first, last = noise(PART), noise(1000)
    upload_id = begin(s3, bucket, ContentType="text/plain", Metadata={"a": "b"}, Tagging="t=1")
    parts = {number: upload(s3, bucket, upload_id, number, body) for number, body in ((7, last), (3, first))}
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [(3, PART), (7, 1000)]
    done = complete(s3, bucket, upload_id, parts[3], parts[7])
    digest = hashlib.md5(hashlib.md5(first).digest() + hashlib.md5(last).digest()).hexdigest()
    assert done["ETag"] == f'"{digest}-2"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == first + last
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/plain", {"a": "b"}, 1)
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={PART - 10}-{PART + 9}")
    assert across["Body"].read() == first[-10:] + last[:10]
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=7)
    assert (part["Body"].read(), part["PartsCount"]) == (last, 2)
    assert part["ContentRange"] == f"bytes {PART}-{PART + 999}/{PART + 1000}"
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=4)["Code"] == "InvalidPartNumber"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_part_that_comes_again_takes_the_place_of_the_first(s3: Any, bucket: str) -> None:
    upload_id = begin(s3, bucket)
    old = upload(s3, bucket, upload_id, 1, noise(70_000))
    new = upload(s3, bucket, upload_id, 1, b"new")
    assert refused(complete, s3=s3, bucket=bucket, upload_id=upload_id)["Code"] == "MalformedXML"
    with pytest.raises(s3.exceptions.ClientError, match="InvalidPart"):
        complete(s3, bucket, upload_id, old)
    complete(s3, bucket, upload_id, new)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_completing_twice_answers_twice_the_same(s3: Any, bucket: str) -> None:
    upload_id = begin(s3, bucket)
    part = upload(s3, bucket, upload_id, 1, b"x")
    first = complete(s3, bucket, upload_id, part)
    again = complete(s3, bucket, upload_id, part)
    assert first["ETag"] == again["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"another")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchUpload"):
        complete(s3, bucket, upload_id, part)


def test_what_completing_refuses(s3: Any, bucket: str) -> None:
    upload_id = begin(s3, bucket)
    small = upload(s3, bucket, upload_id, 1, b"too small to be followed")
    other = upload(s3, bucket, upload_id, 2, b"x")
    cases: list[tuple[list[dict[str, Any]], dict[str, Any], str]] = [
        ([other, small], {}, "InvalidPartOrder"),
        ([small, small], {}, "InvalidPartOrder"),
        ([small, other], {}, "EntityTooSmall"),
        ([{"PartNumber": 3, "ETag": small["ETag"]}], {}, "InvalidPart"),
        ([{"PartNumber": 1, "ETag": other["ETag"]}], {}, "InvalidPart"),
        ([small], {"MpuObjectSize": 5}, "InvalidRequest"),
        ([small], {"IfMatch": '"x"'}, "NoSuchKey"),
    ]
    for parts, said, code in cases:
        with pytest.raises(s3.exceptions.ClientError) as refusal:
            complete(s3, bucket, upload_id, *parts, **said)
        assert refusal.value.response["Error"]["Code"] == code, (parts, said)
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        complete(s3, bucket, upload_id, small, IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_an_aborted_upload_is_gone(s3: Any, bucket: str) -> None:
    upload_id = begin(s3, bucket)
    upload(s3, bucket, upload_id, 1, b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    assert refused(s3.list_parts, **named)["Code"] == "NoSuchUpload"
    assert refused(s3.abort_multipart_upload, **named)["Code"] == "NoSuchUpload"
    assert refused(s3.upload_part, PartNumber=1, Body=b"x", **named)["Code"] == "NoSuchUpload"


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_numbers_go_from_1_to_10000(s3: Any, bucket: str, number: int) -> None:
    error = refused(s3.upload_part, Bucket=bucket, Key="k", UploadId=begin(s3, bucket), PartNumber=number, Body=b"")
    assert error["Code"] == "InvalidArgument"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_a_composite_checksum_is_made_of_the_parts_checksums(s3: Any, bucket: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    upload_id = begin(s3, bucket, ChecksumAlgorithm=algorithm)
    parts = [
        upload(s3, bucket, upload_id, number, body, ChecksumAlgorithm=algorithm)
        for number, body in ((1, noise(PART)), (2, noise(9)))
    ]
    done = complete(s3, bucket, upload_id, *parts)
    assert done["ChecksumType"] == "COMPOSITE"
    assert done[member].endswith("-2")
    if algorithm == "SHA256":
        joined = b"".join(base64.b64decode(part[member]) for part in parts)
        assert done[member] == base64.b64encode(hashlib.sha256(joined).digest()).decode() + "-2"
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum", "ETag"])
    assert [(part["PartNumber"], part[member]) for part in found["ObjectParts"]["Parts"]] == [
        (part["PartNumber"], part[member]) for part in parts
    ]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_a_full_checksum_is_that_of_the_whole_object(s3: Any, bucket: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    bodies = [noise(PART), noise(PART + 1, seed=1), noise(12)]
    upload_id = begin(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    parts = [
        upload(s3, bucket, upload_id, number, body, ChecksumAlgorithm=algorithm)
        for number, body in enumerate(bodies, 1)
    ]
    whole = s3.put_object(Bucket=bucket, Key="whole", Body=b"".join(bodies), ChecksumAlgorithm=algorithm)[member]
    with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
        complete(s3, bucket, upload_id, *parts, **{member: parts[0][member]}, ChecksumType="FULL_OBJECT")
    done = complete(s3, bucket, upload_id, *parts, **{member: whole}, ChecksumType="FULL_OBJECT")
    assert (done[member], done["ChecksumType"]) == (whole, "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"".join(bodies)


def test_a_part_is_held_to_the_uploads_algorithm(s3: Any, bucket: str) -> None:
    upload_id = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload_id, "PartNumber": 1, "Body": b"x"}
    assert "Checksum Type mismatch" in refused(s3.upload_part, ChecksumAlgorithm="CRC32", **named)["Message"]


@pytest.mark.parametrize(("algorithm", "kind"), [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")])
def test_not_every_algorithm_has_every_kind(s3: Any, bucket: str, algorithm: str, kind: str) -> None:
    asked = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    assert refused(s3.create_multipart_upload, **asked)["Code"] == "InvalidRequest"


def test_the_clients_own_transfer_of_a_large_file(server: Server, s3: Any, bucket: str, tmp_path: Any) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(noise(20 * MIB + 5))
    s3.upload_file(str(source), bucket, "large")
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied")
    s3.download_file(bucket, "copied", str(target))
    assert target.read_bytes() == source.read_bytes()


def test_a_part_may_be_copied(s3: Any, bucket: str) -> None:
    content = noise(PART + 100)
    s3.put_object(Bucket=bucket, Key="source", Body=content)
    upload_id = begin(s3, bucket)
    named: dict[str, Any] = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    source = {"Bucket": bucket, "Key": "source"}
    parts = []
    for number, span in ((1, f"bytes=100-{PART + 99}"), (2, "bytes=0-99")):
        copied = s3.upload_part_copy(PartNumber=number, CopySource=source, CopySourceRange=span, **named)
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    for span in ("bytes=0-", "bytes=5-1", "0-1", f"bytes=0-{PART + 100}"):
        error = refused(s3.upload_part_copy, PartNumber=3, CopySource=source, CopySourceRange=span, **named)
        assert error["Code"] == "InvalidArgument"
    complete(s3, bucket, upload_id, *parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content[100:] + content[:100]


def test_listings_of_parts_and_uploads_have_pages(s3: Any, bucket: str) -> None:
    ids = [s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("a", "b/1", "b/2", "c", "c")]
    for number in range(1, 6):
        s3.upload_part(Bucket=bucket, Key="a", UploadId=ids[0], PartNumber=number, Body=b"x")
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="a", UploadId=ids[0], PaginationConfig={"PageSize": 2}
    )
    assert [part["PartNumber"] for page in pages for part in page.get("Parts", [])] == [1, 2, 3, 4, 5]
    listing = s3.get_paginator("list_multipart_uploads")
    found = [
        one["UploadId"]
        for page in listing.paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
        for one in page["Uploads"]
    ]
    assert found == ids
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert rolled["CommonPrefixes"] == [{"Prefix": "b/"}]
    assert s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")["Uploads"][0]["Key"] == "b/1"


@pytest.mark.parametrize(("member", "name"), [("MaxParts", "max-parts"), ("PartNumberMarker", "part-number-marker")])
def test_a_page_of_parts_neither_begins_nor_counts_below_nought(s3: Any, bucket: str, member: str, name: str) -> None:
    upload_id = begin(s3, bucket)
    error = refused(s3.list_parts, **{"Bucket": bucket, "Key": "k", "UploadId": upload_id, member: -1})
    assert (error["Code"], error["Status"]) == ("InvalidArgument", 400)
    assert error["Message"] == f"Argument {name} must be an integer between 0 and 2147483647"
