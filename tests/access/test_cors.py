"""What browsers are told about buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from rolecall.access.cors import cors_headers, preflight
from rolecall.buckets.bucket import Bucket, create_bucket
from rolecall.buckets.cors import CorsRule, put_cors_rules
from rolecall.message import Request, ServiceError
from rolecall.store.sqlite import SqliteStore

RULE = CorsRule(
    allowed_methods=("PUT", "GET"),
    allowed_origins=("https://app.example",),
    allowed_headers=("x-amz-*",),
    expose_headers=("ETag", "x-amz-version-id"),
    max_age_seconds=60,
)


class NoBody:
    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


def asking(method: str, **headers: str) -> Request:
    lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(method, b"/photos/cat.png", b"", lines, NoBody())


@pytest.fixture
def photos(store: SqliteStore) -> SqliteStore:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    for name in ("photos", "silent"):
        store.write_now(
            lambda transaction, name=name: create_bucket(transaction, Bucket(name=name, account="1" * 12, created=made))
        )
    store.write_now(lambda transaction: put_cors_rules(transaction, "photos", [RULE]))
    return store


def test_a_preflight_that_a_rule_fits_is_told_the_rule(photos: SqliteStore) -> None:
    request = asking(
        "OPTIONS",
        origin="https://app.example",
        access_control_request_method="PUT",
        access_control_request_headers="X-Amz-Date, x-amz-content-sha256",
    )
    with photos.view() as view:
        answer = preflight(view, "photos", "cat.png", request)
    assert answer.status == 200
    assert dict(answer.headers) == {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-methods": "PUT, GET",
        "access-control-allow-headers": "x-amz-date, x-amz-content-sha256",
        "access-control-expose-headers": "ETag, x-amz-version-id",
        "access-control-max-age": "60",
        "access-control-allow-credentials": "true",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
        "content-length": "0",
    }


@pytest.mark.parametrize(
    ("bucket", "origin", "message"),
    [
        ("photos", "https://evil.example", "CORSResponse: This CORS request is not allowed."),
        ("silent", "https://app.example", "CORSResponse: CORS is not enabled for this bucket."),
        ("nobodys", "https://app.example", "CORSResponse: Bucket not found"),
        (None, "https://app.example", "CORSResponse: Bucket not found"),
    ],
)
def test_every_other_preflight_is_forbidden(photos: SqliteStore, bucket: str | None, origin: str, message: str) -> None:
    request = asking("OPTIONS", origin=origin, access_control_request_method="GET")
    with photos.view() as view, pytest.raises(ServiceError) as refusal:
        preflight(view, bucket, None, request)
    assert (refusal.value.code, refusal.value.status) == ("AccessForbidden", 403)
    assert refusal.value.message.startswith(message)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Insufficient information. Origin request header needed."),
        ({"origin": "https://app.example"}, "Invalid Access-Control-Request-Method: null"),
    ],
)
def test_what_is_no_preflight_is_said_so(photos: SqliteStore, headers: dict[str, str], message: str) -> None:
    with photos.view() as view, pytest.raises(ServiceError) as refusal:
        preflight(view, "photos", None, asking("OPTIONS", **headers))
    assert (refusal.value.code, refusal.value.message) == ("BadRequest", message)


def test_answers_carry_the_rule_only_to_its_own_origin(photos: SqliteStore) -> None:
    with photos.view() as view:
        known = dict(cors_headers(view, "photos", asking("GET", origin="https://app.example")))
        assert known["access-control-allow-origin"] == "https://app.example"
        assert known["access-control-expose-headers"] == "ETag, x-amz-version-id"
        assert cors_headers(view, "photos", asking("GET", origin="https://evil.example")) == ()
        assert cors_headers(view, "photos", asking("DELETE", origin="https://app.example")) == ()
        assert cors_headers(view, "photos", asking("GET")) == ()
        assert cors_headers(view, "silent", asking("GET", origin="https://app.example")) == ()
