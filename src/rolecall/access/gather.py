"""What applies to a caller and a check: policies compiled and looked up, each once while nothing has changed.

Two caches, both of one process. Compiled policies are kept by their text. What was looked up (who has which policies,
what a role's trust policy says) is kept under the store's watermark, which every change of identities and policies
moves. Of what is read inside a transaction nothing is kept: its state may never become true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from rolecall.access.caller import Caller
from rolecall.access.check import Check, Guard
from rolecall.access.public import is_public
from rolecall.buckets import bucket
from rolecall.catalog import managed_policies
from rolecall.directory.accounts import account as account_record
from rolecall.directory.policies import attached_policies, default_version, inline_policies
from rolecall.directory.principals import Group, Role, User, groups_of, role, user
from rolecall.directory.sessions import Session, SessionKeys, SessionKind, session_keys
from rolecall.directory.trust import show_principal
from rolecall.identifiers import UNIQUE_ID
from rolecall.policy.compile import CompiledPolicy, compile_policy
from rolecall.policy.decide import Attached, Policies
from rolecall.policy.document import Document
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.request import PrincipalKind
from rolecall.store.interface import Snapshot, StoreUnavailable

Levels = tuple[tuple[Attached, ...], ...]
_E = TypeVar("_E", User, Role)

_COMPILED = 4096
_KEPT = 50_000
_ROOT_MAY_ALWAYS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_AWS_MANAGED = "arn:aws:iam::aws:policy/"
_FOR_EVERY_USER = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "iam:ChangePassword",
   "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]},
  {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}]}"""
"""Their own user, whatever its path: a name is an account's only one. AWS's IAMUserChangePassword knows no path."""


class PolicyBroken(Exception):
    """A stored policy that applies to the request cannot be read, or is gone: the request must be refused."""


@dataclass(frozen=True, slots=True)
class Own:
    """The policies on the caller's side, the same for every check of a request."""

    identity: tuple[Attached, ...] = ()
    boundary: Attached | None = None
    session: tuple[Attached, ...] | None = None
    scps: Levels = ()


@dataclass(frozen=True, slots=True)
class Guarding:
    """What the resource's side says."""

    policy: Attached | None = None
    rcps: Levels = ()
    owner_only: bool = False
    """S3 Block Public Access restricts it: the policy is public, and so serves the owner's account alone."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that one check of a caller is decided by."""

    policies: Policies
    shut_out: bool = False
    """The caller is a stranger to a bucket that S3 Block Public Access restricts."""


@dataclass(slots=True)
class _Kept:
    """What was looked up while the store stood at one mark."""

    mark: bytes
    own: dict[tuple[PrincipalKind, str, str], Own] = field(default_factory=dict)
    sessions: dict[bytes, tuple[Attached, ...]] = field(default_factory=dict)
    guarding: dict[tuple[Guard, str, str], Guarding] = field(default_factory=dict)
    gathered: dict[tuple[bytes | str, Guard | None, str | None, str, bool], Gathered] = field(default_factory=dict)
    keys: SessionKeys | None = None

    def is_full(self) -> bool:
        return len(self.own) + len(self.sessions) + len(self.guarding) + len(self.gathered) > _KEPT


class Lookups:
    """A process's caches of what was looked up. For the one thread that opens views, and for transactions."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept = _Kept(b"")
        self._view: Snapshot | None = None
        """The view that was looked at last: it shows one state, so its mark is read once."""
        self.misses = 0
        """How often a caller's policies had to be collected."""

    def gather(self, caller: Caller, check: Check, view: Snapshot) -> Gathered:
        """Return everything that a check of a caller is decided by. Raises PolicyBroken."""
        kept = self._at(view)
        who = caller.session.session_id if caller.session is not None else caller.access_key_id
        key = (who, check.guard, check.account, check.guarded_by, check.action in _ROOT_MAY_ALWAYS)
        gathered = kept.gathered.get(key)
        if gathered is None:
            self.misses += 1
            gathered = kept.gathered[key] = _gather(caller, check, view, kept)
        return gathered

    def session_keys(self, view: Snapshot) -> SessionKeys | None:
        """Return the ring of session keys; None where the store holds none."""
        kept = self._at(view)
        if kept.keys is None:
            try:
                kept.keys = session_keys(view)
            except StoreUnavailable:
                return None
        return kept.keys

    def _at(self, view: Snapshot) -> _Kept:
        """Return what is kept for the state of `view`: for a transaction, a fresh sheet that is thrown away."""
        if view is not self._view:
            if hasattr(view, "put"):
                return _Kept(b"")
            mark = view.watermark()
            if mark != self._kept.mark or self._kept.is_full():
                self._kept = _Kept(mark)
            self._view = view
        return self._kept


