"""From a request's head, and a form where there is one, to its service and operation.

The path and the query are read here, once, and handed on as `Routed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from rolecall.message import Request, ServiceError
from rolecall.wire import rest_json, s3_routes
from rolecall.wire.model import OperationModel, service, services
from rolecall.wire.routed import Routed
from rolecall.wire.urlencoded import Undecodable, decode

__all__ = ["Routed", "needs_form", "route", "service_of", "spoken_by"]

FORM = "application/x-www-form-urlencoded"
_BODY_PROTOCOLS = frozenset({"query", "json"})
_JSON_PROTOCOLS = frozenset({"json", "rest-json"})


def service_of(request: Request, scope_service: str | None, base_domains: Sequence[str]) -> str:
    """Return the service a request is for, from its head alone: `scope_service` is what its credential scope names.

    Raises ServiceError where the scope names a service that is not served here.
    """
    if scope_service is None:
        return spoken_by(request, base_domains)
    if scope_service in _served():
        return scope_service
    raise _unserved(request, scope_service, spoken_by(request, base_domains))


def spoken_by(request: Request, base_domains: Sequence[str]) -> str:
    """Return the service whose protocol a request speaks, whatever its signature says; S3 where nothing else does.

    It is also whose words to use where `service_of` refuses.
    """
    at_root = request.raw_path in {b"", b"/"}
    target = request.header("x-amz-target")
    if target is not None and at_root and request.method == "POST":
        spoken = [name for name in _served() if service(name).protocol == "json"]
        return next((name for name in spoken if _operation_of_target(name, target) is not None), spoken[0])
    if not at_root or s3_routes.bucket_of_host(request.header("host"), base_domains) is not None:
        return "s3"
    query = b"&" + request.raw_query
    if request.method == "POST" and _media_type(request) == FORM:
        return _service_of_version(query)
    if request.method == "GET" and b"&Action=" in query and b"&Version=" in query:
        return _service_of_version(query)
    return "s3"


def _unserved(request: Request, scope_service: str, spoken: str) -> ServiceError:
    """Return the refusal of a credential for a service that is not served, in the words of the one it speaks to."""
    protocol = service(spoken).protocol
    if protocol == "rest-xml":
        wrong = f'incorrect service "{scope_service}". This endpoint belongs to "{spoken}".'
        if "authorization" in request.by_name:
            return ServiceError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {wrong}")
        message = f"Error parsing the X-Amz-Credential parameter; {wrong}"
        return ServiceError("AuthorizationQueryParametersError", message)
    is_json = protocol in _JSON_PROTOCOLS  # whose head says which service; a form's body does
    spoken_here = [spoken] if is_json else list(_query_services().values())
    names = " or ".join(f"'{name}'" for name in sorted(spoken_here))
    return ServiceError(
        "InvalidSignatureException" if is_json else "SignatureDoesNotMatch",
        f"Credential should be scoped to correct service: {names}. This endpoint does not serve '{scope_service}'.",
        403,
    )


def needs_form(service_name: str, request: Request) -> bool:
    """Tell whether the body is read before authentication: it names the operation, or is what was signed."""
    protocol = service(service_name).protocol
    return protocol == "rest-json" or (request.method == "POST" and protocol in _BODY_PROTOCOLS)


def route(request: Request, service_name: str, body: bytes | None, base_domains: Sequence[str]) -> Routed:
    """Return what a request asks for. `body` is its form or JSON, where `needs_form` said so.

    Raises ServiceError in the words of the service: InvalidAction, UnknownOperationException, MethodNotAllowed,
    InvalidURI and others.
    """
    protocol = service(service_name).protocol
    if protocol == "query":
        return _route_query(request, service_name, body)
    if protocol == "json":
        return _route_json(request, service_name, body)
    if protocol == "rest-json":
        return rest_json.route(request, service_name, body)
    return s3_routes.route(request, base_domains)


@lru_cache(maxsize=1)
def _served() -> tuple[str, ...]:
    return services()


@lru_cache(maxsize=1)
def _query_services() -> Mapping[str, str]:
    """Return the names of the query services by the version that a request gives."""
    found = {service(name).api_version: name for name in _served() if service(name).protocol == "query"}
    return {version: found[version] for version in sorted(found)}


def _service_of_version(query: bytes) -> str:
    """Return the query service whose version a query names; STS for a form, whose body `route` has yet to read."""
    for version, name in _query_services().items():
        if b"&Version=" + version.encode() in query:
            return name
    return "sts"


def _media_type(request: Request) -> str:
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def _route_query(request: Request, service_name: str, body: bytes | None) -> Routed:
    if request.method not in {"GET", "POST"}:
        raise ServiceError(
            "MethodNotAllowed", f"The query protocol knows GET and POST, not {request.method}.", 405, headers=_ALLOW
        )
    if request.raw_path not in {b"", b"/"}:
        raise ServiceError("UnknownOperationException", "The path of the query protocol is /.", 404)
    if body and _media_type(request) not in {FORM, ""}:
        raise ServiceError("UnknownOperationException", f"The query protocol's content type is {FORM}.", 404)
    try:
        query = decode(request.raw_query) if request.raw_query else {}
        form = decode(body) if body else {}
    except Undecodable as problem:
        raise ServiceError("MalformedQueryString", str(problem)) from None
    if query:
        if twice := form.keys() & query.keys():
            raise ServiceError("MalformedQueryString", f"The parameter {min(twice)} is given more than once.")
        form = {**query, **form}
    if not _is_signed(request, form):
        service_name = _query_services().get(form.get("Version", ""), service_name)
    return Routed(
        service_name,
        _query_operation(service_name, form),
        form=form,
        query=query,
        accept_json=accepts_json(request),
        raw_body=body,
    )


def _is_signed(request: Request, form: Mapping[str, str]) -> bool:
    return "authorization" in request.by_name or "X-Amz-Credential" in form


_ALLOW = (("allow", "GET, POST"),)


def _query_operation(service_name: str, form: Mapping[str, str]) -> OperationModel:
    action = form.get("Action")
    if not action:
        raise ServiceError("MissingAction", "The request is missing an action or a required parameter.")
    version = form.get("Version") or "NO_VERSION_SPECIFIED"
    model = service(service_name)
    operation = model.operations.named(action) if version == model.api_version else None
    if operation is None:
        raise ServiceError("InvalidAction", f"Could not find operation {action} for version {version}")
    return operation


def accepts_json(request: Request) -> bool:
    """Tell whether a client asks for JSON, which the query protocol can answer with too."""
    accept = request.header("accept")
    if accept is None or "json" not in accept:
        return False
    return any(part.partition(";")[0].strip().lower() == "application/json" for part in accept.split(","))


def _route_json(request: Request, service_name: str, body: bytes | None) -> Routed:
    if request.method != "POST":
        raise ServiceError("MethodNotAllowed", "The JSON protocol knows POST alone.", 405, headers=(("allow", "POST"),))
    operation = _operation_of_target(service_name, request.header("x-amz-target") or "")
    if operation is None:
        raise ServiceError("UnknownOperationException", "The header X-Amz-Target names no operation of this service.")
    return Routed(service_name, operation, raw_body=body)


def _operation_of_target(service_name: str, target: str) -> OperationModel | None:
    """Return the operation that an X-Amz-Target names, its prefix in full or without the package before it."""
    prefix, _, name = target.rpartition(".")
    model = service(service_name)
    if prefix not in {model.target_prefix, model.target_prefix.rpartition(".")[2]}:
        return None
    return model.operations.get(name)
