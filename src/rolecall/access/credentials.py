"""Whose key it is: long-term keys and sessions looked up, and the callers they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from rolecall.access.caller import Caller
from rolecall.directory.accounts import account
from rolecall.directory.credentials import access_key, secret_of
from rolecall.directory.principals import User, role, user
from rolecall.directory.sessions import (
    Session,
    SessionKeys,
    SessionKind,
    TokenInvalid,
    is_revoked,
    open_token,
    session_keys,
)
from rolecall.identifiers import assumed_role_arn, federated_user_arn, root_arn
from rolecall.policy.request import Principal, PrincipalKind
from rolecall.sigv4.signature import SKEW
from rolecall.store.interface import Snapshot

_KEPT = 8192


class Unproved(Enum):
    """Why credentials stand for nobody."""

    KEY = "no such access key"
    TOKEN = "not a token of this access key"  # noqa: S105
    EXPIRED = "an expired session"


class CredentialProblem(Exception):
    """Credentials that stand for nobody. The text says why, for the trail alone."""

    def __init__(self, kind: Unproved, access_key_id: str, token: str | None, why: str) -> None:
        """See the class."""
        super().__init__(why)
        self.kind = kind
        self.access_key_id = access_key_id
        self.token = token
        self.why = why


@dataclass(frozen=True, slots=True)
class Known:
    """A caller and the secret that its requests must be signed with."""

    caller: Caller
    secret: str
    issued: datetime | None = None
    expires: datetime | None = None


@dataclass(slots=True)
class _Kept:
    """What was looked up while the store stood at one mark."""

    mark: bytes
    known: dict[tuple[str, str | None], Known] = field(default_factory=dict)
    ring: SessionKeys | None = None


class KnownCredentials:
    """Finds the caller behind credentials. One a process; remembers what it found until the watermark moves."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._kept = _Kept(b"")
        self.misses = 0
        """How often a caller had to be looked up."""

    def find(self, view: Snapshot, access_key_id: str, token: str | None, now: datetime) -> Known:
        """Return who the credentials stand for. That the caller holds the secret is still to be proved.

        Raises CredentialProblem: for an unknown or inactive key, one whose owner is gone, a temporary key without
        its token, a token with a long-term key, a token that does not open or belongs to another key, and for a
        session that is over, revoked, or issued by a clock that has been set back since: it would live too long.
        """
        mark = view.watermark()
        if mark != self._kept.mark:
            self._kept = _Kept(mark)
        kept = self._kept
        known = kept.known.get((access_key_id, token))
        if known is None:
            self.misses += 1
            if token is None:
                known = _long_term(view, access_key_id)
            else:
                kept.ring = kept.ring or session_keys(view)
                known = _temporary(view, kept.ring, access_key_id, token)
            if len(kept.known) >= _KEPT:
                kept.known.clear()
            kept.known[access_key_id, token] = known
        if known.expires is not None and now >= known.expires:
            raise CredentialProblem(Unproved.EXPIRED, access_key_id, token, "the session has expired")
        if known.issued is not None and known.issued > now + SKEW:
            raise CredentialProblem(Unproved.EXPIRED, access_key_id, token, "the session was issued in time to come")
        return known


def _long_term(view: Snapshot, access_key_id: str) -> Known:
    key = access_key(view, access_key_id)
    if key is None or key.access_key_id != access_key_id:
        raise CredentialProblem(Unproved.KEY, access_key_id, None, "no such access key, or a temporary one alone")
    if key.status != "Active":
        raise CredentialProblem(Unproved.KEY, access_key_id, None, "the access key is inactive")
    secret = secret_of(view, access_key_id)
    if not secret:
        raise CredentialProblem(Unproved.KEY, access_key_id, None, "the access key has no secret")
    owner = None if key.user_id is None else user(view, key.account, key.user_id)
    if key.user_id is not None and owner is None:
        raise CredentialProblem(Unproved.KEY, access_key_id, None, "the key's user is gone")
    caller = Caller(
        principal=_own_principal(view, key.account, owner),
        account=key.account,
        access_key_id=access_key_id,
        key=key,
        user=owner,
        tags=owner.tags if owner else {},
    )
    return Known(caller, secret)


def _temporary(view: Snapshot, ring: SessionKeys, access_key_id: str, token: str) -> Known:
    try:
        session, secret = open_token(ring, token)
    except TokenInvalid as invalid:
        raise CredentialProblem(Unproved.TOKEN, access_key_id, token, f"the token is invalid: {invalid}") from None
    if session.access_key_id != access_key_id:
        raise CredentialProblem(Unproved.TOKEN, access_key_id, token, "the token belongs to another access key")
    if is_revoked(view, session.session_id) or is_revoked(view, session.access_key_id.encode()):
        raise CredentialProblem(Unproved.TOKEN, access_key_id, token, "the session was revoked")
    caller = _session_caller(view, session)
    if caller is None:
        raise CredentialProblem(Unproved.KEY, access_key_id, token, "the session's user or role is gone")
    return Known(caller, secret, session.issued, session.expires)


def _session_caller(view: Snapshot, session: Session) -> Caller | None:
    """Return the caller that a session stands for, None where its user or role is gone."""
    if session.kind is SessionKind.ROLE:
        return _role_session(view, session)
    owner = user(view, session.account, session.owner_id) if session.owner_id else None
    if session.owner_id and owner is None:
        return None
    principal = _own_principal(view, session.account, owner)
    tags: Mapping[str, str] = owner.tags if owner else {}
    if session.kind is SessionKind.FEDERATION:
        tags = overlaid(tags, session.session_tags)
        principal = Principal(
            PrincipalKind.FEDERATED_USER,
            arn=federated_user_arn(session.account, session.name),
            account=session.account,
            unique_id=f"{session.account}:{session.name}",
            owner_arn=principal.arn,
            owner_id=session.owner_id,
            canonical_id=principal.canonical_id,
        )
    return Caller(principal, session.account, session.access_key_id, session=session, user=owner, tags=tags)


def _role_session(view: Snapshot, session: Session) -> Caller | None:
    assumed = role(view, session.account, session.owner_id)
    if assumed is None:
        return None
    principal = Principal(
        PrincipalKind.ROLE_SESSION,
        arn=assumed_role_arn(session.account, assumed.name, session.name),
        account=session.account,
        unique_id=f"{assumed.role_id}:{session.name}",
        owner_arn=assumed.arn,
        owner_id=assumed.role_id,
        canonical_id=_canonical_id(view, session.account),
    )
    tags = overlaid(assumed.tags, session.session_tags)
    return Caller(principal, session.account, session.access_key_id, session=session, role=assumed, tags=tags)


def _own_principal(view: Snapshot, account_id: str, owner: User | None) -> Principal:
    """Return the principal of a user, or of the account's root."""
    return Principal(
        PrincipalKind.ROOT if owner is None else PrincipalKind.USER,
        arn=root_arn(account_id) if owner is None else owner.arn,
        account=account_id,
        unique_id=account_id if owner is None else owner.user_id,
        canonical_id=_canonical_id(view, account_id),
    )


def _canonical_id(view: Snapshot, account_id: str) -> str:
    found = account(view, account_id)
    return found.canonical_id if found else ""


def overlaid(tags: Mapping[str, str], by: Mapping[str, str]) -> dict[str, str]:
    """Return `tags` with those of `by` put over them; keys are compared without case, as AWS does.

    Two keys are one where their condition keys are: a wider folding would let a tag hide another one unnoticed.
    """
    replaced = {key.lower() for key in by}
    return {**{key: value for key, value in tags.items() if key.lower() not in replaced}, **by}
