"""Ranges of an object: `Range`, `partNumber`, and the range of a copy's source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rolecall.buckets.versions import ObjectVersion
from rolecall.message import ServiceError
from rolecall.services.s3.refusals import invalid_argument, invalid_request

_SINGLE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)")
_SOURCE = re.compile(r"bytes=(\d+)-(\d+)")
_LONGEST = 19
"""Digits of a number that a range can hold; longer ones are not worth converting."""


@dataclass(frozen=True, slots=True)
class Range:
    """A run of an object's bytes."""

    start: int
    length: int
    size: int
    """The whole object's."""
    partial: bool = True
    """Whether the answer is 206 with a Content-Range."""

    @property
    def content_range(self) -> str | None:
        """The Content-Range header of the answer."""
        if not self.partial:
            return None
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}" if self.length else None


def asked_range(found: ObjectVersion, header: str | None, part_number: int | None) -> Range:
    """Return what a GET or HEAD asks for. Raises ServiceError 416 where the object has no such bytes.

    A header that is not one well-formed range is ignored, several ranges are too, as on AWS.
    """
    if part_number is not None:
        if header is not None:
            raise invalid_request("Cannot specify both Range header and partNumber query parameter")
        return _of_part(found, part_number)
    whole = Range(0, found.size, found.size, partial=False)
    match = _SINGLE.fullmatch(header.strip()) if header is not None else None
    if match is None or not (match[1] or match[2]):
        return whole
    first, last = match[1], match[2]
    if first and last and _number(last) < _number(first):
        return whole
    if not first:
        length = min(_number(last), found.size)
        if not length:
            raise _unsatisfiable(found, header)
        return Range(found.size - length, length, found.size)
    start = _number(first)
    if start >= found.size:
        raise _unsatisfiable(found, header)
    end = min(_number(last), found.size - 1) if last else found.size - 1
    return Range(start, end - start + 1, found.size)


def source_range(found: ObjectVersion, header: str | None) -> Range:
    """Return the bytes of a source that UploadPartCopy asks for. Raises ServiceError."""
    if header is None:
        return Range(0, found.size, found.size, partial=False)
    match = _SOURCE.fullmatch(header)
    if match is None or _number(match[2]) < _number(match[1]):
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the"
        raise invalid_argument(
            f"{message} zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", header
        )
    start, end = _number(match[1]), _number(match[2])
    if end >= found.size:
        message = f"Range specified is not valid for source object of size: {found.size}"
        raise invalid_argument(message, "x-amz-copy-source-range", header)
    return Range(start, end - start + 1, found.size)


def _of_part(found: ObjectVersion, number: int) -> Range:
    if not 1 <= number <= 10_000:
        message = "PartNumber must be an integer between 1 and 10000, inclusive"
        raise invalid_argument(message, "partNumber", str(number))
    if not found.parts and number == 1:
        return Range(0, found.size, found.size)
    start = 0
    for part in found.parts:
        if part.number == number:
            return Range(start, part.size, found.size)
        start += part.size
    message = "The requested partnumber is not satisfiable"
    fields = {"PartNumberRequested": str(number), "ActualPartCount": str(max(len(found.parts), 1))}
    raise ServiceError("InvalidPartNumber", message, 416, fields=fields)


def _number(digits: str) -> int:
    return int(digits[:_LONGEST]) if len(digits) <= _LONGEST else 10**_LONGEST


def _unsatisfiable(found: ObjectVersion, header: str | None) -> ServiceError:
    fields = {"RangeRequested": header or "", "ActualObjectSize": str(found.size)}
    headers = (("Content-Range", f"bytes */{found.size}"),)
    return ServiceError("InvalidRange", "The requested range is not satisfiable", 416, fields=fields, headers=headers)
