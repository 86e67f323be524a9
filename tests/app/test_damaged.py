"""Bytes that are not as long as they were are never served: the answer is 503, and the log says why."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from tests.serving import ACCOUNT, Server, serving

from rolecall.buckets.versions import decode_version
from rolecall.store.keys import pack
from rolecall.store.sqlite import Inspection

BUCKET = "damaged"
SIZE = 200_000
PART = 5 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("damaged") / "data", "--account", ACCOUNT, workers=1) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        yield server


def blobs(server: Server, key: str) -> list[Path]:
    """Return the files of an object, in order."""
    with closing(Inspection(server.data / "rolecall.db")) as store, store.view() as view:
        value = view.get(pack("current", BUCKET, key))
    assert value is not None
    names = [segment.source for segment in decode_version(value).segments]
    return [server.data / "objects" / name[:2] / name for name in names]


def put(server: Server, key: str) -> None:
    server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=os.urandom(SIZE))


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "emptied": lambda path: os.truncate(path, 0),
    "cut by one byte": lambda path: os.truncate(path, SIZE - 1),
    "longer by one byte": lambda path: os.truncate(path, SIZE + 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_object_whose_file_is_not_as_it_was_is_refused_whole_in_part_and_as_a_source(
    damage: str, server: Server
) -> None:
    s3, key = server.client("s3"), damage.replace(" ", "-")
    put(server, key)
    DAMAGES[damage](blobs(server, key)[0])
    reads: dict[str, Callable[[], Any]] = {
        "whole": lambda: s3.get_object(Bucket=BUCKET, Key=key),
        "a range at its end": lambda: s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={SIZE - 10}-"),
        "a range at its start": lambda: s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=0-9"),
        "copied": lambda: s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/{key}"),
    }
    for how, read in reads.items():
        answer = refused(read)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503, how
        assert answer["Error"]["Code"] == "ServiceUnavailable", how
    assert key not in {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix="copy").get("Contents", [])}
    assert refused(lambda: s3.head_object(Bucket=BUCKET, Key="copy"))["ResponseMetadata"]["HTTPStatusCode"] == 404


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forget(path: Path) -> None:
    """Have the system forget what it has in memory of a file, so that it must be read from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def test_an_object_of_up_to_64_kib_with_a_flipped_bit_is_refused_or_broken_off(server: Server) -> None:
    s3 = server.client("s3")
    for checksum in ({}, {"ChecksumAlgorithm": "CRC32"}):
        s3.put_object(Bucket=BUCKET, Key="flipped", Body=os.urandom(60_000), **checksum)
        path = blobs(server, "flipped")[0]
        assert s3.get_object(Bucket=BUCKET, Key="flipped")["Body"].read() == path.read_bytes()
        flip(path)
        assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="flipped"))["Error"]["Code"] == "ServiceUnavailable"
        assert refused(lambda: s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/flipped"))["Error"][
            "Code"
        ] == ("ServiceUnavailable")
        forget(path)
        with pytest.raises((ClientError, ResponseStreamingError, IncompleteReadError)):
            s3.get_object(Bucket=BUCKET, Key="flipped")["Body"].read()


def test_a_small_object_that_was_changed_in_the_store_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, workers=1) as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="small", Body=b"as it was")
        with closing(sqlite3.connect(server.data / "rolecall.db")) as store, store:
            changed = store.execute("UPDATE kv SET value = ? WHERE value = ?", (b"as it is.", b"as it was"))
            assert changed.rowcount == 1
        assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="small"))["Error"]["Code"] == "ServiceUnavailable"


def test_a_later_part_that_was_cut_is_known_before_the_answer_begins(server: Server) -> None:
    s3 = server.client("s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    parts = []
    for number, size in ((1, PART), (2, SIZE)):
        body = os.urandom(size)
        sent = s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    os.truncate(blobs(server, "parts")[1], SIZE // 2)
    answer = refused(lambda: s3.get_object(Bucket=BUCKET, Key="parts"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert len(s3.get_object(Bucket=BUCKET, Key="parts", Range="bytes=0-9")["Body"].read()) == 10


def test_an_object_that_was_damaged_is_well_again_after_it_is_uploaded_again(server: Server) -> None:
    s3 = server.client("s3")
    put(server, "again")
    blobs(server, "again")[0].unlink()
    body = os.urandom(SIZE)
    s3.put_object(Bucket=BUCKET, Key="again", Body=body)
    assert s3.get_object(Bucket=BUCKET, Key="again")["Body"].read() == body


def test_the_log_names_the_object_and_the_reason(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, workers=1) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        put(server, "told")
        os.truncate(blobs(server, "told")[0], 7)
        refused(lambda: server.client("s3").get_object(Bucket=BUCKET, Key="told"))
        server.stop()
        assert server.process.stderr is not None
        log = server.process.stderr.read()
    assert "the bytes of 'told' are damaged" in log
    assert "has 7 bytes, not 200000" in log
