"""The MinIO SDK for Python."""

from __future__ import annotations

import io
from datetime import timedelta

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.credentials import AssumeRoleProvider
from minio.deleteobjects import DeleteObject
from steps import BODY, FACTS, MIB, run

provider = AssumeRoleProvider(
    sts_endpoint=FACTS.endpoint,
    access_key=FACTS.user[0],
    secret_key=FACTS.user[1],
    role_arn=FACTS.role,
    role_session_name="minio",
    region=FACTS.region,
)
client = Minio(FACTS.host, credentials=provider, secure=False, region=FACTS.region)


def upload() -> list[bool]:
    small = client.put_object(FACTS.bucket, "small", io.BytesIO(b"small"), 5, content_type="text/plain")
    parts = client.put_object(FACTS.bucket, "deep/parts", io.BytesIO(BODY), -1, part_size=5 * MIB)
    return [bool(small.etag), parts.etag.endswith("-3")]


def listed() -> list[str]:
    return [found.object_name for found in client.list_objects(FACTS.bucket, recursive=True)]


def folders() -> list[tuple[str, bool]]:
    return [(found.object_name, found.is_dir) for found in client.list_objects(FACTS.bucket)]


def download() -> bool:
    answer = client.get_object(FACTS.bucket, "deep/parts")
    try:
        return answer.read() == BODY
    finally:
        answer.release_conn()


def ranged() -> bool:
    answer = client.get_object(FACTS.bucket, "deep/parts", offset=5 * MIB - 2, length=5)
    try:
        return answer.read() == BODY[5 * MIB - 2 : 5 * MIB + 3]
    finally:
        answer.release_conn()


def copied() -> int:
    client.copy_object(FACTS.bucket, "copy", CopySource(FACTS.bucket, "deep/parts"))
    return client.stat_object(FACTS.bucket, "copy").size


def presigned() -> str:
    url = client.presigned_get_object(FACTS.bucket, "small", expires=timedelta(minutes=1))
    return urllib3.request("GET", url).data.decode()


def deleted() -> list[str]:
    wanted = [DeleteObject(name) for name in ("copy", "deep/parts")]
    errors = list(client.remove_objects(FACTS.bucket, wanted))
    client.remove_object(FACTS.bucket, "small")
    return [str(error) for error in errors] + listed()


def refused() -> None:
    client.put_object(FACTS.bucket, "closed/door", io.BytesIO(b"no"), 2)


def missing() -> None:
    client.stat_object(FACTS.bucket, "nowhere")


run(upload, listed, folders, download, ranged, copied, presigned, deleted, refused, missing)
