"""What a browser is told about a bucket: which pages of which origins may send requests to it and read its answers.

It grants no right: a request that a rule lets a page send is signed, authenticated and authorized like any other.
Rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

from rolecall.buckets.bucket import bucket
from rolecall.buckets.cors import CorsGrant, cors_rules, match_cors
from rolecall.message import Headers, Request, Response, ServiceError
from rolecall.store.interface import Snapshot

_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method /"
    " Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


def preflight(view: Snapshot, name: str | None, key: str | None, request: Request) -> Response:
    """Answer an OPTIONS request about the bucket called `name`, or the object `key` in it.

    Raises ServiceError BadRequest (400) for one that is no preflight, AccessForbidden (403) where no rule fits.
    """
    origin = request.header("origin")
    method = request.header("access-control-request-method")
    if origin is None:
        raise ServiceError("BadRequest", "Insufficient information. Origin request header needed.")
    if method is None:
        raise ServiceError("BadRequest", "Invalid Access-Control-Request-Method: null")
    resource_type = "OBJECT" if key else "BUCKET"
    if name is None or bucket(view, name) is None:
        raise _forbidden("CORSResponse: Bucket not found", method, "BUCKET")
    rules = cors_rules(view, name)
    if not rules:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method, resource_type)
    headers = (request.header("access-control-request-headers") or "").split(",")
    grant = match_cors(rules, origin, method, headers)
    if grant is None:
        raise _forbidden(_NOT_ALLOWED, method, resource_type)
    return Response(200, (*_headers(grant), ("content-length", "0")))


def cors_headers(view: Snapshot, name: str | None, request: Request) -> Headers:
    """Return the headers that let the page of a request read its answer, a refusal too; none where no rule fits."""
    origin = request.header("origin")
    if origin is None or name is None:
        return ()
    grant = match_cors(cors_rules(view, name), origin, request.method)
    return () if grant is None else _headers(grant)


def _headers(grant: CorsGrant) -> tuple[tuple[str, str], ...]:
    headers = {
        "access-control-allow-origin": grant.origin,
        "access-control-allow-methods": ", ".join(grant.methods),
        "access-control-allow-headers": ", ".join(grant.headers),
        "access-control-expose-headers": ", ".join(grant.expose_headers),
        "access-control-max-age": "" if grant.max_age_seconds is None else str(grant.max_age_seconds),
        "access-control-allow-credentials": "true" if grant.credentials else "",
        "vary": _VARY,
    }
    return tuple((name, value) for name, value in headers.items() if value)


def _forbidden(message: str, method: str, resource_type: str) -> ServiceError:
    return ServiceError("AccessForbidden", message, 403, fields={"Method": method, "ResourceType": resource_type})
