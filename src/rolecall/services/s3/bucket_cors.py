"""A bucket's CORS configuration. The rules are kept and matched in `buckets.cors`; answers to browsers follow them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.buckets.cors import CorsRule, cors_rules, delete_cors_rules, put_cors_rules
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.refusals import invalid_request, malformed_xml, no_such_setting
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction

MOST_RULES = 100
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ORIGIN = re.compile(r"[\x21-\x7e]+")
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})


class SentRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as it is sent."""

    id: str | None = None
    allowed_headers: list[str] = []
    allowed_methods: list[str] = []
    allowed_origins: list[str] = []
    expose_headers: list[str] = []
    max_age_seconds: int | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The document of PutBucketCors."""

    cors_rules: list[SentRule] = []


class NewCors(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketCors."""

    cors_configuration: Configuration | None = None


@operations.write("PutBucketCors", NewCors, on_bucket("PutBucketCORS"))
def put_bucket_cors(allowed: Allowed, parameters: NewCors, transaction: Transaction) -> Result:
    """Replace the bucket's CORS rules."""
    del allowed
    sent = parameters.cors_configuration
    if sent is None or not 1 <= len(sent.cors_rules) <= MOST_RULES:
        raise malformed_xml()
    rules = [_checked(rule) for rule in sent.cors_rules]
    found = the_bucket(transaction, parameters.bucket)
    put_cors_rules(transaction, found.name, rules)
    return {}


@operations.read("GetBucketCors", OfBucket, on_bucket("GetBucketCORS"))
def get_bucket_cors(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the bucket's CORS rules."""
    del allowed
    rules = cors_rules(view, the_bucket(view, parameters.bucket).name)
    if not rules:
        raise no_such_setting("NoSuchCORSConfiguration", "The CORS configuration does not exist", parameters.bucket)
    return {"cors_rules": [_shown(rule) for rule in rules]}


@operations.write("DeleteBucketCors", OfBucket, on_bucket("PutBucketCORS"))
def delete_bucket_cors(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove the bucket's CORS rules; that there are none is no error."""
    del allowed
    delete_cors_rules(transaction, the_bucket(transaction, parameters.bucket).name)
    return {}


def _checked(sent: SentRule) -> CorsRule:
    """Return the rule as it is kept. Raises ServiceError in AWS's words.

    What is kept goes into headers of answers, so nothing is taken that could end a header.
    """
    if not sent.allowed_methods or not sent.allowed_origins or len(sent.id or "") > 255:
        raise malformed_xml()
    for method in sent.allowed_methods:
        if method not in _METHODS:
            message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            raise invalid_request(message)
    if not all(_ORIGIN.fullmatch(origin) for origin in sent.allowed_origins):
        raise malformed_xml()
    _refuse_many_wildcards("AllowedOrigin", sent.allowed_origins)
    _refuse_many_wildcards("AllowedHeader", sent.allowed_headers)
    for header in sent.expose_headers:
        if "*" in header:
            message = (
                f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
            )
            raise invalid_request(message)
    if not all(_HEADER_NAME.fullmatch(header) for header in [*sent.allowed_headers, *sent.expose_headers]):
        raise invalid_request("A header name in the CORS config is not one that HTTP has.")
    return CorsRule(
        id=sent.id,
        allowed_headers=tuple(sent.allowed_headers),
        allowed_methods=tuple(sent.allowed_methods),
        allowed_origins=tuple(sent.allowed_origins),
        expose_headers=tuple(sent.expose_headers),
        max_age_seconds=sent.max_age_seconds,
    )


def _refuse_many_wildcards(element: str, values: Sequence[str]) -> None:
    for value in values:
        if value.count("*") > 1:
            raise invalid_request(f'{element} "{value}" can not have more than one wildcard.')


def _shown(rule: CorsRule) -> Result:
    return {
        "id": rule.id,
        "allowed_headers": list(rule.allowed_headers) or None,
        "allowed_methods": list(rule.allowed_methods),
        "allowed_origins": list(rule.allowed_origins),
        "expose_headers": list(rule.expose_headers) or None,
        "max_age_seconds": rule.max_age_seconds,
    }
