"""A bucket's CORS rules, matched as S3 matches them."""

from __future__ import annotations

import pytest

from rolecall.buckets.cors import CorsRule, cors_rules, delete_cors_rules, match_cors, put_cors_rules
from rolecall.store.sqlite import SqliteStore

APP = CorsRule(
    id="app",
    allowed_methods=("PUT", "GET"),
    allowed_origins=("https://app.example",),
    allowed_headers=("X-Amz-*", "content-type"),
    expose_headers=("ETag",),
    max_age_seconds=600,
)
EVERYBODY = CorsRule(allowed_methods=("GET",), allowed_origins=("*",))
SUBDOMAINS = CorsRule(allowed_methods=("GET",), allowed_origins=("https://*.example",))


def test_the_first_rule_that_fits_answers() -> None:
    grant = match_cors([APP, EVERYBODY], "https://app.example", "GET")
    assert grant is not None
    assert (grant.origin, grant.methods, grant.expose_headers) == ("https://app.example", ("PUT", "GET"), ("ETag",))
    assert grant.max_age_seconds == 600
    assert grant.credentials


def test_a_rule_for_every_origin_does_not_reflect_the_origin_nor_take_credentials() -> None:
    grant = match_cors([EVERYBODY], "https://evil.example", "GET")
    assert grant is not None
    assert grant.origin == "*"
    assert not grant.credentials


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://app.example.evil", "GET", ()),
        ("https://app.exampl", "GET", ()),
        ("http://app.example", "GET", ()),
        ("https://APP.example", "GET", ()),
        ("null", "GET", ()),
        ("", "GET", ()),
        ("https://app.example", "DELETE", ()),
        ("https://app.example", "get", ()),
        ("https://app.example", "PUT", ("authorization",)),
        ("https://app.example", "PUT", ("x-amz-date", "x-secret")),
    ],
)
def test_what_no_rule_names_gets_nothing(origin: str, method: str, headers: tuple[str, ...]) -> None:
    assert match_cors([APP], origin, method, headers) is None


def test_header_names_are_compared_without_case_and_may_hold_a_wildcard() -> None:
    grant = match_cors([APP], "https://app.example", "PUT", ["X-AMZ-Date", " Content-Type ", ""])
    assert grant is not None
    assert grant.headers == ("x-amz-date", "content-type")


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        ("https://a.example", True),
        ("https://a.b.example", True),
        ("https://.example", True),
        ("https://example", False),
        ("https://a.example.evil", False),
        ("http://a.example", False),
    ],
)
def test_one_wildcard_stands_for_any_text_within_an_origin(origin: str, fits: bool) -> None:
    assert (match_cors([SUBDOMAINS], origin, "GET") is not None) is fits


def test_rules_are_kept_in_order_and_forgotten(store: SqliteStore) -> None:
    store.write_now(lambda transaction: put_cors_rules(transaction, "photos", [APP, EVERYBODY]))
    with store.view() as view:
        assert cors_rules(view, "photos") == (APP, EVERYBODY)
        assert cors_rules(view, "other") == ()
    store.write_now(lambda transaction: delete_cors_rules(transaction, "photos"))
    store.write_now(lambda transaction: delete_cors_rules(transaction, "photos"))
    with store.view() as view:
        assert cors_rules(view, "photos") == ()
