"""Tags of objects and buckets: how they are written in requests, and what S3 refuses of them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus

import msgspec

from rolecall.message import ServiceError
from rolecall.services.s3.refusals import invalid_argument

OBJECT_TAGS = 10
BUCKET_TAGS = 50

_ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag as a request's document has it."""

    key: str
    value: str


class TagSet(msgspec.Struct, frozen=True, kw_only=True):
    """A `Tagging` document."""

    tag_set: tuple[Tag, ...] = ()


def tags_of(tag_set: Iterable[Tag], most: int) -> dict[str, str]:
    """Return a document's tags. Raises ServiceError for what S3 refuses of keys, values and their number."""
    tags: dict[str, str] = {}
    for tag in tag_set:
        if tag.key in tags:
            raise _invalid("Cannot provide multiple Tags with the same key", tag.key)
        _check(tag.key, tag.value, most)
        tags[tag.key] = tag.value
    return _counted(tags, most)


def tags_of_header(header: str | None) -> dict[str, str]:
    """Return the tags of `x-amz-tagging`, which is written like a query. Raises ServiceError."""
    tags: dict[str, str] = {}
    for pair in (header or "").split("&"):
        if not pair:
            continue
        name, _, text = pair.partition("=")
        try:
            key, value = unquote_plus(name, errors="strict"), unquote_plus(text, errors="strict")
        except UnicodeDecodeError:
            raise _malformed(header or "") from None
        if not key or key in tags:
            raise _malformed(header or "")
        _check(key, value, OBJECT_TAGS)
        tags[key] = value
    return _counted(tags, OBJECT_TAGS)


def shown(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as an answer lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def _check(key: str, value: str, most: int) -> None:
    if not 1 <= len(key) <= 128 or not _ALLOWED.fullmatch(key):
        raise _invalid("The TagKey you have provided is invalid", key)
    if len(value) > 256 or not _ALLOWED.fullmatch(value):
        fields = {"TagKey": key, "TagValue": value}
        raise ServiceError("InvalidTag", "The TagValue you have provided is invalid", fields=fields)
    if key.lower().startswith("aws:"):
        objects = most == OBJECT_TAGS
        message = (
            "Your TagKey cannot be prefixed with aws:"
            if objects
            else "System tags cannot be added/updated by requester"
        )
        raise _invalid(message, key)


def _counted(tags: dict[str, str], most: int) -> dict[str, str]:
    if len(tags) > most:
        kind = "Object" if most == OBJECT_TAGS else "Bucket"
        if kind == "Object":
            raise ServiceError("BadRequest", f"Object tags cannot be greater than {most}")
        raise ServiceError("InvalidTag", f"Bucket tag count cannot be greater than {most}")
    return tags


def _invalid(message: str, key: str) -> ServiceError:
    return ServiceError("InvalidTag", message, fields={"TagKey": key})


def _malformed(header: str) -> ServiceError:
    message = (
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
        " duplicates."
    )
    return invalid_argument(message, "x-amz-tagging", header)
