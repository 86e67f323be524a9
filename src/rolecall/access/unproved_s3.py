"""Requests whose caller could not be proved, refused in S3's words.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from rolecall.access.context import iso
from rolecall.access.credentials import CredentialProblem, Unproved
from rolecall.access.unproved import ONE_MECHANISM
from rolecall.message import ServiceError
from rolecall.sigv4.problem import Problem, SignatureProblem, readable
from rolecall.sigv4.signature import SKEW, Scheme, Signed, parse_amz_date

Detail = Mapping[str, str]

_UNSUPPORTED = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_ALL_PARAMETERS = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date,"
    " X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)
_THREE_PARTS = "the authorization header requires three components: Credential, SignedHeaders, and Signature."
_FIVE_PARTS = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
_TOO_LONG = (
    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800"
    " seconds"
)
_PAYLOADS = (
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
    " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_LENGTH = "You did not provide the number of bytes specified by the Content-Length HTTP header."
_TRAILER = "The request contained trailing data that was not well-formed or did not conform to our published schema."
_SMALL = "Only the last chunk is allowed to have a size less than 8192 bytes"
_UNSIGNED = "There were headers present in the request which were not signed"
_DATE_HEADER = "AWS authentication requires a valid Date or x-amz-date header"
_DATE_PARAMETER = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
_QUERY_ERROR = "AuthorizationQueryParametersError"


def credentials_refused(problem: CredentialProblem) -> ServiceError:
    """Return the refusal of credentials that stand for nobody."""
    token = {"Token-0": readable(problem.token or "")}
    if problem.kind is Unproved.TOKEN:
        text = "The provided token is malformed or otherwise invalid."
        return ServiceError("InvalidToken", text, 400, fields=token, reason=problem.why)
    if problem.kind is Unproved.EXPIRED:
        return ServiceError("ExpiredToken", "The provided token has expired.", 400, fields=token, reason=problem.why)
    text = "The AWS Access Key Id you provided does not exist in our records."
    fields = {"AWSAccessKeyId": readable(problem.access_key_id)}
    return ServiceError("InvalidAccessKeyId", text, 403, fields=fields, reason=problem.why)


def signature_refused(
    problem: SignatureProblem, *, scheme: Scheme, signed: Signed | None, now: datetime
) -> ServiceError:
    """Return the refusal of a signature that does not hold; `signed` as far as it could be read."""
    kind, detail = problem.kind, problem.readable
    if kind in _PLAIN:
        code, text, status = _PLAIN[kind]
        return ServiceError(code, text, status)
    if kind is Problem.MISMATCH:
        return _mismatch(problem.detail, signed)
    if kind in _TIMELY:
        return _TIMELY[kind](detail, now)
    if kind in _SCOPED:
        return _scope(kind, detail, scheme)
    return _WITH_DETAIL[kind](detail, scheme)


def body_refused(problem: SignatureProblem, signed: Signed | None) -> ServiceError:
    """Return the refusal of a body that is not what its signature, or the request, says of it."""
    detail = problem.readable
    if problem.kind is Problem.CHUNK_MISMATCH:
        return _mismatch(problem.detail, signed)
    if problem.kind in _PLAIN:
        return ServiceError(*_PLAIN[problem.kind])
    return _WITH_DETAIL[problem.kind](detail, Scheme.HEADER)


_PLAIN = {
    Problem.TWO_MECHANISMS: ("InvalidArgument", ONE_MECHANISM, 400),
    Problem.OLD_VERSION: ("InvalidRequest", _UNSUPPORTED, 400),
    Problem.TOKEN_ALONE: ("AccessDenied", "Access Denied", 403),
    Problem.QUERY_INCOMPLETE: (_QUERY_ERROR, _ALL_PARAMETERS, 400),
    Problem.QUERY_MISSPELT: (_QUERY_ERROR, _ALL_PARAMETERS, 400),
    Problem.EXPIRES_NOT_NUMBER: (_QUERY_ERROR, "X-Amz-Expires should be a number", 400),
    Problem.EXPIRES_NEGATIVE: (_QUERY_ERROR, "X-Amz-Expires must be non-negative", 400),
    Problem.EXPIRES_TOO_LONG: (_QUERY_ERROR, _TOO_LONG, 400),
    Problem.PAYLOAD_MISSING: (
        "InvalidRequest",
        "Missing required header for this request: x-amz-content-sha256",
        400,
    ),
    Problem.PAYLOAD_TWICE: ("InvalidRequest", "x-amz-content-sha256 was given twice with different values.", 400),
    Problem.NOT_YET_VALID: ("AccessDenied", "Request is not yet valid", 403),
    Problem.CHUNK_FRAMING: ("IncompleteBody", "The request body terminated unexpectedly", 400),
    Problem.LENGTH: ("IncompleteBody", _LENGTH, 400),
    Problem.TRAILER_MALFORMED: ("MalformedTrailerError", _TRAILER, 400),
    Problem.POLICY_EXPIRED: ("AccessDenied", "Invalid according to Policy: Policy expired.", 403),
}


def _mismatch(detail: Detail, signed: Signed | None) -> ServiceError:
    string_to_sign = detail["string_to_sign"].encode("utf-8", "surrogateescape")
    fields = {
        "AWSAccessKeyId": readable(signed.credential.access_key_id) if signed else "",
        "StringToSign": readable(detail["string_to_sign"]),
        "SignatureProvided": readable(detail["provided"]),
        "StringToSignBytes": string_to_sign.hex(" "),
    }
    if "canonical_request" in detail:
        canonical = detail["canonical_request"].encode("latin-1")
        fields["CanonicalRequest"] = canonical.decode("utf-8", "replace")
        fields["CanonicalRequestBytes"] = canonical.hex(" ")
    return ServiceError("SignatureDoesNotMatch", _MISMATCH, 403, fields=fields)


def _skewed(detail: Detail, now: datetime) -> ServiceError:
    fields = {
        "RequestTime": detail["date"],
        "ServerTime": iso(now),
        "MaxAllowedSkewMilliseconds": str(int(SKEW.total_seconds() * 1000)),
    }
    text = "The difference between the request time and the current time is too large."
    return ServiceError("RequestTimeTooSkewed", text, 403, fields=fields)


def _expired(detail: Detail, now: datetime) -> ServiceError:
    end = parse_amz_date(detail["date"]) + timedelta(seconds=int(detail["expires"]))
    fields = {"X-Amz-Expires": detail["expires"], "Expires": iso(end), "ServerTime": iso(now)}
    return ServiceError("AccessDenied", "Request has expired", 403, fields=fields)


_TIMELY: Mapping[Problem, Callable[[Detail, datetime], ServiceError]] = {
    Problem.TOO_OLD: _skewed,
    Problem.TOO_NEW: _skewed,
    Problem.EXPIRED: _expired,
}


def _malformed(text: str, scheme: Scheme, fields: Detail | None = None) -> ServiceError:
    """Return the refusal of a part of the credential, which depends on where it stands."""
    if scheme is Scheme.HEADER:
        head = "The authorization header is malformed; "
        return ServiceError("AuthorizationHeaderMalformed", head + text, 400, fields=fields)
    if scheme is Scheme.QUERY:
        head = "Error parsing the X-Amz-Credential parameter; "
        return ServiceError(_QUERY_ERROR, head + text, 400, fields=fields)
    return _argument(f"Error parsing the X-Amz-Credential field; {text}", "X-Amz-Credential", "")


_SCOPED = {
    Problem.SCOPE_DATE: 'Invalid credential date "{scope}". This date is not the same as X-Amz-Date: "{date}".',
    Problem.SCOPE_REGION: "the region '{given}' is wrong; expecting '{expected}'",
    Problem.SCOPE_SERVICE: 'incorrect service "{given}". This endpoint belongs to "{expected}".',
    Problem.SCOPE_TERMINATOR: 'incorrect terminal "{given}". This endpoint uses "aws4_request".',
}


def _scope(kind: Problem, detail: Detail, scheme: Scheme) -> ServiceError:
    fields = {"Region": detail["expected"]} if kind is Problem.SCOPE_REGION else None
    return _malformed(_SCOPED[kind].format(**detail), scheme, fields)


def _header(detail: Detail, _: Scheme) -> ServiceError:
    if not detail["authorization"].strip():
        return ServiceError("AccessDenied", "Access Denied", 403)
    return ServiceError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {_THREE_PARTS}", 400)


def _algorithm(detail: Detail, scheme: Scheme) -> ServiceError:
    if scheme is Scheme.QUERY:
        return ServiceError(_QUERY_ERROR, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"', 400)
    if scheme is Scheme.FORM or detail["algorithm"].startswith("AWS"):
        return ServiceError("InvalidRequest", _UNSUPPORTED, 400)
    if not detail["algorithm"]:
        return ServiceError("AccessDenied", "Access Denied", 403)
    return _argument("Unsupported Authorization Type", "Authorization", detail["authorization"])


def _date(_: Detail, scheme: Scheme) -> ServiceError:
    if scheme is Scheme.HEADER:
        return ServiceError("AccessDenied", _DATE_HEADER, 403)
    return ServiceError(_QUERY_ERROR, _DATE_PARAMETER, 400)


def _form_incomplete(detail: Detail, _: Scheme) -> ServiceError:
    name = detail["missing"].title() if detail["missing"].startswith("x-amz-") else detail["missing"]
    text = (
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    )
    return _argument(text, name, "")


def _argument(text: str, name: str, value: str) -> ServiceError:
    return ServiceError("InvalidArgument", text, 400, fields={"ArgumentName": name, "ArgumentValue": value})


def _small_chunk(detail: Detail, _: Scheme) -> ServiceError:
    fields = {"Chunk": detail["chunk"], "BadChunkSize": detail["size"]}
    return ServiceError("InvalidChunkSizeError", _SMALL, 403, fields=fields)


def _refused_by_policy(text: str) -> ServiceError:
    return ServiceError("AccessDenied", f"Invalid according to Policy: {text}", 403)


_WITH_DETAIL: Mapping[Problem, Callable[[Detail, Scheme], ServiceError]] = {
    Problem.REPEATED: lambda detail, _: ServiceError(
        "InvalidRequest", f"{detail['name']} must be given no more than once.", 400
    ),
    Problem.ALGORITHM: _algorithm,
    Problem.HEADER_INCOMPLETE: _header,
    Problem.HEADER_MALFORMED: _header,
    Problem.FORM_INCOMPLETE: _form_incomplete,
    Problem.CREDENTIAL_MALFORMED: lambda _, scheme: _malformed(_FIVE_PARTS, scheme),
    Problem.SIGNED_HEADERS_MALFORMED: lambda _, scheme: (
        ServiceError(_QUERY_ERROR, "X-Amz-SignedHeaders is mal-formed.", 400)
        if scheme is Scheme.QUERY
        else ServiceError(
            "AuthorizationHeaderMalformed", "The authorization header is malformed; SignedHeaders is mal-formed.", 400
        )
    ),
    Problem.DATE_MISSING: _date,
    Problem.DATE_MALFORMED: _date,
    Problem.HOST_UNSIGNED: lambda *_: ServiceError("AccessDenied", _UNSIGNED, 403, fields={"HeadersNotSigned": "host"}),
    Problem.HEADERS_UNSIGNED: lambda detail, _: ServiceError(
        "AccessDenied", _UNSIGNED, 403, fields={"HeadersNotSigned": detail["headers"]}
    ),
    Problem.PAYLOAD_UNKNOWN: lambda detail, _: _argument(_PAYLOADS, "x-amz-content-sha256", detail["payload"]),
    Problem.CHUNK_SMALL: _small_chunk,
    Problem.CHUNK_LARGE: lambda *_: ServiceError(
        "InvalidRequest", "A signed chunk must not be larger than 16777216 bytes.", 400
    ),
    Problem.POLICY_UNREADABLE: lambda detail, _: ServiceError("InvalidPolicyDocument", detail["message"], 400),
    Problem.POLICY_FAILED: lambda detail, _: _refused_by_policy(f"Policy Condition failed: {detail['condition']}"),
    Problem.POLICY_EXTRA: lambda detail, _: _refused_by_policy(f"Extra input fields: {detail['field']}"),
}
