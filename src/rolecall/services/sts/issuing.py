"""Temporary credentials: a session drawn, measured and sealed, as the answers of STS show it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from rolecall.directory.sessions import (
    MAX_TOKEN,
    Issued,
    Session,
    SessionKeys,
    SessionKind,
    draw_session_id,
    issue,
    packed_percent,
)
from rolecall.message import ServiceError
from rolecall.services.sts.memory import Memory
from rolecall.store.interface import Snapshot


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a session may have beside its owner, its name and its time."""

    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    transitive: tuple[str, ...] = ()
    source_identity: str = ""
    with_mfa: bool = False
    """The call that begins it proved MFA."""
    chained: bool = False


PLAIN = Traits()


def new_session(
    kind: SessionKind, account: str, owner_id: str, name: str, now: datetime, seconds: int, traits: Traits = PLAIN
) -> Session:
    """Draw a session that begins now, at the whole second, and lasts `seconds`."""
    session_id, access_key_id = draw_session_id(account)
    issued = now.replace(microsecond=0)
    return Session(
        kind=kind,
        account=account,
        owner_id=owner_id,
        session_id=session_id,
        access_key_id=access_key_id,
        issued=issued,
        expires=issued + timedelta(seconds=seconds),
        name=name,
        policies=traits.policies,
        policy_arns=traits.policy_arns,
        session_tags=traits.tags,
        transitive=traits.transitive,
        source_identity=traits.source_identity,
        mfa_at=issued if traits.with_mfa else None,
        chained=traits.chained,
    )


def sealed(view: Snapshot, memory: Memory, session: Session, minimum: int) -> dict[str, object]:
    """Return the members of an answer that hand out a session: credentials, packed size, size of the token.

    The token is made at least `minimum` characters long. Raises ServiceError PackedPolicyTooLarge.
    """
    percent = packed_percent(session)
    if percent > 100:
        raise _too_large(session, percent)
    issued = _at_least(memory.keys(view), session, minimum)
    answer: dict[str, object] = {
        "credentials": {
            "access_key_id": issued.access_key_id,
            "secret_access_key": issued.secret,
            "session_token": issued.token,
            "expiration": session.expires,
        },
        "session_token_size": len(issued.token),
        "session_token_utilization": -(-100 * len(issued.token) // MAX_TOKEN),
    }
    if session.policies or session.policy_arns or session.session_tags:
        answer["packed_policy_size"] = percent
    return answer


def _at_least(keys: SessionKeys, session: Session, minimum: int) -> Issued:
    issued = issue(keys, session)
    if len(issued.token) >= minimum:
        return issued
    return issue(keys, session, pad_to=minimum)


def _too_large(session: Session, percent: int) -> ServiceError:
    if session.policies or session.policy_arns:
        message = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
    else:
        message = f"Packed size of session tags consumes {percent}% of allotted space."
    return ServiceError("PackedPolicyTooLarge", message)
