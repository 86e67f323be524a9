"""What kinds of credentials cannot call at all, whatever policies say.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
"""

from __future__ import annotations

from rolecall.access.caller import Caller
from rolecall.directory.sessions import SessionKind
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind

_PROVED_BY_ASSERTION = frozenset({"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})
_FOR_LONG_TERM_KEYS = frozenset({"GetSessionToken", "GetFederationToken"})
_STS_OF_KIND = {
    SessionKind.SESSION_TOKEN: frozenset({"AssumeRole", "GetCallerIdentity"}),
    SessionKind.FEDERATION: frozenset({"GetCallerIdentity"}),
}


def may_call(caller: Caller, operation: str) -> None:
    """Raise ServiceError where credentials of this kind cannot call `operation` (`service:Name`)."""
    service, _, name = operation.partition(":")
    if service == "iam":
        _limit_iam(caller)
    elif service == "sts" and name not in _PROVED_BY_ASSERTION:
        _limit_sts(caller, name)


def _limit_iam(caller: Caller) -> None:
    session = caller.session
    if session is None or session.kind is SessionKind.ROLE:
        return
    if session.kind is SessionKind.FEDERATION or session.mfa_at is None:
        raise ServiceError(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            403,
            reason="federated sessions, and GetSessionToken's without MFA, cannot call IAM",
        )


def _limit_sts(caller: Caller, name: str) -> None:
    session = caller.session
    if session is not None:
        allowed = _STS_OF_KIND.get(session.kind)
        if name in _FOR_LONG_TERM_KEYS or (allowed is not None and name not in allowed):
            raise ServiceError("AccessDenied", f"Cannot call {name} with session credentials", 403)
    if name == "AssumeRole" and caller.principal.kind is PrincipalKind.ROOT:
        raise ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
