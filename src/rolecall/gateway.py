"""The life of a request: route, authenticate, parse, authorize, invoke, answer, record.

The whole of it stands in `Gateway._journey`. Each stage hands a frozen value to the next; `Allowed` comes only from the
authorizer, and is asked once more, at run time, whether it is for this request and this operation.
"""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from rolecall.access.allowed import Allowed
from rolecall.access.authenticate import NOBODY, Authenticated, KnownCredentials, authenticate, prove_again, read_all
from rolecall.access.authorize import admit, authorize
from rolecall.access.cors import cors_headers, preflight
from rolecall.access.form_upload import open_form
from rolecall.access.gather import Lookups
from rolecall.access.journal import Journal, Trace
from rolecall.access.limits import THROTTLED_SECONDS, THROTTLES, Limits
from rolecall.access.payload import SlowBody, Streaming, empty_body
from rolecall.access.room import Room
from rolecall.access.uses import Uses
from rolecall.clock import Clock, monotonic
from rolecall.config import Settings
from rolecall.identifiers import new_host_id, new_request_id, new_short_request_id
from rolecall.measures import Measures
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


_Decided = tuple[Call, Allowed, Result | None]
"""A call that may be made, and its result where it only reads."""


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
        *,
        limits: Limits | None = None,
        measures: Measures | None = None,
    ) -> None:
        """Serve the operations of `registry`. Events of nobody's account are written down for `account`."""
        self._limits = limits or Limits()
        self._registry = registry
        self._store = store
        self._objects = objects
        self._clock = clock
        self._domains = settings.base_domains
        self._region = settings.region
        self._max_form = settings.max_form
        self._journal = Journal(trail, uses, measures or Measures(), account)
        self._lookups = Lookups()
        self._known = KnownCredentials()
        self._room = Room()

    @property
    def cache_misses(self) -> tuple[int, int]:
        """How often a caller, and how often a caller's policies, had to be looked up since the start."""
        return self._known.misses, self._lookups.misses

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever it is. Never raises but for cancellation."""
        began = monotonic()
        service, error = self._addressed(request)
        request_id = new_short_request_id() if service == "s3" else new_request_id()
        trace = Trace(request, service, request_id, self._clock.now(), request)
        if error is None:
            try:
                response = await self._journey(trace)
            except ServiceError as refused:
                error = refused
            except (StoreBusy, StoreUnavailable, ObjectsUnavailable) as trouble:
                error = ServiceError("ServiceUnavailable", f"Service is unable to handle request. {trouble}", 503)
                _log.error("request %s is put off: %s", request_id, trouble, extra={"request_id": request_id})
            except Exception:  # noqa: BLE001 - whatever breaks, the client hears it in its own protocol, the log hears all
                error = ServiceError("InternalFailure", "We encountered an internal error. Please try again.", 500)
                _log.exception("request %s failed", request_id, extra={"request_id": request_id})
        if error is not None:
            if trace.proof is None:
                error = self._limits.unproved(trace.service, request, error)
            response = refusal(trace.service, request, error, request_id=request_id, host_id=new_host_id())
        self._journal.close(trace, response.status, error, monotonic() - began)
        if error is not None and error.code in THROTTLES:
            await asyncio.sleep(THROTTLED_SECONDS)
        return self._with_cors(trace, response)

    async def _journey(self, trace: Trace) -> Response:
        """Take a request through its stages: in one view of the store, unless its body has to be waited for."""
        request = trace.request = with_hoisted_headers(trace.sent) if trace.service == "s3" else trace.sent
        if trace.service == "s3" and request.method == "OPTIONS":
            self._limits.admit(trace.service, NOBODY, request)
            return self._preflight(request)
        form = await self._read_form(trace) if needs_form(trace.service, request) else None
        trace.routed = routed = route(request, trace.service, form, self._domains)
        trace.service = service = routed.service  # an unsigned form says in its body which service it is for
        operation = self._registry.find(service, routed.operation.name)
        if operation.name == FORM_UPLOAD:
            payload = await self._open_form(trace, routed)
            decided = None
        else:
            with self._store.view() as view:
                payload = self._authenticate(trace, operation, form, view)
                decided = self._decide_at_once(trace, routed, operation, payload, form, view)
            if decided is None:
                await self._read_document(trace, routed, payload, form)
        if decided is None:
            trace.now = self._clock.now()  # the document may have been long in coming
            with self._store.view() as view:
                self._prove_again(trace, view)
                decided = self._decide(trace, operation, view)
        call, allowed, result = decided
        if result is None:
            result = await self._invoke(trace, operation, call, allowed, payload)
        trace.result = result
        host_id = new_host_id() if service == "s3" else ""
        return speech_of(service).answer(routed, result, request_id=trace.request_id, host_id=host_id)

    async def _read_form(self, trace: Trace) -> bytes:
        """Read the document of a request that is not authenticated yet: it is a part of what was signed."""
        return await read_all(self._room.body_of(trace.request, trace.service), self._max_form)

    def _preflight(self, request: Request) -> Response:
        """Answer a browser that asks what it may send. It is nobody's request yet: nothing is signed or allowed."""
        bucket, key = place(request, self._domains)
        with self._store.view() as view:
            return preflight(view, bucket, key, request)

    def _with_cors(self, trace: Trace, response: Response) -> Response:
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
            return service_of(request, scope_service(request), self._domains), None
        except ServiceError as error:
            return spoken_by(request, self._domains), error

    def _authenticate(self, trace: Trace, operation: Declared, form: bytes | None, view: Snapshot) -> Streaming:
        """Find out who sent a request, and return its body, to be verified while it is read."""
        trace.proof = proof = authenticate(
            trace.sent,
            service=trace.service,
            body=form,
            view=view,
            now=trace.now,
            known=self._known,
            region=self._region,
        )
        self._limits.admit(trace.service, proof.caller, trace.sent, proof.facts.scheme)
        admit(proof.caller, operation.full_name, unsigned=operation.unsigned)
        return proof.payload(trace.sent)

    def _decide_at_once(
        self,
        trace: Trace,
        routed: Routed,
        operation: Declared,
        payload: Streaming,
        form: bytes | None,
        view: Snapshot,
    ) -> _Decided | None:
        """Parse and decide a request all of whose document is there; None where it is not, or is large."""
        document = form
        if document is None and not routed.operation.streaming_input:
            document = empty_body(payload)
            if document is None:
                return None
        if document is not None and len(document) >= WORTH_A_THREAD:
            return None
        trace.parameters = speech_of(trace.service).parse(routed, trace.request, document)
        return self._decide(trace, operation, view)

    async def _read_document(self, trace: Trace, routed: Routed, payload: Streaming, form: bytes | None) -> None:
        """Parse a document that is read only now, when it is known who sends it, and whose hash has held."""
        document = form
        if document is None:
            is_strange = trace.proof is None or trace.proof.caller.is_anonymous
            document = await read_all(payload, MAX_STRANGERS if is_strange else MAX_DOCUMENT)
        parse = speech_of(trace.service).parse
        if len(document) < WORTH_A_THREAD:
            trace.parameters = parse(routed, trace.request, document)
        else:
            trace.parameters = await asyncio.to_thread(parse, routed, trace.request, document)

    async def _open_form(self, trace: Trace, routed: Routed) -> Payload:
        """Authenticate and parse a browser's form, whose fields are its head. Its file waits."""
        form = await open_form(trace.request)
        with self._store.view() as view:
            sender = form.authenticate(
                bucket=routed.bucket or "",
                view=view,
                now=trace.now,
                known=self._known,
                region=self._region,
            )
        trace.proof = Authenticated(sender.caller, sender.facts, token=sender.token)
        self._limits.admit(trace.service, sender.caller, trace.sent, sender.facts.scheme)
        trace.parameters = parse_form(routed, form.fields)
        return form.file(sender.policy)

    def _decide(self, trace: Trace, operation: Declared, view: Snapshot) -> _Decided:
        """Authorize a request whose parameters are known, and run it where it only reads."""
        proof = trace.proof
        if proof is None or trace.parameters is None:
            raise ServiceError("AccessDenied", "Access Denied", 403, reason="nobody was authenticated")
        call = operation.call(trace.parameters)
        trace.allowed = allowed = authorize(
            authenticated=proof,
            call_checks=call.checks(proof.caller, trace.request, view, trace.now),
            denial=operation.denial,
            every_caller=operation.every_caller,
            unsigned=operation.unsigned,
            request=trace.request,
            operation=operation.full_name,
            view=view,
            now=trace.now,
            request_id=trace.request_id,
            lookups=self._lookups,
        )
        if not allowed.is_for(trace.request, operation.full_name):
            raise ServiceError("AccessDenied", "Access Denied", 403, reason="the authorization is for another request")
        return call, allowed, call.read(allowed, view, self._objects) if call.manner is Manner.READ else None

    def _prove_again(self, trace: Trace, view: Snapshot) -> None:
        """See that who was proved before a body came still has the credentials that it was proved by."""
        if trace.proof is not None:
            trace.proof = prove_again(trace.proof, service=trace.service, view=view, now=trace.now, known=self._known)

    def _decide_at_the_end(self, trace: Trace, operation: Declared) -> None:
        """Refuse an upload whose sender lost, while it came, the credentials or the right to it.

        The time is still that at which it began: what ran out meanwhile may finish (docs/decisions/slow-uploads.md).
        """
        with self._store.view() as view:
            self._prove_again(trace, view)
            self._decide(trace, operation, view)

    async def _invoke(
        self, trace: Trace, operation: Declared, call: Call, allowed: Allowed, payload: Payload
    ) -> Result:
        manner = call.manner
        if manner is Manner.UNBUILT:
            raise ServiceError("NotImplemented", f"{operation.full_name} is not built yet in this server.", 501)
        if manner is Manner.WRITE:
            return await self._store.write(lambda transaction: call.write(allowed, transaction), brief=call.brief)
        body = SlowBody(payload, lambda: self._decide_at_the_end(trace, operation))
        return await call.stream(allowed, Streams(self._store, self._objects, body))
