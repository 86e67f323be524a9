"""Requests whose caller could not be proved, refused in the words of IAM, STS and the services that speak JSON."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from rolecall.access.credentials import CredentialProblem, Unproved
from rolecall.message import ServiceError
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import SKEW

Detail = Mapping[str, str]

_QUERY_PROTOCOL = frozenset({"iam", "sts"})
_JSON_CODES = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "IncompleteSignature": "IncompleteSignatureException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
}
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
_MUST_BE_SIGNED = "must be a 'SignedHeader' in the AWS Authorization."
ONE_MECHANISM = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the"
    " Authorization header should be specified"
)
_NEEDS_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."


def missing_authentication(service: str) -> ServiceError:
    """Return the refusal of an unsigned request to an operation that needs a signature."""
    return _spoken(service, "MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def credentials_refused(problem: CredentialProblem, service: str) -> ServiceError:
    """Return the refusal of credentials that stand for nobody. It does not tell unknown keys from bad tokens."""
    if problem.kind is Unproved.EXPIRED:
        text = "The security token included in the request is expired"
        return _spoken(service, "ExpiredToken", text, 403, problem.why)
    text = "The security token included in the request is invalid."
    return _spoken(service, "InvalidClientTokenId", text, 403, problem.why)


def signature_refused(problem: SignatureProblem, service: str, *, now: datetime) -> ServiceError:
    """Return the refusal of a signature that does not hold, or cannot be read."""
    kind, detail = problem.kind, problem.readable
    if kind is Problem.TWO_MECHANISMS:
        return ServiceError("InvalidArgument", ONE_MECHANISM, 400)
    if kind is Problem.TOKEN_ALONE or not detail.get("authorization", "-").strip():
        return missing_authentication(service)
    if kind in _WRONG:
        return _spoken(service, "SignatureDoesNotMatch", _WRONG[kind](detail), 403)
    if kind in _UNTIMELY:
        return _spoken(service, "SignatureDoesNotMatch", _UNTIMELY[kind](detail, now), 403)
    return _spoken(service, "IncompleteSignature", _INCOMPLETE[kind](detail), 400)


def _spoken(service: str, code: str, text: str, status: int, reason: str = "") -> ServiceError:
    if service not in _QUERY_PROTOCOL:
        code, status = _JSON_CODES[code], 400
    return ServiceError(code, text, status, reason=reason)


_WRONG: Mapping[Problem, Callable[[Detail], str]] = {
    Problem.MISMATCH: lambda _: _MISMATCH,
    Problem.SCOPE_SERVICE: lambda detail: f"Credential should be scoped to correct service: '{detail['expected']}'.",
    Problem.SCOPE_REGION: lambda _: "Credential should be scoped to a valid region. ",
    Problem.SCOPE_TERMINATOR: lambda _: "Credential should be scoped with a valid terminator: 'aws4_request'.",
    Problem.SCOPE_DATE: lambda _: (
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
    ),
    Problem.HOST_UNSIGNED: lambda _: f"'Host' or ':authority' {_MUST_BE_SIGNED}",
    Problem.HEADERS_UNSIGNED: lambda detail: " ".join(
        f"'{name}' {_MUST_BE_SIGNED}" for name in detail["headers"].split(", ")
    ),
}


def _too_old(detail: Detail, now: datetime) -> str:
    window = timedelta(seconds=int(detail["expires"])) if "expires" in detail else SKEW
    return (
        f"Signature expired: {detail['date']} is now earlier than {_basic(now - window)}"
        f" ({_basic(now)} - {_length(window)})"
    )


def _too_new(detail: Detail, now: datetime) -> str:
    return (
        f"Signature not yet current: {detail['date']} is still later than {_basic(now + SKEW)}"
        f" ({_basic(now)} + {_length(SKEW)})"
    )


_UNTIMELY: Mapping[Problem, Callable[[Detail, datetime], str]] = {
    Problem.TOO_OLD: _too_old,
    Problem.EXPIRED: _too_old,
    Problem.TOO_NEW: _too_new,
    Problem.NOT_YET_VALID: _too_new,
}


def _header_incomplete(detail: Detail) -> str:
    wants = [f"Authorization header requires '{name}' parameter." for name in detail["missing"].split(",")]
    return f"{' '.join(wants)} {_hashed(detail['authorization'])}"


def _query_incomplete(detail: Detail) -> str:
    wants = [f"AWS query-string parameters must include '{name}'." for name in detail["missing"].split(",")]
    return f"{' '.join(wants)} Re-examine the query-string parameters."


def _misspelt(detail: Detail) -> str:
    return f"AWS query-string parameters must include '{detail['name']}'. Re-examine the query-string parameters."


def _expires(_: Detail) -> str:
    return "X-Amz-Expires must be a number of seconds from 1 to 604800."


_INCOMPLETE: Mapping[Problem, Callable[[Detail], str]] = {
    Problem.REPEATED: lambda detail: f"'{detail['name']}' must be given no more than once.",
    Problem.OLD_VERSION: lambda _: "Unsupported AWS 'algorithm': 'AWS' (only AWS4-HMAC-SHA256 for now). ",
    Problem.ALGORITHM: lambda detail: (
        f"Unsupported AWS 'algorithm': '{detail['algorithm']}' (only AWS4-HMAC-SHA256 for now). "
    ),
    Problem.HEADER_INCOMPLETE: _header_incomplete,
    Problem.HEADER_MALFORMED: lambda detail: (
        f"Authorization header is not a list of key=value pairs. {_hashed(detail['authorization'])}"
    ),
    Problem.QUERY_INCOMPLETE: _query_incomplete,
    Problem.QUERY_MISSPELT: _misspelt,
    Problem.CREDENTIAL_MALFORMED: lambda detail: (
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got"
        f" '{detail['credential']}'"
    ),
    Problem.SIGNED_HEADERS_MALFORMED: lambda detail: (
        f"'SignedHeaders' must be a list of header names, got '{detail['signed_headers']}'"
    ),
    Problem.DATE_MISSING: lambda detail: f"{_NEEDS_DATE} {_hashed(detail['authorization'])}",
    Problem.DATE_MALFORMED: lambda detail: (
        f"Date must be in ISO-8601 'basic format'. Got '{detail['date']}'. See http://en.wikipedia.org/wiki/ISO_8601"
    ),
    Problem.EXPIRES_NOT_NUMBER: _expires,
    Problem.EXPIRES_NEGATIVE: _expires,
    Problem.EXPIRES_TOO_LONG: _expires,
}


def _hashed(authorization: str) -> str:
    digest = base64.b64encode(hashlib.sha256(authorization.encode()).digest()).decode()
    return f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}"


def _basic(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _length(window: timedelta) -> str:
    seconds = int(window.total_seconds())
    return f"{seconds // 60} min." if seconds % 60 == 0 else f"{seconds} sec."
