"""Signatures of requests, in the Authorization header or in the query: read, then checked."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache

import msgspec

from rolecall.message import Request
from rolecall.sigv4.canonical import canonical_request
from rolecall.sigv4.claim import ALGORITHM, QUERY_PARTS, authorization_parts, query_credential, query_parameters
from rolecall.sigv4.mac import Mac
from rolecall.sigv4.problem import Problem, SignatureProblem

TERMINATOR = "aws4_request"
SKEW = timedelta(minutes=15)
LONGEST = 604_800
"""The longest lifetime of a presigned request in seconds: a week."""
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

LONGEST_CREDENTIAL = 256
"""Of a credential, in characters: it is remembered by its text, so its sender must not choose how long that is."""
LONGEST_NAMES = 8192
"""Of a list of signed headers, likewise."""
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_AMZ_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z", re.ASCII)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_NUMBER = re.compile(r"[0-9]{1,18}")
_ONCE = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host", "date"})


class Scheme(Enum):
    """Where a request carries its signature. The values are those of the condition key s3:authType."""

    HEADER = "REST-HEADER"
    QUERY = "REST-QUERY-STRING"
    FORM = "POST"


class Payload(Enum):
    """How a request's body is bound to its signature."""

    HASH = "hash"
    """`x-amz-content-sha256` is the body's hash."""
    UNSIGNED = "UNSIGNED-PAYLOAD"
    SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    BODY = "body"
    """The hash is computed from the body that came (every service but S3)."""
    UNKNOWN = "unknown"
    """A value that is none of these; refused once the signature over it holds."""


_PAYLOADS = {
    payload.value: payload
    for payload in (Payload.UNSIGNED, Payload.SIGNED_CHUNKS, Payload.SIGNED_CHUNKS_TRAILER, Payload.UNSIGNED_TRAILER)
}


class Credential(msgspec.Struct, frozen=True):
    """Who signed, and the scope of the key they signed with."""

    access_key_id: str
    date: str
    """YYYYMMDD"""
    region: str
    service: str
    terminator: str

    @property
    def scope(self) -> str:
        """The scope as it stands in a string to sign."""
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


class Signed(msgspec.Struct, frozen=True):
    """What a request says about its signature; nothing of it is proved before `check`."""

    scheme: Scheme
    credential: Credential
    signed_headers: str
    """The list of header names as sent, joined by `;`."""
    signature: str
    amz_date: str
    """The moment of signing in ISO 8601's basic form."""
    moment: datetime
    expires: int | None
    token: str | None
    """The security token that goes with a temporary access key."""
    payload: Payload
    payload_hash: str
    """The last line of the canonical request; empty where it is to be computed from the body."""


def scope_service(request: Request) -> str | None:
    """Return the service that the credential scope names, None for a request that is not signed. Never raises.

    This only chooses who looks at the request; `check` holds the scope against that choice.
    """
    authorization = request.by_name.get("authorization")
    if authorization is not None:
        start = authorization.find("Credential=")
        credential = authorization[start + 11 :].partition(",")[0].strip() if start >= 0 else ""
    elif request.raw_query:
        credential = query_credential(request.raw_query)
    else:
        return None
    parts = credential.split("/")
    return parts[3] if len(parts) == 5 else None


def read(request: Request, *, service: str) -> Signed | None:
    """Return what a request says about its signature, None where it does not claim to be signed.

    Raises SignatureProblem for a claim that is incomplete, ambiguous or of a kind that is not spoken.
    """
    authorization = request.by_name.get("authorization")
    query = request.raw_query
    parameters = query_parameters(query) if query else {}
    if authorization is None and not parameters:
        token = request.by_name.get("x-amz-security-token")
        if token is not None:
            raise SignatureProblem(Problem.TOKEN_ALONE, token=token)
        return None
    if authorization is not None and parameters:
        raise SignatureProblem(Problem.TWO_MECHANISMS)
    if len(request.headers) != len(request.by_name):
        _refuse_repeated(request)
    if authorization is not None:
        return _read_header(request, authorization, is_s3=service == "s3")
    return _read_query(request, parameters, is_s3=service == "s3")


