"""Who sent a request: the key found, the token opened, the signature held against exactly the bytes that came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from rolecall.access import unproved, unproved_s3
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.credentials import CredentialProblem, KnownCredentials
from rolecall.access.payload import ChunkedBody, PlainBody, Streaming, read_all
from rolecall.message import Request, ServiceError
from rolecall.policy.request import ANONYMOUS
from rolecall.sigv4.chunked import Chain
from rolecall.sigv4.form import PostPolicy, check_form, parse_policy, read_form
from rolecall.sigv4.mac import Mac
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import Payload, Scheme, Signed, check, payload_of, read
from rolecall.store.interface import Snapshot

__all__ = [
    "Authenticated",
    "FormAuthenticated",
    "KnownCredentials",
    "authenticate",
    "authenticate_form",
    "prove_again",
    "read_all",
]

NOBODY = Caller(ANONYMOUS, "")
_S3 = "s3"


class Authenticated(msgspec.Struct, frozen=True):
    """A caller, proved or anonymous, and what binds the request's body to the proof."""

    caller: Caller
    facts: SignatureFacts
    signed: Signed | None = None
    """None: unsigned."""
    signing_key: Mac | None = None
    token: str | None = None
    """The security token that came with a temporary key."""

    def payload(self, request: Request) -> Streaming:
        """Return the body of the `request` that was authenticated, to be verified while it is read.

        Nothing is read yet, so whoever is refused need not send it.
        """
        mode, payload_hash = _unsigned_payload(request) if self.signed is None else _bound_payload(self.signed, request)
        if mode is Payload.HASH:
            return PlainBody(request, payload_hash)
        if mode is Payload.BODY or mode is Payload.UNSIGNED:
            return PlainBody(request, None)
        signed = self.signed
        key = self.signing_key if mode is not Payload.UNSIGNED_TRAILER else None
        chain = Chain(signed, key) if signed is not None and key is not None else None

        def refuse(problem: SignatureProblem) -> ServiceError:
            return unproved_s3.body_refused(problem, signed)

        return ChunkedBody(request, mode, chain, refuse)


@dataclass(frozen=True, slots=True)
class FormAuthenticated:
    """The sender of an HTML form, and the policy that the file must keep to."""

    caller: Caller
    facts: SignatureFacts
    policy: PostPolicy | None = None
    """None: an unsigned form."""
    token: str | None = None


_UNSIGNED = SignatureFacts()


def authenticate(
    request: Request,
    *,
    service: str,
    body: bytes | None,
    view: Snapshot,
    now: datetime,
    known: KnownCredentials,
    region: str | None = None,
) -> Authenticated:
    """Return who sent `request` to `service`; the anonymous caller for an unsigned one.

    `body` is what was read of the body before (forms, JSON), whose hash is then part of the proof; bodies of S3 are
    proved while they are read, by `Authenticated.payload`. `region`, where given, is the one that must be signed for.
    Raises ServiceError in the service's own words. What is wrong is found in this order: a signature that cannot be
    read, the key, the token, the session's end, the signature, its time.
    """
    signed = None
    try:
        signed = read(request, service=service)
        if signed is None:
            return Authenticated(NOBODY, _facts(request, None))
        credential = signed.credential
        found = known.find(view, credential.access_key_id, signed.token, now)
        digest = sha256(body).hexdigest() if body else None
        key = check(signed, request, found.secret, now=now, service=service, region=region, body_sha256=digest)
    except CredentialProblem as problem:
        raise _credentials_refused(problem, service) from None
    except SignatureProblem as problem:
        if service == _S3:
            scheme = Scheme.HEADER if request.header("authorization") is not None else Scheme.QUERY
            raise unproved_s3.signature_refused(problem, scheme=scheme, signed=signed, now=now) from None
        raise unproved.signature_refused(problem, service, now=now) from None
    return Authenticated(found.caller, _facts(request, signed), signed, key, signed.token)


