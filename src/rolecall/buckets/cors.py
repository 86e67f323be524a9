"""A bucket's CORS rules: kept beside the bucket, and matched against what a browser asks for.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from rolecall.buckets.settings import delete_setting, put_setting, setting
from rolecall.store.interface import Snapshot, Transaction

_KIND = "cors"


class CorsRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule, as it was sent. Origins and header names may hold one `*` each, which stands for any text."""

    allowed_methods: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    id: str | None = None
    allowed_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int | None = None


class CorsGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What the first matching rule says to a browser."""

    origin: str
    """The origin that asked, or `*` where the rule is for every origin."""
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    """The headers that were asked for, in lower case."""
    expose_headers: tuple[str, ...]
    max_age_seconds: int | None

    @property
    def credentials(self) -> bool:
        """Whether the browser may send credentials, which it may not to a rule for every origin."""
        return self.origin != "*"


def cors_rules(view: Snapshot, bucket: str) -> tuple[CorsRule, ...]:
    """Return the bucket's rules in order; none where it has no CORS configuration."""
    stored = setting(view, bucket, _KIND)
    return () if stored is None else _read(stored)


def put_cors_rules(transaction: Transaction, bucket: str, rules: Sequence[CorsRule]) -> None:
    """Keep the rules in place of those before."""
    put_setting(transaction, bucket, _KIND, msgspec.json.encode(rules))


def delete_cors_rules(transaction: Transaction, bucket: str) -> None:
    """Forget the rules; that there are none is no error."""
    delete_setting(transaction, bucket, _KIND)


def match_cors(rules: Iterable[CorsRule], origin: str, method: str, headers: Sequence[str] = ()) -> CorsGrant | None:
    """Return what the first rule says that allows this origin, method and every one of these headers, or None.

    `method` and `headers` are those of the request that a preflight announces, or of a request itself. Origins are
    compared as text, header names without regard to case.
    """
    asked = tuple(header.strip().lower() for header in headers if header.strip())
    for rule in rules:
        found = next((allowed for allowed in rule.allowed_origins if _fits(allowed, origin)), None)
        if found is None or method not in rule.allowed_methods:
            continue
        if all(any(_fits(allowed.lower(), header) for allowed in rule.allowed_headers) for header in asked):
            return CorsGrant(
                origin="*" if found == "*" else origin,
                methods=rule.allowed_methods,
                headers=asked,
                expose_headers=rule.expose_headers,
                max_age_seconds=rule.max_age_seconds,
            )
    return None


def _fits(pattern: str, text: str) -> bool:
    """Tell whether `text` is `pattern`, in which one `*` stands for any text, also none."""
    start, star, end = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(start) + len(end) and text.startswith(start) and text.endswith(end)


@lru_cache(maxsize=256)
def _read(stored: bytes) -> tuple[CorsRule, ...]:
    return msgspec.json.decode(stored, type=tuple[CorsRule, ...])
