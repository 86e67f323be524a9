"""Checksums of bodies: the algorithms of S3's model, and request documents held against what their headers say.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from awscrt.checksums import XXHash, combine_crc32, combine_crc32c, combine_crc64nvme, crc32, crc32c, crc64nvme

from rolecall.message import ServiceError


class Digest(Protocol):
    """A checksum being calculated."""

    def update(self, piece: bytes | memoryview) -> None:
        """Take in the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the checksum of all that was taken in. Called once, at the end."""
        ...


class _Crc:
    """A cyclic redundancy check as a Digest."""

    __slots__ = ("_function", "_size", "_value")

    def __init__(self, function: Callable[[bytes | memoryview, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, piece: bytes | memoryview) -> None:
        self._value = self._function(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _Xxh:
    """An XXHash as a Digest."""

    __slots__ = ("_hash",)

    def __init__(self, hash_: XXHash) -> None:
        self._hash = hash_

    def update(self, piece: bytes | memoryview) -> None:
        self._hash.update(piece)

    def digest(self) -> bytes:
        return bytes(self._hash.finalize())


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A checksum algorithm: AWS's name, the member of shapes and the header that carry it, and how it is calculated."""

    name: str
    member: str
    size: int
    new: Callable[[], Digest]
    combine: Callable[[int, int, int], int] | None = None
    """Of a CRC: (first, second, length of what the second covers) to that of both together."""
    composite: bool = True
    """Whether an object of parts can have it as a checksum of checksums."""

    @property
    def header(self) -> str:
        """The header and trailer that carry the value."""
        return f"x-amz-checksum-{self.name.lower()}"


def _md5() -> Digest:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Digest:
    return hashlib.sha1(usedforsecurity=False)


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("CRC32", "checksum_crc32", 4, lambda: _Crc(crc32, 4), combine_crc32),
        Algorithm("CRC32C", "checksum_crc32_c", 4, lambda: _Crc(crc32c, 4), combine_crc32c),
        Algorithm(
            "CRC64NVME", "checksum_crc64_nvme", 8, lambda: _Crc(crc64nvme, 8), combine_crc64nvme, composite=False
        ),
        Algorithm("SHA1", "checksum_sha1", 20, _sha1),
        Algorithm("SHA256", "checksum_sha256", 32, hashlib.sha256),
        Algorithm("SHA512", "checksum_sha512", 64, hashlib.sha512),
        Algorithm("MD5", "checksum_md5", 16, _md5),
        Algorithm("XXHASH64", "checksum_xxhash64", 8, lambda: _Xxh(XXHash.new_xxhash64())),
        Algorithm("XXHASH3", "checksum_xxhash3", 8, lambda: _Xxh(XXHash.new_xxhash3_64())),
        Algorithm("XXHASH128", "checksum_xxhash128", 16, lambda: _Xxh(XXHash.new_xxhash3_128())),
    )
}

BY_HEADER: Mapping[str, Algorithm] = {algorithm.header: algorithm for algorithm in ALGORITHMS.values()}


def decoded(value: str, size: int) -> bytes | None:
    """Return the bytes that `value` spells in base64, or None where they are not `size` many."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size else None


def bad_checksum(algorithm: Algorithm) -> ServiceError:
    """Return the refusal of bytes that are not what their checksum says."""
    return ServiceError("BadDigest", f"The {algorithm.name} you specified did not match the calculated checksum.", 400)


def content_md5(value: str | None) -> bytes | None:
    """Return the digest of a Content-MD5 header, None where none was sent. Raises ServiceError InvalidDigest."""
    if value is None:
        return None
    raw = decoded(value.strip(), 16)
    if raw is None:
        raise ServiceError(
            "InvalidDigest", "The Content-MD5 you specified was invalid.", 400, fields={"Content-MD5": value}
        )
    return raw


def bad_md5(expected: bytes, calculated: bytes) -> ServiceError:
    """Return the refusal of bytes that are not what their Content-MD5 says."""
    fields = {"ExpectedDigest": expected.hex(), "CalculatedDigest": base64.b64encode(calculated).decode("ascii")}
    return ServiceError(
        "BadDigest", "The Content-MD5 you specified did not match what we received.", 400, fields=fields
    )


def check_document(headers: Mapping[str, str], body: bytes, *, checksums: bool = True) -> None:
    """Hold a request's document against its Content-MD5 and its checksum header. Raises ServiceError BadDigest.

    Without `checksums` the checksum headers are of something else: of the object that CompleteMultipartUpload makes.
    """
    md5 = content_md5(headers.get("content-md5"))
    if md5 is not None:
        calculated = hashlib.md5(body, usedforsecurity=False).digest()
        if calculated != md5:
            raise bad_md5(md5, calculated)
    for name, algorithm in BY_HEADER.items() if checksums else ():
        if (value := headers.get(name)) is not None:
            digest = algorithm.new()
            digest.update(body)
            if decoded(value, algorithm.size) is None:
                raise ServiceError("InvalidRequest", f"Value for {algorithm.header} header is invalid.")
            if digest.digest() != decoded(value, algorithm.size):
                raise bad_checksum(algorithm)