def prove_again(
    proof: Authenticated, *, service: str, view: Snapshot, now: datetime, known: KnownCredentials
) -> Authenticated:
    """Return `proof` with its caller as the caller is in this `view`, which is later than the one it was proved in.

    Who sends a body slowly must not act with credentials that ended meanwhile. Raises ServiceError as `authenticate`.
    """
    if proof.caller.is_anonymous:
        return proof
    try:
        found = known.find(view, proof.caller.access_key_id, proof.token, now)
    except CredentialProblem as problem:
        raise _credentials_refused(problem, service) from None
    return msgspec.structs.replace(proof, caller=found.caller)


def _credentials_refused(problem: CredentialProblem, service: str) -> ServiceError:
    if service == _S3:
        return unproved_s3.credentials_refused(problem)
    return unproved.credentials_refused(problem, service)


def authenticate_form(
    fields: Mapping[str, str],
    *,
    bucket: str,
    view: Snapshot,
    now: datetime,
    known: KnownCredentials,
    region: str | None = None,
) -> FormAuthenticated:
    """Return who sent an upload form to `bucket`, its fields by lower-case name, `${filename}` expanded in them.

    The signature covers the form's policy, and the form must fulfil the policy; what the policy says of the file's
    length is for who reads the file. Raises ServiceError.
    """
    signed = None
    try:
        signed = read_form(fields)
        if signed is None:
            return FormAuthenticated(NOBODY, _UNSIGNED)
        found = known.find(view, signed.credential.access_key_id, signed.token, now)
        check_form(signed, fields["policy"], found.secret, now=now, service=_S3, region=region)
        policy = parse_policy(fields["policy"])
        policy.check(fields, bucket=bucket, now=now)
    except CredentialProblem as problem:
        raise unproved_s3.credentials_refused(problem) from None
    except SignatureProblem as problem:
        raise unproved_s3.signature_refused(problem, scheme=Scheme.FORM, signed=signed, now=now) from None
    facts = SignatureFacts(Scheme.FORM, signed.credential.region, signed.moment)
    return FormAuthenticated(found.caller, facts, policy, signed.token)


def _facts(request: Request, signed: Signed | None) -> SignatureFacts:
    payload = request.header("x-amz-content-sha256") or ""
    if signed is None:
        return SignatureFacts(payload=payload)
    return SignatureFacts(signed.scheme, signed.credential.region, signed.moment, payload)


def _bound_payload(signed: Signed, request: Request) -> tuple[Payload, str]:
    """Return how the body is sent. A presigned request may be sent in unsigned chunks without having said so."""
    if signed.scheme is Scheme.QUERY and signed.payload is Payload.UNSIGNED and _is_silently_chunked(request):
        return Payload.UNSIGNED_TRAILER, ""
    return signed.payload, signed.payload_hash


def _unsigned_payload(request: Request) -> tuple[Payload, str]:
    """Return how the body of an unsigned request is sent, which nothing but the request itself says."""
    declared = request.header("x-amz-content-sha256")
    if declared is None:
        return (Payload.UNSIGNED_TRAILER if _is_silently_chunked(request) else Payload.UNSIGNED), ""
    mode = payload_of(declared)
    if mode in {Payload.SIGNED_CHUNKS, Payload.SIGNED_CHUNKS_TRAILER}:
        raise ServiceError("InvalidRequest", "Signed chunks need a signed request.", 400)
    if mode is Payload.UNKNOWN:
        raise unproved_s3.body_refused(SignatureProblem(Problem.PAYLOAD_UNKNOWN, payload=declared), None)
    return mode, declared


def _is_silently_chunked(request: Request) -> bool:
    """Tell whether a request that says nothing of its hash is aws-chunked: unsigned clients of botocore send so."""
    codings = (request.header("content-encoding") or "").lower().split(",")
    return (
        request.header("x-amz-content-sha256") is None
        and request.header("x-amz-decoded-content-length") is not None
        and any(coding.strip() == "aws-chunked" for coding in codings)
    )
