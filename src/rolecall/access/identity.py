"""A caller as CloudTrail tells of one: `userIdentity`, and the name that events are found by.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from rolecall.access.caller import Caller
from rolecall.access.context import iso
from rolecall.directory.sessions import SessionKind
from rolecall.identifiers import root_arn
from rolecall.policy.request import PrincipalKind

_KINDS = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def username(caller: Caller) -> str:
    """Return the name of a user, of a role session or of a federated user; empty for strangers."""
    if caller.principal.kind is PrincipalKind.ROOT:
        return "root"
    if caller.principal.kind is PrincipalKind.USER and caller.user is not None:
        return caller.user.name
    return caller.session.name if caller.session is not None else ""


def identity(caller: Caller) -> dict[str, object]:
    """Return the `userIdentity` of a caller."""
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
        "creationDate": iso(session.issued),
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
