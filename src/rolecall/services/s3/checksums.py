"""The checksums of objects: how a request names one, what a body is held to, and how parts combine to a whole.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from rolecall.buckets.versions import Checksum
from rolecall.message import Request, ServiceError
from rolecall.services.operation import Parameters
from rolecall.services.s3.refusals import invalid_argument, invalid_request
from rolecall.wire.checksums import ALGORITHMS, BY_HEADER, Algorithm, bad_checksum, decoded

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"

DEFAULT = "CRC64NVME"
"""What S3 calculates by itself where the client names no algorithm."""

S = TypeVar("S", bound=msgspec.Struct)


def with_checksums(struct: type[S]) -> type[S]:
    """Give the decorated struct a member for the checksum of each algorithm, named as AWS's shapes name it.

    They are read with `sent_checksum`.
    """
    members = [(algorithm.member, str | None, None) for algorithm in ALGORITHMS.values()]
    about = {"__doc__": struct.__doc__, "__module__": struct.__module__}
    made = msgspec.defstruct(struct.__name__, members, bases=(struct,), namespace=about, frozen=True, kw_only=True)
    if not issubclass(made, struct):
        raise TypeError(f"{made} is no {struct}")
    return made


def sent_checksum(parameters: msgspec.Struct, algorithm: Algorithm) -> str | None:
    """Return the checksum by this algorithm that parameters of `with_checksums` carry, None where there is none."""
    value: str | None = getattr(parameters, algorithm.member)
    return value


@dataclass(frozen=True, slots=True)
class Wanted:
    """The checksum that a body is held to: the value came with the head, or comes in the trailer, or nowhere."""

    algorithm: Algorithm
    value: str | None = None
    in_trailer: bool = False
    """The value must come behind the body."""
    chosen: bool = True
    """The client named the algorithm; else it is S3's own choice."""


def wanted(parameters: Parameters, name: str | None, request: Request) -> Wanted:
    """Return the checksum that a request with a body asks for, `name` being the algorithm it names itself.

    Raises ServiceError where it contradicts itself.
    """
    named = algorithm_named(name, "x-amz-sdk-checksum-algorithm")
    given = [
        (algorithm, value)
        for algorithm in ALGORITHMS.values()
        if (value := sent_checksum(parameters, algorithm)) is not None
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
    found = [BY_HEADER[name] for name in names if name in BY_HEADER]
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


def shown_of_part(checksum: Checksum | None) -> dict[str, str]:
    """Return the member by which an answer shows the checksum of a part, whose kind nobody asks."""
    return {} if checksum is None else {ALGORITHMS[checksum.algorithm].member: checksum.value}


def shown(checksum: Checksum | None) -> dict[str, str]:
    """Return the members by which an answer shows a checksum with its kind."""
    if checksum is None:
        return {}
    return shown_of_part(checksum) | {"checksum_type": checksum.kind}
