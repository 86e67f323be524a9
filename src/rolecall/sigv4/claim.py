"""Where a request says how it is signed: the parts of the Authorization header, the parameters in the query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rolecall.sigv4.canonical import decoded
from rolecall.sigv4.problem import Problem, SignatureProblem

ALGORITHM = "AWS4-HMAC-SHA256"
QUERY_PARTS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)
"""The parameters that a presigned request must have."""

_LONGEST_HEAD = 1024
"""Of what stands before the signature in an Authorization header, in characters: it is remembered by its text."""
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_AUTHENTICATION = {
    name.lower().encode(): name for name in (*QUERY_PARTS, "X-Amz-Security-Token", "X-Amz-Content-Sha256")
}
# A query in which no parameter's name can be one of ours, however it is spelled, is not looked at further.
_SUSPECT = re.compile(rb"(?:^|&)(?:x-amz-|signature(?:=|&|$)|awsaccesskeyid(?:=|&|$)|[^=&]*%)", re.IGNORECASE)


def authorization_parts(authorization: str) -> Mapping[str, str]:
    """Return Credential, SignedHeaders and Signature of an Authorization header. Raises SignatureProblem."""
    head, _, signature = authorization.rpartition("Signature=")
    if head[-1:] in {",", " "} and signature and "," not in signature and len(head) <= _LONGEST_HEAD:
        parts = _parts_but_signature(head)
        if parts is not None:
            return {**parts, "Signature": signature.rstrip(" \t")}
    return _read_parts(authorization)


@lru_cache(maxsize=1024)
def _parts_but_signature(head: str) -> Mapping[str, str] | None:
    """Return what stands before a signature that comes last; None where nothing but an error can be made of it."""
    try:
        parts = _read_parts(f"{head}Signature=x")
    except SignatureProblem:
        return None
    return {name: value for name, value in parts.items() if name != "Signature"}


def _read_parts(authorization: str) -> dict[str, str]:
    algorithm, _, rest = authorization.strip(" \t").partition(" ")
    if algorithm == "AWS":
        raise SignatureProblem(Problem.OLD_VERSION)
    if algorithm != ALGORITHM:
        raise SignatureProblem(Problem.ALGORITHM, algorithm=algorithm, authorization=authorization)
    parts: dict[str, str] = {}
    for piece in rest.split(","):
        name, equals, value = piece.strip(" \t").partition("=")
        if not name and not equals:
            continue
        if not equals or name in parts or name not in _HEADER_PARTS:
            raise SignatureProblem(Problem.HEADER_MALFORMED, authorization=authorization)
        parts[name] = value
    if missing := [name for name in _HEADER_PARTS if not parts.get(name)]:
        raise SignatureProblem(Problem.HEADER_INCOMPLETE, missing=",".join(missing), authorization=authorization)
    return parts


def query_parameters(raw: bytes) -> dict[str, str]:
    """Return the authentication parameters of a query by name.

    Raises SignatureProblem for one given twice, or in another spelling: two readers could take different ones.
    """
    if not _SUSPECT.search(raw):
        return {}
    found: dict[str, str] = {}
    for name, value, as_spelled in _listed(raw):
        if name in found:
            raise SignatureProblem(Problem.REPEATED, name=name)
        found[name] = value
        if not as_spelled:
            raise SignatureProblem(Problem.QUERY_MISSPELT, name=name)
    if not found and _is_old_query(raw):
        raise SignatureProblem(Problem.OLD_VERSION)
    return found


def query_credential(raw: bytes) -> str:
    """Return the first credential in a query, empty where there is none. Never raises."""
    if not _SUSPECT.search(raw):
        return ""
    return next((value for name, value, _ in _listed(raw) if name == "X-Amz-Credential"), "")


def _listed(raw: bytes) -> list[tuple[str, str, bool]]:
    """List (name, decoded value, whether the name is spelled as it must be) in order, repetitions included."""
    found = []
    for piece in raw.split(b"&"):
        spelled, _, value = piece.partition(b"=")
        name = _AUTHENTICATION.get(decoded(spelled).lower())
        if name is not None:
            found.append((name, decoded(value).decode("utf-8", "surrogateescape"), spelled == name.encode()))
    return found


def _is_old_query(raw: bytes) -> bool:
    names = {decoded(piece.partition(b"=")[0]) for piece in raw.split(b"&")}
    return {b"AWSAccessKeyId", b"Signature"} <= names
