"""The life of a request: route, authenticate, parse, authorize, invoke, answer, record.

The whole of it stands in `Gateway._journey`. Each stage hands a frozen value to the next; `Allowed` comes only from the
authorizer, and is asked once more, at run time, whether it is for this request and this operation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from rolecall.access.allowed import Allowed
from rolecall.access.audit import Happened
from rolecall.access.authenticate import Authenticated, KnownCredentials, authenticate, read_all
from rolecall.access.authorize import Denied, admit, authorize, decisions_of
from rolecall.access.cors import cors_headers, preflight
from rolecall.access.form_upload import open_form
from rolecall.access.gather import Lookups
from rolecall.access.uses import Uses
from rolecall.clock import Clock
from rolecall.config import Settings
from rolecall.identifiers import new_host_id, new_request_id, new_short_request_id
from rolecall.message import Request, Response, ServiceError
from rolecall.objects.interface import Objects, ObjectsUnavailable
from rolecall.services.operation import Call, Declared, Manner, Payload, Registry, Result, Streams
from rolecall.sigv4.signature import scope_service
from rolecall.store.interface import Snapshot, Store, StoreBusy, StoreError, StoreUnavailable
from rolecall.trail import Trail
from rolecall.wire.hoisted import with_hoisted_headers
from rolecall.wire.rest_xml import parse_form
from rolecall.wire.route import Routed, needs_form, route, service_of, spoken_by
from rolecall.wire.s3_routes import place
from rolecall.wire.speech import refusal, speech_of

MAX_DOCUMENT = 4 * 1024 * 1024
"""The largest request document of S3: a list of 10,000 parts, or of 1,000 keys to delete."""

MAX_STRANGERS = 256 * 1024
"""The largest document of S3 that is read for a caller who proved nothing."""

WORTH_A_THREAD = 64 * 1024
"""From this size on a document is taken apart beside the loop, so that one sender's holds nobody else up."""

FORM_UPLOAD = "PostObject"
"""The one operation whose parameters and proof are fields of an HTML form."""

_log = logging.getLogger("rolecall.gateway")


@dataclass(slots=True)
class _Trace:
    """How far a request came and what each stage made of it, for the trail."""

    sent: Request
    """As it came, which is what was signed."""
    service: str
    request_id: str
    now: datetime
    request: Request
    """As it is understood: a presigned URL's headers are among its headers."""
    routed: Routed | None = None
    proof: Authenticated | None = None
    parameters: Mapping[str, object] | None = None
    allowed: Allowed | None = None
    result: Result | None = None


class _Opened(msgspec.Struct, frozen=True):
    """A request whose sender is known, whose parameters are read, and whose object bytes still wait."""

    proof: Authenticated
    parameters: Mapping[str, object]
    payload: Payload