def check(
    signed: Signed,
    request: Request,
    secret_key: str,
    *,
    now: datetime,
    service: str,
    region: str | None = None,
    body_sha256: str | None = None,
) -> Mac:
    """Hold `signed` against the request as it came, and return the signing key.

    Checks scope, signed headers, signature, then time. `region`, where given, must be the scope's; `body_sha256` is
    the hash of the body where the payload is `Payload.BODY` (None: no body). Raises SignatureProblem.
    """
    is_s3 = service == "s3"
    check_scope(signed, service=service, region=region)
    names = _signed_names(signed.signed_headers)
    _check_signed_headers(names, request, is_s3=is_s3)
    payload_hash = (body_sha256 or EMPTY_SHA256) if signed.payload is Payload.BODY else signed.payload_hash
    canonical = canonical_request(request, names, signed.signed_headers, payload_hash, is_s3=is_s3)
    scope = signed.credential.scope
    string = f"{ALGORITHM}\n{signed.amz_date}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = signing_key(secret_key, signed.credential.date, signed.credential.region, signed.credential.service)
    if not is_signature_of(signed.signature, key, string):
        raise SignatureProblem(
            Problem.MISMATCH,
            canonical_request=canonical.decode("latin-1"),
            string_to_sign=string,
            provided=signed.signature,
        )
    _check_time(signed, now)
    if signed.payload is Payload.UNKNOWN:
        raise SignatureProblem(Problem.PAYLOAD_UNKNOWN, payload=signed.payload_hash)
    return key


def check_scope(signed: Signed, *, service: str, region: str | None) -> None:
    """Raise SignatureProblem unless the credential is scoped to the day of signing, `region` and `service`."""
    credential = signed.credential
    if credential.terminator != TERMINATOR:
        raise SignatureProblem(Problem.SCOPE_TERMINATOR, given=credential.terminator)
    if credential.date != signed.amz_date[:8]:
        raise SignatureProblem(Problem.SCOPE_DATE, scope=credential.date, date=signed.amz_date[:8])
    if credential.service != service:
        raise SignatureProblem(Problem.SCOPE_SERVICE, given=credential.service, expected=service)
    if region is not None and credential.region != region:
        raise SignatureProblem(Problem.SCOPE_REGION, given=credential.region, expected=region)


