"""What S3's listings share: their limits, `encoding-type=url`, and tokens that say where to go on.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

from rolecall.message import ServiceError
from rolecall.services.s3.refusals import invalid_argument

MOST = 1000

Spelling = Callable[[str], str]


def spelling(encoding_type: str | None) -> Spelling:
    """Return how an answer spells keys and prefixes. Raises ServiceError for an encoding that S3 does not know."""
    if encoding_type is None:
        return str
    if encoding_type != "url":
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding_type)
    return _quoted


def _quoted(text: str) -> str:
    return quote(text, safe="/", encoding="utf-8", errors="surrogateescape")


def page_size(asked: int | None, name: str) -> int:
    """Return how many entries a page may have: what is asked for, at most 1,000. Raises ServiceError."""
    return MOST if asked is None else min(_natural(asked, name), MOST)


def part_marker(asked: int | None) -> int:
    """Return the number of the part that a page of parts begins behind, 0 for the first page. Raises ServiceError."""
    return _natural(asked or 0, "part-number-marker")


def _natural(asked: int, name: str) -> int:
    if asked < 0:
        message = f"Argument {name} must be an integer between 0 and 2147483647"
        raise invalid_argument(message, name, str(asked))
    return asked


def token_of(place: bytes) -> str:
    """Spell a place in a listing as an opaque token."""
    return base64.urlsafe_b64encode(b"1" + place).decode("ascii")


def place_of(token: str) -> bytes:
    """Return the place that a token spells. Raises ServiceError InvalidArgument."""
    try:
        place = base64.urlsafe_b64decode(token.encode("ascii"))
    except (binascii.Error, ValueError):
        place = b""
    if place[:1] != b"1":
        raise _incorrect(token)
    return place[1:]


def _incorrect(token: str) -> ServiceError:
    return invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