class Gateway:
    """Answers requests. One a process."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        objects: Objects,
        trail: Trail,
        uses: Uses,
        clock: Clock,
        settings: Settings,
        account: str,
    ) -> None:
        """Serve the operations of `registry`. Events of nobody's account are written down for `account`."""
        self._registry = registry
        self._store = store
        self._objects = objects
        self._trail = trail
        self._uses = uses
        self._clock = clock
        self._settings = settings
        self._account = account
        self._lookups = Lookups()
        self._known = KnownCredentials()

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever it is. Never raises but for cancellation."""
        service, error = self._addressed(request)
        request_id = new_short_request_id() if service == "s3" else new_request_id()
        trace = _Trace(request, service, request_id, self._clock.now(), request)
        if error is None:
            try:
                response = await self._journey(trace)
            except ServiceError as refused:
                error = refused
            except (StoreBusy, StoreUnavailable, ObjectsUnavailable) as trouble:
                error = ServiceError("ServiceUnavailable", "Please reduce your request rate.", 503, reason=str(trouble))
                _log.error("request %s is put off: %s", request_id, trouble)
            except Exception:  # noqa: BLE001 - whatever breaks, the client hears it in its own protocol, the log hears all
                error = ServiceError("InternalFailure", "We encountered an internal error. Please try again.", 500)
                _log.exception("request %s failed", request_id)
        if error is not None:
            response = refusal(trace.service, request, error, request_id=request_id, host_id=new_host_id())
        self._record(trace, response.status, error)
        return self._with_cors(trace, response)

    async def _journey(self, trace: _Trace) -> Response:
        """Take a request through its stages."""
        domains = self._settings.base_domains
        request = trace.request = with_hoisted_headers(trace.sent) if trace.service == "s3" else trace.sent
        if trace.service == "s3" and request.method == "OPTIONS":
            return self._preflight(request)
        speech = speech_of(trace.service)
        body = await read_all(request.body, self._settings.max_form) if needs_form(trace.service, request) else None
        trace.routed = routed = route(request, trace.service, body, domains)
        trace.service = service = routed.service  # an unsigned form says in its body which service it is for
        operation = self._registry.find(service, routed.operation.name)
        opened = await (
            self._open_form(trace, routed)
            if operation.name == FORM_UPLOAD
            else self._open(trace, routed, operation, body)
        )
        call = operation.call(opened.parameters)
        manner = call.manner
        with self._store.view() as view:
            trace.allowed = allowed = self._authorize(trace, opened.proof, operation, call, view)
            result = call.read(allowed, view) if manner is Manner.READ else None
        if result is None:
            result = await self._invoke(operation, manner, call, allowed, opened.payload)
        trace.result = result
        return speech.answer(routed, result, request_id=trace.request_id, host_id=new_host_id())

    def _preflight(self, request: Request) -> Response:
        """Answer a browser that asks what it may send. It is nobody's request yet: nothing is signed or allowed."""
        bucket, key = place(request, self._settings.base_domains)
        with self._store.view() as view:
            return preflight(view, bucket, key, request)

    def _with_cors(self, trace: _Trace, response: Response) -> Response:
        """Return the answer, a refusal too, with what lets the page that asked read it, by its bucket's rules."""
        if trace.routed is None or trace.routed.bucket is None or trace.request.header("origin") is None:
            return response
        try:
            with self._store.view() as view:
                headers = cors_headers(view, trace.routed.bucket, trace.request)
        except StoreError:
            return response
        return replace(response, headers=(*response.headers, *headers)) if headers else response

    def _addressed(self, request: Request) -> tuple[str, ServiceError | None]:
        """Return the service a request is for, or the one in whose words to refuse it, with the refusal."""
        try:
            return service_of(request, scope_service(request), self._settings.base_domains), None
        except ServiceError as error:
            return spoken_by(request, self._settings.base_domains), error

    async def _open(self, trace: _Trace, routed: Routed, operation: Declared, body: bytes | None) -> _Opened:
        """Authenticate, and parse: what the head says, and a document once its hash has held. Object bytes wait."""
        with self._store.view() as view:
            trace.proof = proof = authenticate(
                trace.sent,
                service=trace.service,
                body=body,
                view=view,
                now=trace.now,
                known=self._known,
                region=self._settings.region,
            )
        admit(proof.caller, f"{operation.service}:{operation.name}", unsigned=operation.unsigned)
        payload = proof.payload(trace.sent)
        if body is None and not routed.operation.streaming_input:
            body = await read_all(payload, MAX_STRANGERS if proof.caller.is_anonymous else MAX_DOCUMENT)
        parse = speech_of(trace.service).parse
        if body is None or len(body) < WORTH_A_THREAD:
            parameters = parse(routed, trace.request, body)
        else:
            parameters = await asyncio.to_thread(parse, routed, trace.request, body)
        trace.parameters = parameters
        return _Opened(proof, parameters, payload)

    async def _open_form(self, trace: _Trace, routed: Routed) -> _Opened:
        """Do as `_open` for a browser's form, whose fields are its head."""
        form = await open_form(trace.request)
        with self._store.view() as view:
            sender = form.authenticate(
                bucket=routed.bucket or "",
                view=view,
                now=trace.now,
                known=self._known,
                region=self._settings.region,
            )
        trace.proof = proof = Authenticated(sender.caller, sender.facts)
        trace.parameters = parameters = parse_form(routed, form.fields)
        return _Opened(proof, parameters, form.file(sender.policy))

    def _authorize(
        self, trace: _Trace, proof: Authenticated, operation: Declared, call: Call, view: Snapshot
    ) -> Allowed:
        name = f"{operation.service}:{operation.name}"
        allowed = authorize(
            authenticated=proof,
            call_checks=call.checks(proof.caller, trace.request, view, trace.now),
            denial=operation.denial,
            every_caller=operation.every_caller,
            unsigned=operation.unsigned,
            request=trace.request,
            operation=name,
            view=view,
            now=trace.now,
            request_id=trace.request_id,
            lookups=self._lookups,
        )
        if not allowed.is_for(trace.request, name):
            raise ServiceError("AccessDenied", "Access Denied", 403, reason="the authorization is for another request")
        return allowed

    async def _invoke(
        self, operation: Declared, manner: Manner, call: Call, allowed: Allowed, payload: Payload
    ) -> Result:
        if manner is Manner.UNBUILT:
            raise ServiceError(
                "NotImplemented", f"{operation.service}:{operation.name} is not built yet in this server.", 501
            )
        if manner is Manner.WRITE:
            return await self._store.write(lambda transaction: call.write(allowed, transaction))
        return await call.stream(allowed, Streams(self._store, self._objects, payload))

    def _record(self, trace: _Trace, status: int, error: ServiceError | None) -> None:
        """Queue the request's event; for a change this is before its answer leaves. Preflights are nobody's doing."""
        if trace.request.method == "OPTIONS":
            return
        proof, allowed = trace.proof, trace.allowed
        if proof is not None:
            self._uses.note(proof.caller, proof.facts, trace.service, trace.now)
        decisions = error.decisions if isinstance(error, Denied) else decisions_of(allowed) if allowed else ()
        self._trail.record(
            Happened(
                trace.request,
                trace.request_id,
                status,
                self._account,
                service=trace.service,
                operation=trace.routed.operation.name if trace.routed else "",
                caller=proof.caller if proof else None,
                signature=proof.facts if proof else None,
                parameters=trace.parameters,
                decisions=decisions,
                result=trace.result,
                error=error,
            )
        )
