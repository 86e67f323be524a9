"""Rust's object_store crate, through obstore and through polars, with a session's credentials."""

from __future__ import annotations

import urllib.request
from datetime import timedelta

import obstore
import polars as pl
from obstore.store import S3Store
from steps import BODY, FACTS, MIB, run

key, secret, token = FACTS.session
store = S3Store(
    FACTS.bucket,
    endpoint=FACTS.endpoint,
    region=FACTS.region,
    access_key_id=key,
    secret_access_key=secret,
    session_token=token,
    virtual_hosted_style_request=False,
    client_options={"allow_http": True},
    retry_config={"max_retries": 0},
)
POLARS = {
    "aws_access_key_id": key,
    "aws_secret_access_key": secret,
    "aws_session_token": token,
    "aws_region": FACTS.region,
    "aws_endpoint_url": FACTS.endpoint,
    "aws_allow_http": "true",
}


def upload() -> int:
    store.put("small", b"small")
    store.put("deep/parts", BODY, use_multipart=True, chunk_size=5 * MIB)
    return store.head("deep/parts")["size"]


def listed() -> list[str]:
    return [found["path"] for batch in store.list() for found in batch]


def folders() -> list[str]:
    return list(store.list_with_delimiter()["common_prefixes"])


def download() -> bool:
    return bytes(store.get("deep/parts").bytes()) == BODY


def ranged() -> list[bool]:
    ranges = store.get_ranges("deep/parts", starts=[0, 5 * MIB - 2], lengths=[3, 5])
    return [
        bytes(found) == wanted
        for found, wanted in zip(ranges, (BODY[:3], BODY[5 * MIB - 2 : 5 * MIB + 3]), strict=True)
    ]


def copied() -> int:
    store.copy("deep/parts", "copy")
    store.rename("copy", "renamed")
    return store.head("renamed")["size"]


def created() -> None:
    store.put("small", b"again", mode="create")


def updated() -> list[str]:
    first = store.head("small")
    store.put("small", b"second", mode={"e_tag": first["e_tag"]})
    try:
        store.put("small", b"third", mode={"e_tag": first["e_tag"]})
    except Exception as error:
        return [bytes(store.get("small").bytes()).decode(), type(error).__name__]
    return []


def signed() -> str:
    url = obstore.sign(store, "GET", "small", expires_in=timedelta(minutes=1))
    with urllib.request.urlopen(url) as answer:
        return answer.read().decode()


def frames() -> list[int]:
    place = f"s3://{FACTS.bucket}/frame.parquet"
    pl.DataFrame({"number": range(1000)}).write_parquet(place, storage_options=POLARS)
    return pl.scan_parquet(place, storage_options=POLARS).filter(pl.col("number") > 997).collect()["number"].to_list()


def deleted() -> list[str]:
    store.delete(listed())
    return listed()


def refused() -> None:
    store.put("closed/door", b"no")


def missing() -> None:
    store.get("nowhere")


run(upload, listed, folders, download, ranged, copied, created, updated, signed, frames, deleted, refused, missing)
