"""The trail's event of a request: who, what, on what, decided how, with which outcome, in CloudTrail's shape.

Shape: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

The request path makes a `Happened`, which only holds on to values; the trail's thread turns it into an event. Secrets
never enter: of parameters and results, members that hold one are hidden by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from rolecall.access.authorize import Decided
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.context import DEFAULT_REGION
from rolecall.access.explain import printable, told
from rolecall.directory.sessions import SessionKind
from rolecall.identifiers import parse_arn, root_arn
from rolecall.message import Request, ServiceError
from rolecall.policy.decide import Decision, Outcome
from rolecall.policy.request import PrincipalKind
from rolecall.trail import Event, Resource

EVENT_VERSION = "1.11"

_READING = ("Get", "List", "Head", "Describe", "Lookup", "Select", "Simulate", "AssumeRole", "Decode", "Generate")
_SECRET = frozenset(
    {
        "secret_access_key",
        "session_token",
        "password",
        "new_password",
        "old_password",
        "private_key",
        "saml_assertion",
        "saml_metadata_document",
        "web_identity_token",
        "token_code",
        "authentication_code1",
        "authentication_code2",
        "base32_string_seed",
        "qr_code_png",
        "service_password",
        "service_credential_secret",
        "context_assertion",
        "trade_in_token",
        "sse_customer_key",
        "copy_source_sse_customer_key",
    }
)
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LONGEST_TEXT = 8192
_LONGEST_LIST = 1000
_MADE = (
    ("credentials", "access_key_id", "AWS::IAM::AccessKey"),
    ("access_key", "access_key_id", "AWS::IAM::AccessKey"),
    ("assumed_role_user", "arn", "AWS::STS::AssumedRole"),
)
_KINDS = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}
_TYPES = {
    "user": "AWS::IAM::User",
    "role": "AWS::IAM::Role",
    "group": "AWS::IAM::Group",
    "policy": "AWS::IAM::Policy",
    "instance-profile": "AWS::IAM::InstanceProfile",
    "mfa": "AWS::IAM::MfaDevice",
    "server-certificate": "AWS::IAM::ServerCertificate",
    "saml-provider": "AWS::IAM::SAMLProvider",
    "oidc-provider": "AWS::IAM::OIDCProvider",
    "federated-user": "AWS::STS::FederatedUser",
    "assumed-role": "AWS::STS::AssumedRole",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """What one request came to, as gateway knows it at the end. Stages that were not reached left nothing."""

    request: Request
    request_id: str
    status: int
    account: str
    """The account of the trail, where neither caller nor resource tells another."""
    service: str = ""
    operation: str = ""
    caller: Caller | None = None
    signature: SignatureFacts | None = None
    parameters: Mapping[str, object] | None = None
    decisions: tuple[Decided, ...] = ()
    result: Mapping[str, object] | None = None
    error: ServiceError | None = None

    def event(self, completed: datetime) -> Event:
        """Return the event, completed at this moment."""
        resources = _resources(self)
        record = _record(self, completed, resources)
        caller = self.caller
        return Event(
            time=completed,
            event_id=str(record["eventID"]),
            request_id=self.request_id,
            account=str(record["recipientAccountId"]),
            source=str(record["eventSource"]),
            name=self.operation,
            read_only=is_reading(self.operation),
            username=_username(caller) if caller is not None else "",
            access_key_id=caller.access_key_id if caller is not None else "",
            resources=tuple(_findable(resources)),
            record=msgspec.json.encode(record).decode(),
        )


def is_reading(operation: str) -> bool:
    """Tell whether CloudTrail would call an operation read-only."""
    return operation.startswith(_READING)


def _record(happened: Happened, completed: datetime, resources: Sequence[dict[str, str]]) -> dict[str, object]:
    """Return the record in the order that CloudTrail has it. What does not apply is left out."""
    request, error, caller = happened.request, happened.error, happened.caller
    record: dict[str, object] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _identity(caller) if caller is not None else {"type": "Unknown"},
        "eventTime": completed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{happened.service or 'unknown'}.amazonaws.com",
        "eventName": happened.operation,
        "awsRegion": _region(happened),
        "sourceIPAddress": request.client,
        "userAgent": request.header("user-agent") or "",
    }
    if error is not None:
        record["errorCode"] = error.code
        record["errorMessage"] = error.message
    record["requestParameters"] = _shown(happened.parameters) if happened.parameters else None
    record["responseElements"] = _elements(happened)
    record["additionalEventData"] = _additional(happened)
    record["requestID"] = happened.request_id
    record["eventID"] = _event_id(happened.request_id)
    record["readOnly"] = is_reading(happened.operation)
    if resources:
        record["resources"] = resources
    data = any(resource["type"] == "AWS::S3::Object" for resource in resources)
    record["eventType"] = "AwsApiCall"
    record["managementEvent"] = not data
    record["recipientAccountId"] = _account(happened)
    record["eventCategory"] = "Data" if data else "Management"
    if request.secure:
        record["tlsDetails"] = {
            "tlsVersion": f"TLSv{request.tls_version}" if request.tls_version else "TLS",
            "clientProvidedHostHeader": request.header("host") or "",
        }
    return record


def _region(happened: Happened) -> str:
    signed = happened.signature.region if happened.signature is not None else ""
    return DEFAULT_REGION if happened.service == "iam" else signed or DEFAULT_REGION


def _account(happened: Happened) -> str:
    """Return whose trail the event is in: the caller's, for strangers the resource owner's."""
    if happened.caller is not None and happened.caller.account:
        return happened.caller.account
    return next((decided.check.account for decided in happened.decisions if decided.check.account), happened.account)


def _event_id(request_id: str) -> str:
    """Return the one event id that belongs to a request id."""
    return str(UUID(bytes=hashlib.blake2b(request_id.encode(), digest_size=16).digest(), version=4))


def _username(caller: Caller) -> str:
    if caller.principal.kind is PrincipalKind.ROOT:
        return "root"
    if caller.principal.kind is PrincipalKind.USER and caller.user is not None:
        return caller.user.name
    return caller.session.name if caller.session is not None else ""


def _identity(caller: Caller) -> dict[str, object]:
    principal = caller.principal
    if caller.is_anonymous:
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    identity: dict[str, object] = {
        "type": _KINDS.get(principal.kind, principal.kind.value),
        "principalId": principal.unique_id or caller.account,
        "arn": principal.arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key_id,
    }
    if principal.kind is PrincipalKind.USER and caller.user is not None:
        identity["userName"] = caller.user.name
    if caller.session is not None:
        identity["sessionContext"] = _session_context(caller)
    return identity


def _session_context(caller: Caller) -> dict[str, object]:
    session = caller.session
    if session is None:
        return {}
    context: dict[str, object] = {}
    if session.kind is not SessionKind.SESSION_TOKEN:
        context["sessionIssuer"] = _issuer(caller)
    if session.provider:
        context["webIdFederationData"] = {"federatedProvider": session.provider, "attributes": {}}
    context["attributes"] = {
        "creationDate": session.issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "mfaAuthenticated": "false" if session.mfa_at is None else "true",
    }
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    return context


def _issuer(caller: Caller) -> dict[str, str]:
    """Return what a session hangs on: a role, the user who federated, or root."""
    if caller.role is not None:
        kind, owner_id, arn, name = "Role", caller.role.role_id, caller.role.arn, caller.role.name
    elif caller.user is not None:
        kind, owner_id, arn, name = "IAMUser", caller.user.user_id, caller.user.arn, caller.user.name
    else:
        kind, owner_id, arn, name = "Root", caller.account, root_arn(caller.account), "root"
    return {"type": kind, "principalId": owner_id, "arn": arn, "accountId": caller.account, "userName": name}


def _elements(happened: Happened) -> object:
    if happened.result is None or happened.error is not None:
        return None
    if is_reading(happened.operation) and "credentials" not in happened.result:
        return None
    return _shown(happened.result)


def _additional(happened: Happened) -> dict[str, object]:
    scheme = happened.signature.scheme if happened.signature is not None else None
    additional: dict[str, object] = {"httpStatus": happened.status}
    if scheme is not None:
        additional["signatureVersion"] = "SigV4"
        additional["authenticationMethod"] = scheme.value
    if happened.decisions:
        additional["decision"] = [_decided(decided) for decided in happened.decisions]
    if happened.error is not None and happened.error.reason:
        additional["reason"] = happened.error.reason
    return additional


def _decided(decided: Decided) -> dict[str, object]:
    check, decision = decided.check, decided.decision
    entry: dict[str, object] = {
        "action": check.action,
        "resource": printable(check.resource),
        "outcome": decision.outcome.value,
    }
    if decision.layer is not None:
        entry["layer"] = decision.layer.value
    if decision.by_root:
        entry["byRoot"] = True
    entry["statements"] = _statements(decision)
    if decided.broken:
        entry["broken"] = decided.broken
    if decision.outcome is not Outcome.ALLOW:
        entry["explanation"] = told(decided)
    return entry


def _statements(decision: Decision) -> list[dict[str, object]]:
    return [
        {
            "layer": matched.layer.value,
            "source": matched.source,
            "policyArn": matched.arn,
            "statement": matched.statement,
            "sid": matched.sid,
            "effect": matched.effect,
        }
        for matched in decision.matched
    ]


def _shown(value: object) -> object:
    """Return parameters or results as a record shows them: in camelCase, without secrets, long text cut."""
    if isinstance(value, str):
        text = printable(value)
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_camel(str(key)): _HIDDEN if key in _SECRET else _shown(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(member) for member in value[:_LONGEST_LIST]]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return _shown(dict(value))
    return f"({len(value)} bytes)" if isinstance(value, bytes) else "(stream)"


@lru_cache(maxsize=4096)
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return printable(head + "".join(part[:1].upper() + part[1:] for part in rest))


def _resources(happened: Happened) -> list[dict[str, str]]:
    """Return the resources of an event as its record lists them: those that were checked, and those that were made."""
    found: dict[str, dict[str, str]] = {}
    for decided in happened.decisions:
        check = decided.check
        kind = _type_of(check.resource)
        if kind is not None:
            owner = check.account or (happened.caller.account if happened.caller is not None else "")
            name = printable(check.resource)
            found.setdefault(name, {"type": kind, "ARN": name, "accountId": owner})
    for kind, name in _made(happened.result):
        found.setdefault(name, {"type": kind, "ARN": name})
    return list(found.values())


def _made(result: Mapping[str, object] | None) -> Iterator[tuple[str, str]]:
    if result is None:
        return
    for member, within, kind in _MADE:
        inner = result.get(member)
        name = inner.get(within) if isinstance(inner, Mapping) else None
        if isinstance(name, str):
            yield kind, name


def _type_of(resource: str) -> str | None:
    arn = parse_arn(resource)
    if arn is None or "*" in arn.resource:
        return None
    if arn.service == "s3":
        return "AWS::S3::Object" if "/" in arn.resource else "AWS::S3::Bucket"
    return _TYPES.get(arn.resource_type) if arn.service in {"iam", "sts"} else None


def _findable(resources: Sequence[dict[str, str]]) -> Iterator[Resource]:
    """Yield what an event can be found by: ARN and name of each resource, and for objects their bucket."""
    for resource in resources:
        kind, name = resource["type"], resource["ARN"]
        arn = parse_arn(name)
        if arn is None:
            yield Resource(kind, name)
        elif kind == "AWS::S3::Object":
            yield Resource("AWS::S3::Bucket", arn.resource_type)
        else:
            yield Resource(kind, arn.resource_name)
            yield Resource(kind, name)
