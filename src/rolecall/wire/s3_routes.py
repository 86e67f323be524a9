"""Which of S3's operations a request asks for: by method, by bucket and key, by query keys and a few headers.

The table is made from the model. Operations at one place are told apart by the query parameters and headers that the
model requires of one of them (`uploadId`, `id`, `x-amz-copy-source`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rolecall.message import Request, ServiceError
from rolecall.wire.model import OperationModel, service
from rolecall.wire.routed import Routed
from rolecall.wire.urlencoded import Undecodable, decode, decode_path

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_LEVELS = {"/": "service", "/{Bucket}": "bucket", "/{Bucket}/{Key+}": "object"}
_UNPLACED = frozenset({"PostObject", "WriteGetObjectResponse", "ListDirectoryBuckets"})
"""Operations that are not found by method, place and query."""
_CHOOSING = frozenset({"list-type", "select-type"})
"""Constants in the model's URIs that choose among operations but are no subresources."""
_TELLING = frozenset({"id", "annotationName", "uploadId", "partNumber", "x-amz-copy-source"})
"""Required parameters and headers that tell one operation from another at the same place."""
_MAKING = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
"""Operations that make a version, and whose caller cannot say which."""

_LAMBDA_PATH = b"/WriteGetObjectResponse"
"""The one path that is no bucket; its Host names a route."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An operation at its place, and what a request must have to mean it."""

    operation: OperationModel
    constants: tuple[tuple[str, str], ...]
    parameters: tuple[str, ...]
    headers: tuple[str, ...]

    def fits(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Tell whether a request has all that this operation asks for."""
        return (
            all(query.get(name) == value for name, value in self.constants)
            and all(name in query for name in self.parameters)
            and all(name in headers for name in self.headers)
        )

    @property
    def demands(self) -> int:
        """How much it asks for: who asks for more is asked first."""
        return len(self.constants) + len(self.parameters) + len(self.headers)


@dataclass(frozen=True, slots=True)
class _Table:
    """The operations by level, method and subresource (empty: none), the most demanding first."""

    candidates: Mapping[tuple[str, str, str], tuple[_Candidate, ...]]
    subresources: frozenset[str]

    def methods(self, level: str, subresource: str) -> list[str]:
        """Return the methods that a place knows."""
        return sorted({method for where, method, name in self.candidates if (where, name) == (level, subresource)})


@lru_cache(maxsize=1)
def _table() -> _Table:
    found: dict[tuple[str, str, str], list[_Candidate]] = {}
    for operation in service("s3").operations.values():
        if operation.name in _UNPLACED:
            continue
        path, _, constants = operation.uri.partition("?")
        names = decode(constants.encode())
        candidate = _candidate(operation, names)
        subresource = next((name for name in names if name not in _CHOOSING), "")
        if "uploadId" in candidate.parameters:
            subresource = "uploadId"
        found.setdefault((_LEVELS[path], operation.method, subresource), []).append(candidate)
    placed = {place: tuple(sorted(group, key=lambda one: -one.demands)) for place, group in found.items()}
    return _Table(placed, frozenset(name for _, _, name in placed if name))


def _candidate(operation: OperationModel, constants: Mapping[str, str]) -> _Candidate:
    shape = operation.input
    telling = [
        member
        for member in (shape.members.values() if shape else ())
        if shape and member.snake in shape.required and member.wire_name in _TELLING
    ]
    return _Candidate(
        operation,
        tuple((name, value) for name, value in constants.items() if name in _CHOOSING),
        tuple(member.wire_name for member in telling if member.location == "querystring"),
        tuple(member.wire_name for member in telling if member.location == "header"),
    )


def bucket_of_host(host: str | None, base_domains: Sequence[str]) -> str | None:
    """Return the bucket that a Host header names under one of the base domains, in lower case; None where it does not.

    What comes back is what stood there: it need not be a bucket's name.
    """
    if not host or not base_domains:
        return None
    name = host.lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() and ":" in name else name
    name = name.removesuffix(".")
    bucket: str | None = None
    for domain in base_domains:
        ending = f".{domain.lower()}"
        if name.endswith(ending) and (bucket is None or len(name) - len(ending) < len(bucket)):
            bucket = name[: -len(ending)]
        elif name == ending[1:]:
            return None
    return bucket


def route(request: Request, base_domains: Sequence[str]) -> Routed:
    """Return the operation of S3 that a request asks for, its bucket and its key.

    Raises ServiceError InvalidURI, InvalidBucketName, InvalidArgument, InvalidRequest or MethodNotAllowed.
    """
    query = _query(request)
    if request.raw_path == _LAMBDA_PATH and request.method == "POST" and "x-amz-request-route" in request.by_name:
        return Routed("s3", _operation("WriteGetObjectResponse"), query=query)
    bucket, key = place(request, base_domains)
    if bucket is None:
        operation = _find("service", request, query)
    else:
        form_post = _form_post(request, query) if request.method == "POST" and not key else None
        operation = _find("object" if key else "bucket", request, query) if form_post is None else form_post
    return Routed("s3", operation, bucket, key, query=query)


def place(request: Request, base_domains: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the bucket and the key that a request is about, whatever its method.

    The path is cut at its slashes before it is decoded.
    Raises ServiceError InvalidURI or InvalidBucketName.
    """
    raw = request.raw_path
    if raw and not raw.startswith(b"/"):
        raise _invalid_uri(request, "The path must begin with a slash.")
    bucket = bucket_of_host(request.header("host"), base_domains)
    try:
        if bucket is not None:
            key = decode_path(raw[1:])
        elif len(raw) <= 1:
            return None, None
        else:
            first, _, rest = raw[1:].partition(b"/")
            bucket, key = decode_path(first), decode_path(rest)
    except Undecodable as problem:
        raise _invalid_uri(request, str(problem)) from None
    if not _BUCKET.fullmatch(bucket):
        raise ServiceError("InvalidBucketName", "The specified bucket is not valid.", fields={"BucketName": bucket})
    return bucket, key or None


def _operation(name: str) -> OperationModel:
    return service("s3").operations[name]


def _query(request: Request) -> dict[str, str]:
    if not request.raw_query:
        return {}
    try:
        return decode(request.raw_query)
    except Undecodable as problem:
        raise _invalid_uri(request, str(problem)) from None


def _invalid_uri(request: Request, detail: str) -> ServiceError:
    target = request.raw_path + (b"?" + request.raw_query if request.raw_query else b"")
    shown = target[:1024].decode("latin-1")
    return ServiceError("InvalidURI", "Couldn't parse the specified URI.", fields={"URI": shown, "Detail": detail})


def _find(level: str, request: Request, query: Mapping[str, str]) -> OperationModel:
    table = _table()
    named = sorted(table.subresources & query.keys()) if query else []
    if len(named) > 1:
        raise _invalid_argument(f"Conflicting query string parameters: {', '.join(named)}", "ResourceType", named[0])
    subresource = named[0] if named else ""
    for candidate in table.candidates.get((level, request.method, subresource), ()):
        if candidate.fits(query, request.by_name):
            return _unless_misled(candidate.operation, query)
    raise _unplaced(level, subresource, request, query)


def _form_post(request: Request, query: Mapping[str, str]) -> OperationModel | None:
    """Return PostObject for a browser's form, None for a POST on a bucket's subresource; refuse anything else."""
    if _table().subresources & query.keys():
        return None
    if (request.header("content-type") or "").partition(";")[0].strip().lower() == "multipart/form-data":
        return _operation("PostObject")
    raise ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        fields={"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
    )


def _unless_misled(operation: OperationModel, query: Mapping[str, str]) -> OperationModel:
    """Return the operation, unless a parameter says that another one was meant."""
    if not query:
        return operation
    if operation.name == "ListObjects" and "list-type" in query:
        raise _invalid_argument("Invalid List Type parameter", "list-type", query["list-type"])
    if operation.name in {"PutObject", "CopyObject"} and "partNumber" in query:
        raise _invalid_argument(
            "This operation does not accept partNumber without uploadId", "partNumber", query["partNumber"]
        )
    if operation.name in _MAKING and "versionId" in query:
        raise _invalid_argument("This operation does not accept a version-id.", "versionId", query["versionId"])
    if operation.name == "ListBuckets" and (
        "max-directory-buckets" in query or query.get("x-id") == "ListDirectoryBuckets"
    ):
        return _operation("ListDirectoryBuckets")
    return operation


def _unplaced(level: str, subresource: str, request: Request, query: Mapping[str, str]) -> ServiceError:
    """Return the refusal of a request that no operation fits, in S3's words."""
    table, method = _table(), request.method
    if candidates := table.candidates.get((level, method, subresource)):
        if subresource == "uploadId":
            return _invalid_argument(
                "This operation does not accept uploadId without partNumber", "uploadId", query["uploadId"]
            )
        if "select-type" in query:
            return _invalid_argument("Unknown select-type", "select-type", query["select-type"])
        names = [name for name, _ in candidates[-1].constants] + list(candidates[-1].parameters)
        missing = next(name for name in names if name not in query)
        return ServiceError("InvalidRequest", f"Missing required parameter for this request: '{missing}'")
    if level == "object" and subresource and ("bucket", method, subresource) in table.candidates:
        return ServiceError("InvalidRequest", f"Key is not expected for the {method} method ?{subresource} subresource")
    if level == "bucket" and subresource and ("object", method, subresource) in table.candidates:
        return ServiceError("InvalidRequest", "A key must be specified")
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        fields={"Method": method, "ResourceType": (subresource or level).upper()},
        headers=(("allow", ", ".join(table.methods(level, subresource))),),
    )


def _invalid_argument(message: str, name: str, value: str) -> ServiceError:
    return ServiceError("InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value})
