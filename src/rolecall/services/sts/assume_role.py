"""AssumeRole: a role's rights for a limited time.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.access.caller import Caller
from rolecall.directory.principals import Role
from rolecall.directory.sessions import SessionKind
from rolecall.identifiers import assumed_role_arn
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.services.operation import Result
from rolecall.services.sts import session_policies
from rolecall.services.sts.access import ASSUME_ROLE, target_role
from rolecall.services.sts.issuing import Traits, new_session, sealed
from rolecall.services.sts.memory import Memory, nothing_remembered, remembered
from rolecall.services.sts.mfa import carries_code, take
from rolecall.services.sts.parameters import AssumeRole
from rolecall.services.sts.session_tags import combined, inherited_by, passed_tags
from rolecall.services.sts.table import operations
from rolecall.store.interface import Snapshot, Transaction

DEFAULT_SECONDS = 3600
CHAINED_SECONDS = 3600
"""The longest session of a role that a role session assumes, whatever the role's own maximum."""


def assume_role(allowed: Allowed, parameters: AssumeRole, view: Snapshot) -> Result:
    """Begin a session of a role."""
    return _begin(allowed, parameters, view, remembered(view))


def assume_role_with_mfa(allowed: Allowed, parameters: AssumeRole, transaction: Transaction) -> Result:
    """Begin a session of a role and take the code that the call carries, or do neither."""
    take(transaction, allowed.caller, parameters, allowed.now)
    return _begin(allowed, parameters, transaction, nothing_remembered())


operations.read_or_write(
    "AssumeRole", AssumeRole, ASSUME_ROLE, read=assume_role, write=assume_role_with_mfa, writes=carries_code
)


def _begin(allowed: Allowed, parameters: AssumeRole, view: Snapshot, memory: Memory) -> Result:
    caller = allowed.caller
    _, role = target_role(view, memory, parameters.role_arn)
    if role is None:
        raise _refused(caller, "sts:AssumeRole", parameters.role_arn)
    if parameters.provided_contexts:
        raise ServiceError("InvalidContextAssertion", "The provided context assertion is not of a trusted provider.")
    inherited = inherited_by(caller)
    chained = caller.principal.kind is PrincipalKind.ROLE_SESSION
    tags, transitive = combined(inherited, passed_tags(parameters.tags), parameters.transitive_tag_keys)
    seconds = _duration(parameters.duration_seconds, role, chained=chained)
    traits = Traits(
        policies=session_policies.inline(parameters.policy),
        policy_arns=session_policies.managed(view, role.account, parameters.policy_arns),
        tags=tags,
        transitive=transitive,
        source_identity=_source_identity(caller, parameters, inherited.source_identity),
        chained=chained,
        with_mfa=carries_code(parameters),
    )
    name = parameters.role_session_name
    session = new_session(SessionKind.ROLE, role.account, role.role_id, name, allowed.now, seconds, traits)
    answer = sealed(view, memory, session, parameters.minimum_session_token_size)
    answer["assumed_role_user"] = {
        "assumed_role_id": f"{role.role_id}:{session.name}",
        "arn": assumed_role_arn(role.account, role.name, session.name),
    }
    if session.source_identity:
        answer["source_identity"] = session.source_identity
    return answer


def _duration(seconds: int | None, role: Role, *, chained: bool) -> int:
    """Return how long the session lasts, in seconds."""
    if seconds is None:
        return DEFAULT_SECONDS
    if chained and seconds > CHAINED_SECONDS:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )
    if seconds > role.max_session_duration:
        raise ServiceError(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def _source_identity(caller: Caller, parameters: AssumeRole, inherited: str) -> str:
    """Return the session's source identity: once set, it stays through every later session."""
    passed = parameters.source_identity or ""
    if passed.lower().startswith("aws:"):
        raise ServiceError("ValidationError", 'Source Identity must not begin with "aws:"')
    if inherited and passed and passed != inherited:
        raise _refused(caller, "sts:SetSourceIdentity", parameters.role_arn)
    return inherited or passed


def _refused(caller: Caller, action: str, role_arn: str) -> ServiceError:
    message = f"User: {caller.principal.arn} is not authorized to perform: {action} on resource: {role_arn}"
    return ServiceError("AccessDenied", message, 403)
