"""GetSessionToken and GetFederationToken: temporary credentials for a user's own rights, whole or limited.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html and API_GetFederationToken.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.access.caller import Caller
from rolecall.directory.sessions import SessionKind
from rolecall.identifiers import federated_user_arn
from rolecall.services.operation import Result
from rolecall.services.sts import session_policies
from rolecall.services.sts.access import FEDERATION_TOKEN, SESSION_TOKEN
from rolecall.services.sts.issuing import Traits, new_session, sealed
from rolecall.services.sts.memory import Memory, nothing_remembered, remembered
from rolecall.services.sts.mfa import carries_code, take
from rolecall.services.sts.parameters import GetFederationToken, GetSessionToken
from rolecall.services.sts.session_tags import passed_tags
from rolecall.services.sts.table import operations
from rolecall.store.interface import Snapshot, Transaction

DEFAULT_SECONDS = 43_200
ROOT_SECONDS = 3600
"""The longest session of the account's root user; a longer one asked for is cut to it."""


def get_session_token(allowed: Allowed, parameters: GetSessionToken, view: Snapshot) -> Result:
    """Begin a session with the rights of the calling user."""
    return _begin(allowed, parameters, view, remembered(view))


def get_session_token_with_mfa(allowed: Allowed, parameters: GetSessionToken, transaction: Transaction) -> Result:
    """Begin a session and take the code that the call carries, or do neither."""
    take(transaction, allowed.caller, parameters, allowed.now)
    return _begin(allowed, parameters, transaction, nothing_remembered())


operations.read_or_write(
    "GetSessionToken",
    GetSessionToken,
    SESSION_TOKEN,
    read=get_session_token,
    write=get_session_token_with_mfa,
    writes=carries_code,
)


def _begin(allowed: Allowed, parameters: GetSessionToken, view: Snapshot, memory: Memory) -> Result:
    caller = allowed.caller
    seconds = _duration(caller, parameters.duration_seconds)
    traits = Traits(with_mfa=carries_code(parameters))
    session = new_session(SessionKind.SESSION_TOKEN, caller.account, _owner(caller), "", allowed.now, seconds, traits)
    return sealed(view, memory, session, parameters.minimum_session_token_size)


@operations.read("GetFederationToken", GetFederationToken, FEDERATION_TOKEN)
def get_federation_token(allowed: Allowed, parameters: GetFederationToken, view: Snapshot) -> Result:
    """Begin a session for somebody else, with what both the calling user and the session policies allow."""
    caller = allowed.caller
    seconds = _duration(caller, parameters.duration_seconds)
    traits = Traits(
        policies=session_policies.inline(parameters.policy),
        policy_arns=session_policies.managed(view, caller.account, parameters.policy_arns),
        tags=passed_tags(parameters.tags),
    )
    owner, name = _owner(caller), parameters.name
    session = new_session(SessionKind.FEDERATION, caller.account, owner, name, allowed.now, seconds, traits)
    answer = sealed(view, remembered(view), session, parameters.minimum_session_token_size)
    answer["federated_user"] = {
        "federated_user_id": f"{caller.account}:{parameters.name}",
        "arn": federated_user_arn(caller.account, parameters.name),
    }
    return answer


def _owner(caller: Caller) -> str:
    """Return the id of the user that the session belongs to; empty for root."""
    return caller.user.user_id if caller.user is not None else ""


def _duration(caller: Caller, seconds: int | None) -> int:
    if caller.user is None:
        return min(seconds or ROOT_SECONDS, ROOT_SECONDS)
    return DEFAULT_SECONDS if seconds is None else seconds
