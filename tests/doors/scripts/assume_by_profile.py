"""boto3, and aiobotocore, whose profile assumes the role."""

from __future__ import annotations

import io
import threading

import boto3
import urllib3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from steps import BODY, FACTS, MIB, run

session = boto3.Session(profile_name="door")
client = session.client("s3")
parts = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB)
HERE = FACTS.bucket


def identity() -> str:
    return session.client("sts").get_caller_identity()["Arn"]


def upload() -> str:
    client.upload_fileobj(io.BytesIO(BODY), HERE, "parts", Config=parts)
    return client.head_object(Bucket=HERE, Key="parts")["ETag"]


def download() -> bool:
    whole = io.BytesIO()
    client.download_fileobj(HERE, "parts", whole, Config=parts)
    return whole.getvalue() == BODY


def copied() -> int:
    client.copy({"Bucket": HERE, "Key": "parts"}, HERE, "copy", Config=parts)
    return client.head_object(Bucket=HERE, Key="copy")["ContentLength"]


def waited() -> bool:
    threading.Timer(0.5, lambda: client.put_object(Bucket=HERE, Key="late", Body=b"")).start()
    client.get_waiter("object_exists").wait(Bucket=HERE, Key="late", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return True


def posted() -> list[object]:
    # Left to itself, boto3 signs forms and URLs with Signature Version 2, which no bucket made since June 2020 takes.
    signer = session.client("s3", config=Config(signature_version="s3v4"))
    form = signer.generate_presigned_post(
        HERE, "posted/${filename}", Conditions=[["content-length-range", 1, 10]], ExpiresIn=60
    )
    fields = [*form["fields"].items(), ("file", ("name.txt", b"posted"))]
    answer = urllib3.request("POST", form["url"], fields=fields)
    listed = client.list_objects_v2(Bucket=HERE, Prefix="posted/").get("Contents", [])
    return [answer.status, answer.data.decode(), [found["Key"] for found in listed]]


async def asynchronous() -> list[object]:
    async with AioSession(profile="door").create_client("s3", config=AioConfig(max_pool_connections=2)) as other:
        await other.put_object(Bucket=HERE, Key="async", Body=b"async")
        pages = [page async for page in other.get_paginator("list_objects_v2").paginate(Bucket=HERE, Prefix="as")]
        answer = await other.get_object(Bucket=HERE, Key="async", Range="bytes=1-3")
        keys = [found["Key"] for page in pages for found in page["Contents"]]
        return [keys, (await answer["Body"].read()).decode()]


def refused() -> list[str]:
    try:
        client.put_object(Bucket=HERE, Key="closed/door", Body=b"no")
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return []


def not_again() -> list[str]:
    """The user itself, without the role, may not even look."""
    key, secret = FACTS.user
    user = boto3.client("s3", aws_access_key_id=key, aws_secret_access_key=secret)
    try:
        user.list_objects_v2(Bucket=HERE)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return []


run(identity, upload, download, copied, waited, posted, asynchronous, refused, not_again)
