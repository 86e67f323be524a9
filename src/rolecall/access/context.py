"""Global condition keys: what every request says of its caller, its connection and its moment.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

Keys are made from what was proved or measured. Of the client's headers only User-Agent and Referer become keys, under
AWS's names for them; no header can name a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from rolecall.access.caller import Caller, SignatureFacts
from rolecall.directory.sessions import Session, SessionKind
from rolecall.message import Request
from rolecall.policy.request import ContextValue, PrincipalKind
from rolecall.sigv4.signature import Scheme

DEFAULT_REGION = "us-east-1"

MFA_PROVED_NOW: Mapping[str, ContextValue] = {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
"""The keys of a call that itself carries a valid MFA code, also with a long-term key."""

_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def global_keys(
    caller: Caller, signature: SignatureFacts, request: Request, service: str, now: datetime
) -> dict[str, ContextValue]:
    """Return the keys that do not depend on action and resource, in lower case."""
    headers = request.by_name
    keys: dict[str, ContextValue] = {
        **_standing_keys(caller),
        "aws:currenttime": iso(now),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:securetransport": "true" if request.secure else "false",
        "aws:useragent": headers.get("user-agent", ""),
        "aws:requestedregion": DEFAULT_REGION if service == "iam" else signature.region or DEFAULT_REGION,
        "aws:viaawsservice": "false",
    }
    if request.client:
        keys["aws:sourceip"] = request.client
    if (referer := headers.get("referer")) is not None:
        keys["aws:referer"] = referer
    session = caller.session
    if session is not None and session.mfa_at is not None and "aws:multifactorauthpresent" in keys:
        keys["aws:multifactorauthage"] = str(max(0, int((now - session.mfa_at).total_seconds())))
    if service == "s3":
        keys.update(_s3_keys(signature, request, now))
    return keys


@lru_cache(maxsize=4096)
def _standing_keys(caller: Caller) -> Mapping[str, ContextValue]:
    """Return the keys that describe the caller and its credentials, as long as nothing of them changes."""
    principal = caller.principal
    if caller.is_anonymous:
        return {
            "aws:principalaccount": "anonymous",
            "aws:principaltype": "Anonymous",
            "aws:userid": "anonymous",
        }
    kind = principal.kind
    keys: dict[str, ContextValue] = {
        "aws:principalaccount": caller.account,
        "aws:principalarn": principal.owner_arn if kind is PrincipalKind.ROLE_SESSION else principal.arn,
        "aws:principaltype": _TYPES.get(kind, kind.value),
        "aws:userid": caller.account if kind is PrincipalKind.ROOT else principal.unique_id,
        "aws:principalisawsservice": "false",
    }
    if kind is PrincipalKind.USER and caller.user is not None:
        keys["aws:username"] = caller.user.name
    for key, value in caller.tags.items():
        keys["aws:principaltag/" + key.lower()] = value
    if caller.session is not None:
        keys.update(_session_keys(caller.session))
    return keys


def _session_keys(session: Session) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {key.lower(): value for key, value in session.provider_context.items()}
    keys["aws:tokenissuetime"] = iso(session.issued)
    if session.source_identity:
        keys["aws:sourceidentity"] = session.source_identity
    if session.provider and ":saml-provider/" not in session.provider:
        keys["aws:federatedprovider"] = session.provider
    if session.kind is SessionKind.SESSION_TOKEN or (session.kind is SessionKind.ROLE and not session.provider):
        keys["aws:multifactorauthpresent"] = "false" if session.mfa_at is None else "true"
    return keys


def _s3_keys(signature: SignatureFacts, request: Request, now: datetime) -> Mapping[str, ContextValue]:
    keys: dict[str, ContextValue] = {}
    if signature.scheme is not None:
        keys["s3:authtype"] = signature.scheme.value
        keys["s3:signatureversion"] = "AWS4-HMAC-SHA256"
        if signature.moment is not None and signature.scheme is not Scheme.HEADER:
            age = (now - signature.moment).total_seconds()
            keys["s3:signatureage"] = str(max(0, round(age * 1000)))
    if signature.payload:
        keys["s3:x-amz-content-sha256"] = signature.payload
    if request.tls_version:
        keys["s3:tlsversion"] = request.tls_version
    return keys


def iso(moment: datetime) -> str:
    """Return an aware UTC moment as condition keys spell it: `2026-11-24T21:00:00Z`."""
    return _iso(int(moment.timestamp()))


@lru_cache(maxsize=1024)
def _iso(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC).isoformat()[:19]}Z"
