"""Checksums of object bytes: the algorithms of S3's model, how a request names one, and how parts combine to a whole.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from awscrt.checksums import XXHash, combine_crc32, combine_crc32c, combine_crc64nvme, crc32, crc32c, crc64nvme

from rolecall.buckets.versions import Checksum
from rolecall.message import Request, ServiceError
from rolecall.services.operation import Parameters
from rolecall.services.s3.errors import invalid_argument, invalid_request

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"

DEFAULT = "CRC64NVME"
"""What S3 calculates by itself where the client names no algorithm."""


class Digest(Protocol):
    """A checksum being calculated."""

    def update(self, piece: bytes) -> None:
        """Take in the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the checksum of all that was taken in. Called once, at the end."""
        ...


class _Crc:
    """A cyclic redundancy check as a Digest."""

    __slots__ = ("_function", "_size", "_value")

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, piece: bytes) -> None:
        self._value = self._function(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _Xxh:
    """An XXHash as a Digest."""

    __slots__ = ("_hash",)

    def __init__(self, hash_: XXHash) -> None:
        self._hash = hash_

    def update(self, piece: bytes) -> None:
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

_BY_HEADER = {algorithm.header: algorithm for algorithm in ALGORITHMS.values()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The checksum that a body is held to: the value came with the head, or comes in the trailer, or nowhere."""

    algorithm: Algorithm
    value: str | None = None
    in_trailer: bool = False
    """The value must come behind the body."""
    chosen: bool = True
    """The client named the algorithm; else it is S3's own choice."""


def wanted(parameters: Parameters, request: Request) -> Wanted:
    """Return the checksum that a request with a body asks for. Raises ServiceError where it contradicts itself."""
    named = _named_algorithm(getattr(parameters, "checksum_algorithm", None), "x-amz-sdk-checksum-algorithm")
    given = [
        (algorithm, value)
        for algorithm in ALGORITHMS.values()
        if (value := getattr(parameters, algorithm.member, None)) is not None
    ]
    trailing = _announced(request)
    if len(given) + (trailing is not None) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if trailing is not None:
        return Wanted(_agreeing(named, trailing), in_trailer=True)
    if given:
        algorithm, value = given[0]
        return Wanted(_agreeing(named, algorithm), _well_formed(algorithm, value))
    if named is not None and request.header("x-amz-sdk-checksum-algorithm") is not None:
        raise invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers"
            " were found."
        )
    return Wanted(named, chosen=True) if named is not None else Wanted(ALGORITHMS[DEFAULT], chosen=False)


def algorithm_named(name: str | None, header: str = "x-amz-checksum-algorithm") -> Algorithm | None:
    """Return the algorithm that a parameter names, None where it was not sent. Raises ServiceError."""
    return _named_algorithm(name, header)


def _named_algorithm(name: str | None, header: str) -> Algorithm | None:
    if name is None:
        return None
    algorithm = ALGORITHMS.get(name.upper())
    if algorithm is None:
        choices = ", ".join(sorted(ALGORITHMS))
        raise invalid_request(
            f"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{choices}]"
            if header == "x-amz-checksum-algorithm"
            else f"Value for {header} header is invalid."
        )
    return algorithm


def _announced(request: Request) -> Algorithm | None:
    """Return the checksum that `x-amz-trailer` announces."""
    trailer = request.header("x-amz-trailer")
    if trailer is None:
        return None
    names = [name.strip().lower() for name in trailer.split(",")]
    found = [_BY_HEADER[name] for name in names if name in _BY_HEADER]
    if len(names) != 1 or len(found) != 1:
        raise invalid_request("The value specified in the x-amz-trailer header is not supported")
    return found[0]


def _agreeing(named: Algorithm | None, used: Algorithm) -> Algorithm:
    if named is not None and named is not used:
        raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return used


def _well_formed(algorithm: Algorithm, value: str) -> str:
    if decoded(value, algorithm.size) is None:
        raise invalid_request(f"Value for {algorithm.header} header is invalid.")
    return value


def decoded(value: str, size: int) -> bytes | None:
    """Return the bytes that `value` spells in base64, or None where they are not `size` many."""
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size else None


def verified(asked: Wanted, calculated: bytes, trailers: Mapping[str, str]) -> Checksum:
    """Return the checksum of a body that came whole. Raises ServiceError where it is not the one that was sent."""
    algorithm = asked.algorithm
    value = base64.b64encode(calculated).decode("ascii")
    claimed = asked.value
    if asked.in_trailer:
        claimed = trailers.get(algorithm.header)
        if claimed is None:
            raise ServiceError("MalformedTrailerError", "The request contained trailing data that was not well-formed")
        _well_formed(algorithm, claimed)
    if claimed is not None and claimed != value:
        raise bad_checksum(algorithm)
    return Checksum(algorithm.name, value, FULL_OBJECT)


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


def upload_kind(algorithm: Algorithm, kind: str | None) -> str:
    """Return the kind of checksum that a multipart upload will have. Raises ServiceError for what does not exist."""
    possible = [COMPOSITE] * algorithm.composite + [FULL_OBJECT] * (algorithm.combine is not None)
    if kind is None:
        return possible[0]
    if kind not in {COMPOSITE, FULL_OBJECT}:
        raise invalid_argument("Value for x-amz-checksum-type header is invalid.", "x-amz-checksum-type", kind)
    if kind not in possible:
        raise invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm.name.lower()} checksum algorithm."
        )
    return kind


def combined(algorithm: Algorithm, kind: str, parts: Sequence[tuple[str, int]]) -> Checksum:
    """Return the checksum of an object made of parts with these checksums (base64) and sizes."""
    raw = [base64.b64decode(value) for value, _ in parts]
    if kind == COMPOSITE or algorithm.combine is None:
        digest = algorithm.new()
        digest.update(b"".join(raw))
        return Checksum(algorithm.name, f"{base64.b64encode(digest.digest()).decode('ascii')}-{len(parts)}", COMPOSITE)
    total = 0
    for value, (_, size) in zip(raw, parts, strict=True):
        total = algorithm.combine(total, int.from_bytes(value, "big"), size)
    whole = base64.b64encode(total.to_bytes(algorithm.size, "big")).decode("ascii")
    return Checksum(algorithm.name, whole, FULL_OBJECT)


def shown(checksum: Checksum | None) -> dict[str, str]:
    """Return the members by which an answer shows a checksum with its kind."""
    if checksum is None:
        return {}
    return {ALGORITHMS[checksum.algorithm].member: checksum.value, "checksum_type": checksum.kind}