def _gather(caller: Caller, check: Check, view: Snapshot, kept: _Kept) -> Gathered:
    own = _own(caller, view, kept)
    guarding = _guarding(caller, check, view, kept)
    return Gathered(
        Policies(
            identity=own.identity,
            boundary=own.boundary,
            session=own.session,
            resource=guarding.policy,
            scps=own.scps,
            rcps=guarding.rcps,
        ),
        shut_out=guarding.owner_only and caller.account != check.account,
    )


_UNGUARDED = Guarding()


@lru_cache(maxsize=_COMPILED)
def _compiled(text: str) -> tuple[Document, CompiledPolicy]:
    document = parse(text)
    return document, compile_policy(document)


def _attached(
    text: str | None, source: str, path: tuple[str, ...], name: str = "", arn: str | None = None, version: int = 0
) -> Attached:
    """Return a stored policy as the decision takes it. Raises PolicyBroken."""
    if text is None:
        raise PolicyBroken(f"{source}: the policy does not exist")
    try:
        compiled = _compiled(text)[1]
    except PolicyUnreadable as error:
        raise PolicyBroken(f"{source}: {error}") from error
    return Attached(compiled, source, arn, name, f"v{version}" if version else "", path)


def _managed(view: Snapshot, arn: str, source: str, path: tuple[str, ...]) -> Attached:
    name = arn.rpartition("/")[2]
    if arn.startswith(_AWS_MANAGED):
        theirs = managed_policies.find(arn)
        return _attached(
            managed_policies.document(arn), source, path, name, arn, theirs.default_version if theirs else 0
        )
    own = default_version(view, arn)
    return _attached(own.text if own else None, source, path, name, arn, own.number if own else 0)


def _own(caller: Caller, view: Snapshot, kept: _Kept) -> Own:
    if caller.is_anonymous:
        return _NOBODY
    owner = caller.role.role_id if caller.role is not None else caller.user.user_id if caller.user is not None else ""
    key = (caller.principal.kind, caller.account, owner)
    own = kept.own.get(key)
    if own is None:
        own = kept.own[key] = _load_own(caller, view)
    session = caller.session
    if session is None or not _is_limited(session):
        return own
    limits = kept.sessions.get(session.session_id)
    if limits is None:
        limits = kept.sessions[session.session_id] = _session_policies(session, view)
    return Own(own.identity, own.boundary, limits, own.scps)


_NOBODY = Own()


def _load_own(caller: Caller, view: Snapshot) -> Own:
    scps = _service_control_policies(view, caller.account)
    if caller.role is not None:
        return _of_role(view, _still_there(role(view, caller.account, caller.role.role_id)), scps)
    if caller.user is not None:
        return _of_user(view, _still_there(user(view, caller.account, caller.user.user_id)), scps)
    if caller.principal.kind in {PrincipalKind.ROOT, PrincipalKind.FEDERATED_USER}:
        return Own(scps=scps)  # root, or a session that root federated: no policies of their own
    raise PolicyBroken(f"a {caller.principal.kind.value} without a user or role")


def policies_of(view: Snapshot, entity: User | Group | Role) -> Own:
    """Return the policies on the side of a user or role, or those of a group. Raises PolicyBroken."""
    if isinstance(entity, Group):
        return Own(tuple(_policies_of(view, entity.account, entity.group_id, (f"group/{entity.name}",))))
    scps = _service_control_policies(view, entity.account)
    return _of_role(view, entity, scps) if isinstance(entity, Role) else _of_user(view, entity, scps)


def trust_policy(view: Snapshot, account: str, role_id: str) -> Guarding:
    """Return what the trust policy of a role says, and what binds it. Raises PolicyBroken."""
    return _trust(view, account, role_id)


def _still_there(entity: _E | None) -> _E:
    if entity is None:
        raise PolicyBroken("the caller was deleted meanwhile")
    return entity


def _of_role(view: Snapshot, owner: Role, scps: Levels) -> Own:
    identity = _policies_of(view, owner.account, owner.role_id, (f"role/{owner.name}",))
    return Own(tuple(identity), _boundary(view, owner), scps=() if owner.is_service_linked else scps)


