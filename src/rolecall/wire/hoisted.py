"""Headers that a presigned URL carries in its query, where some SDKs put every `x-amz-*` header (ACL, tags, checksums).

They mean what the headers mean: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

from dataclasses import replace

from rolecall.message import Request, ServiceError
from rolecall.wire.urlencoded import Undecodable, decode

_MARK = b"X-Amz-Signature="
_OF_THE_SIGNATURE = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-decoded-content-length",
    }
)


def with_hoisted_headers(request: Request) -> Request:
    """Return `request` with the headers that its presigned URL carries, or `request` itself where it carries none.

    Raises ServiceError InvalidArgument (400) for one that is sent both ways. What cannot be read is left to routing.
    """
    if _MARK not in request.raw_query:
        return request
    try:
        query = decode(request.raw_query)
    except Undecodable:
        return request
    hoisted: dict[str, str] = {}
    for name, value in query.items():
        lower = name.lower()
        if not lower.startswith("x-amz-") or lower in _OF_THE_SIGNATURE:
            continue
        if lower in request.by_name or lower in hoisted or not _is_header_text(value):
            raise ServiceError(
                "InvalidArgument",
                f"{name} must be sent once, as a header or in the query of a presigned URL.",
                fields={"ArgumentName": name, "ArgumentValue": value},
            )
        hoisted[lower] = value
    return replace(request, headers=(*request.headers, *hoisted.items())) if hoisted else request


def _is_header_text(value: str) -> bool:
    return value.isprintable() and value.isascii()