@lru_cache(maxsize=4096)
def signing_key(secret_key: str, date: str, region: str, service: str) -> Mac:
    """Return the key that `secret_key` signs with, on one day, in one region, for one service."""
    key = hmac.digest(f"AWS4{secret_key}".encode(), date.encode(), "sha256")
    for part in (region, service, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return Mac(key)


def is_signature_of(signature: str, key: Mac, string_to_sign: str) -> bool:
    """Tell in constant time whether `signature` is the one of `string_to_sign`."""
    expected = key.digest(string_to_sign.encode("utf-8", "surrogateescape")).hex()
    return signature.isascii() and hmac.compare_digest(signature, expected)


@lru_cache(maxsize=4096)
def parse_credential(text: str) -> Credential:
    """Cut a credential into its five parts. Raises SignatureProblem."""
    parts = text.split("/")
    if len(parts) != 5 or not parts[0] or len(text) > LONGEST_CREDENTIAL:
        raise SignatureProblem(Problem.CREDENTIAL_MALFORMED, credential=text[: 2 * LONGEST_CREDENTIAL])
    return Credential(*parts)


@lru_cache(maxsize=1024)
def parse_amz_date(text: str) -> datetime:
    """Return the moment that an `X-Amz-Date` names. Raises SignatureProblem."""
    match = _AMZ_DATE.fullmatch(text)
    try:
        if match:
            year, month, day, hour, minute, second = map(int, match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        pass
    raise SignatureProblem(Problem.DATE_MALFORMED, date=text)


def _read_header(request: Request, authorization: str, *, is_s3: bool) -> Signed:
    parts = authorization_parts(authorization)
    amz_date = request.by_name.get("x-amz-date")
    if amz_date is None:
        amz_date = _from_date_header(request, authorization)
    payload, payload_hash = Payload.BODY, ""
    if is_s3:
        declared = request.by_name.get("x-amz-content-sha256")
        if declared is None:
            raise SignatureProblem(Problem.PAYLOAD_MISSING)
        payload, payload_hash = payload_of(declared), declared
    return Signed(
        Scheme.HEADER,
        parse_credential(parts["Credential"]),
        parts["SignedHeaders"],
        parts["Signature"],
        amz_date,
        parse_amz_date(amz_date),
        None,
        request.by_name.get("x-amz-security-token"),
        payload,
        payload_hash,
    )


def _from_date_header(request: Request, authorization: str) -> str:
    """Return the Date header in the form of `X-Amz-Date`, for requests that have only it."""
    text = request.by_name.get("date")
    if text is None:
        raise SignatureProblem(Problem.DATE_MISSING, authorization=authorization)
    if _AMZ_DATE.fullmatch(text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError):
        raise SignatureProblem(Problem.DATE_MALFORMED, date=text) from None


def _read_query(request: Request, parameters: Mapping[str, str], *, is_s3: bool) -> Signed:
    algorithm = parameters.get("X-Amz-Algorithm", "")
    if algorithm not in {"", ALGORITHM}:
        raise SignatureProblem(Problem.ALGORITHM, algorithm=algorithm)
    if missing := [name for name in QUERY_PARTS if not parameters.get(name)]:
        raise SignatureProblem(Problem.QUERY_INCOMPLETE, missing=",".join(missing))
    token = parameters.get("X-Amz-Security-Token")
    other_token = request.by_name.get("x-amz-security-token")
    if token is not None and other_token is not None:
        raise SignatureProblem(Problem.REPEATED, name="X-Amz-Security-Token")
    payload, payload_hash = _query_payload(request, parameters) if is_s3 else (Payload.BODY, "")
    amz_date = parameters["X-Amz-Date"]
    return Signed(
        Scheme.QUERY,
        parse_credential(parameters["X-Amz-Credential"]),
        parameters["X-Amz-SignedHeaders"],
        parameters["X-Amz-Signature"],
        amz_date,
        parse_amz_date(amz_date),
        _lifetime(parameters["X-Amz-Expires"]),
        token if token is not None else other_token,
        payload,
        payload_hash,
    )


def _query_payload(request: Request, parameters: Mapping[str, str]) -> tuple[Payload, str]:
    """Return what a presigned S3 request says of its body: in the query, else in the header, else nothing.

    Whatever it says is what the signature must cover, so that no value leads past the signature.
    """
    in_query = parameters.get("X-Amz-Content-Sha256")
    in_header = request.by_name.get("x-amz-content-sha256")
    if in_query is not None and in_header is not None and in_query != in_header:
        raise SignatureProblem(Problem.PAYLOAD_TWICE)
    declared = in_query if in_query is not None else in_header if in_header is not None else Payload.UNSIGNED.value
    return payload_of(declared), declared


def payload_of(declared: str) -> Payload:
    """Return the way of sending a body that a value of `x-amz-content-sha256` names."""
    if _SIGNATURE.fullmatch(declared):
        return Payload.HASH
    return _PAYLOADS.get(declared, Payload.UNKNOWN)


def _lifetime(text: str) -> int:
    if text.startswith("-") and _NUMBER.fullmatch(text[1:]):
        raise SignatureProblem(Problem.EXPIRES_NEGATIVE)
    if not _NUMBER.fullmatch(text):
        raise SignatureProblem(Problem.EXPIRES_NOT_NUMBER)
    seconds = int(text)
    if seconds == 0:
        raise SignatureProblem(Problem.EXPIRES_NEGATIVE)
    if seconds > LONGEST:
        raise SignatureProblem(Problem.EXPIRES_TOO_LONG)
    return seconds


def _refuse_repeated(request: Request) -> None:
    seen = set()
    for name, _ in request.headers:
        if name in _ONCE:
            if name in seen:
                raise SignatureProblem(Problem.REPEATED, name=name)
            seen.add(name)


@lru_cache(maxsize=1024)
def _signed_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";")) if len(text) <= LONGEST_NAMES else ("",)
    if len(set(names)) != len(names) or not all(_HEADER_NAME.fullmatch(name) for name in names):
        raise SignatureProblem(Problem.SIGNED_HEADERS_MALFORMED, signed_headers=text)
    return names


def _check_signed_headers(names: tuple[str, ...], request: Request, *, is_s3: bool) -> None:
    if "host" not in names:
        raise SignatureProblem(Problem.HOST_UNSIGNED)
    by_name = request.by_name
    unsigned = [name for name in by_name if name.startswith("x-amz-") and name not in names]
    if is_s3 and "x-amz-content-sha256" in unsigned:
        unsigned.remove("x-amz-content-sha256")
    if not is_s3 and "authorization" in by_name and "x-amz-date" not in by_name and "date" not in names:
        unsigned.append("date")
    if unsigned:
        raise SignatureProblem(Problem.HEADERS_UNSIGNED, headers=", ".join(sorted(unsigned)))


def _check_time(signed: Signed, now: datetime) -> None:
    if signed.expires is None:
        if now - signed.moment > SKEW:
            raise SignatureProblem(Problem.TOO_OLD, date=signed.amz_date)
        if signed.moment - now > SKEW:
            raise SignatureProblem(Problem.TOO_NEW, date=signed.amz_date)
        return
    if signed.moment - now > SKEW:
        raise SignatureProblem(Problem.NOT_YET_VALID, date=signed.amz_date)
    if now - signed.moment > timedelta(seconds=signed.expires):
        raise SignatureProblem(Problem.EXPIRED, date=signed.amz_date, expires=str(signed.expires))