def _of_user(view: Snapshot, owner: User, scps: Levels) -> Own:
    name = f"user/{owner.name}"
    identity = _policies_of(view, owner.account, owner.user_id, (name,))
    for group in groups_of(view, owner.account, owner.user_id):
        identity += _policies_of(view, owner.account, group.group_id, (name, f"group/{group.name}"))
    identity += _of_every_user(view, owner.account, name)
    return Own(tuple(identity), _boundary(view, owner), scps=scps)


def _of_every_user(view: Snapshot, account: str, name: str) -> list[Attached]:
    """Return what the account's password policy lets each user do: change its own password, and read that policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
    """
    known = account_record(view, account)
    if known is None or known.password_policy is None or not known.password_policy.allow_users_to_change_password:
        return []
    path = (name, "account/password policy")
    return [_attached(_FOR_EVERY_USER, " > ".join(path), path)]


def _policies_of(view: Snapshot, account: str, owner_id: str, path: tuple[str, ...]) -> list[Attached]:
    """Return the inline and the attached policies of a user, group or role, which `path` leads to."""
    source = " > ".join(path)
    inline = [
        _attached(text, f"{source} inline {name}", path, name)
        for name, text in inline_policies(view, account, owner_id)
    ]
    attached = attached_policies(view, account, owner_id)
    return inline + [_managed(view, arn, f"{source} > {arn}", path) for arn in attached]


def _boundary(view: Snapshot, owner: User | Role) -> Attached | None:
    if owner.boundary is None:
        return None
    kind = "role" if isinstance(owner, Role) else "user"
    return _managed(view, owner.boundary, f"permissions boundary {owner.boundary}", (f"{kind}/{owner.name}",))


def _is_limited(session: Session) -> bool:
    """Whether a session has a layer of session policies. A federated user always has, be it an empty one."""
    return session.kind is SessionKind.FEDERATION or bool(session.policies or session.policy_arns)


def _session_policies(session: Session, view: Snapshot) -> tuple[Attached, ...]:
    path = (f"session/{session.name}",)
    inline = [_attached(text, "session policy", path) for text in session.policies]
    named = [_managed(view, arn, f"session policy {arn}", path) for arn in session.policy_arns]
    return (*inline, *named)


def _guarding(caller: Caller, check: Check, view: Snapshot, kept: _Kept) -> Guarding:
    if check.guard is None:
        return _UNGUARDED
    account = check.account or caller.account
    if check.action in _ROOT_MAY_ALWAYS and caller.principal.kind is PrincipalKind.ROOT and account == caller.account:
        return Guarding(rcps=_resource_control_policies(view, account))
    key = (check.guard, account, check.guarded_by)
    guarding = kept.guarding.get(key)
    if guarding is None:
        load = _trust if check.guard is Guard.ROLE else _bucket_policy
        guarding = kept.guarding[key] = load(view, account, check.guarded_by)
    return guarding


def _trust(view: Snapshot, account: str, role_id: str) -> Guarding:
    owner = role(view, account, role_id) if role_id else None
    if owner is None:
        return Guarding()
    rcps = () if owner.is_service_linked else _resource_control_policies(view, account)
    return Guarding(_attached(owner.trust, f"role/{owner.name} trust policy", (f"role/{owner.name}",)), rcps)


def _bucket_policy(view: Snapshot, account: str, name: str) -> Guarding:
    rcps = _resource_control_policies(view, account)
    found = bucket(view, name)
    if found is None or found.policy is None:
        return Guarding(rcps=rcps)
    policy = _attached(found.policy, f"bucket/{name} policy", (f"bucket/{name}",))
    block = found.public_access_block
    restricted = block is not None and block.restrict_public_buckets
    return Guarding(policy, rcps, owner_only=restricted and is_public(_compiled(found.policy)[0]))


def names_in(policy: Attached | None, view: Snapshot) -> dict[str, str]:
    """Return what the unique ids that a resource's policy names stand for now: ARNs of users and roles that live."""
    if policy is None:
        return {}
    principals = (statement.source.principal for statement in policy.policy.statements)
    values = {value.value for principal in principals if principal is not None for value in principal.values}
    return {value: show_principal(view, value) for value in values if UNIQUE_ID.fullmatch(value)}


def _service_control_policies(view: Snapshot, account: str) -> Levels:
    """Return the SCPs that bind an account, a tuple a level from root to account: none outside an organization."""
    del view, account
    return ()


def _resource_control_policies(view: Snapshot, account: str) -> Levels:
    """Return the RCPs over an account's resources, a tuple a level: none outside an organization."""
    del view, account
    return ()
