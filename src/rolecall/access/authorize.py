"""The authorizer: the only place that makes an `Allowed`.

Everything that is not clearly allowed is refused: an operation that asks for no check, a policy that cannot be read, a
caller that is nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.authenticate import Authenticated
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.check import Check, Denial, Guard
from rolecall.access.context import MFA_PROVED_NOW, global_keys
from rolecall.access.credential_limits import may_call
from rolecall.access.failure import HEADER, failure_message
from rolecall.access.gather import Lookups, PolicyBroken, names_in
from rolecall.access.refusal import refused
from rolecall.access.unproved import missing_authentication
from rolecall.message import Headers, Request, ServiceError
from rolecall.policy.decide import Decision, Layer, Outcome, Policies, decide
from rolecall.policy.request import ContextValue, PolicyRequest
from rolecall.store.interface import Snapshot


class Decided(msgspec.Struct, frozen=True):
    """A check and what became of it."""

    check: Check
    decision: Decision
    question: PolicyRequest | None = None
    policies: Policies | None = None
    """What was asked and what it was decided by, where policies decided: from these the decision can be explained."""
    names: Mapping[str, str] = {}
    """For a refusal, who the unique ids in the resource's policy stand for."""
    broken: str = ""
    """Why the policies could not be asked."""


class Denied(ServiceError):
    """A refusal by policy. `decisions` are those made up to it, the refused one last."""

    def __init__(self, error: ServiceError, decisions: Sequence[Decided]) -> None:
        """Repeat `error` together with the decisions that led to it."""
        super().__init__(
            error.code, error.message, error.status, fields=error.fields, headers=error.headers, reason=error.reason
        )
        self.decisions = tuple(decisions)


class _Granted(Allowed):
    """The one concrete Allowed."""

    __slots__ = (
        "_authenticated",
        "_decisions",
        "_denial",
        "_keys",
        "_lookups",
        "_now",
        "_operation",
        "_request",
        "_request_id",
    )

    def __init__(
        self,
        authenticated: Authenticated,
        request: Request,
        operation: str,
        denial: Denial,
        now: datetime,
        request_id: str,
        lookups: Lookups,
    ) -> None:
        self._authenticated = authenticated
        self._request = request
        self._operation = operation
        self._denial = denial
        self._now = now
        self._request_id = request_id
        self._lookups = lookups
        self._keys: dict[str, ContextValue] | None = None
        self._decisions: list[Decided] = []

    @property
    def caller(self) -> Caller:
        return self._authenticated.caller

    @property
    def signature(self) -> SignatureFacts:
        return self._authenticated.facts

    @property
    def request(self) -> Request:
        return self._request

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def request_id(self) -> str:
        return self._request_id

    @property
    def decisions(self) -> tuple[Decided, ...]:
        return tuple(self._decisions)

    def is_for(self, request: Request, operation: str) -> bool:
        return request is self._request and operation == self._operation

    def permits(self, view: Snapshot, check: Check) -> bool:
        return self._decide(view, check).decision.outcome is Outcome.ALLOW

    def require(self, view: Snapshot, check: Check) -> None:
        decided = self._decide(view, check)
        self._decisions.append(decided)
        if decided.decision.outcome is not Outcome.ALLOW:
            headers = self._sealed(view, decided)
            error = refused(self._denial, self.caller, check, decided.decision, decided.broken, headers)
            raise Denied(error, self._decisions)

    def _sealed(self, view: Snapshot, decided: Decided) -> Headers:
        """Return the header that holds the reasons of a refusal, for DecodeAuthorizationMessage."""
        keys = self._lookups.session_keys(view)
        if keys is None:
            return ()
        check, question = decided.check, decided.question
        context = check.context if question is None else question.context
        message = failure_message(keys, self._denial, self.caller, check, decided.decision, context, decided.policies)
        return () if message is None else ((HEADER, message),)

    def _decide(self, view: Snapshot, check: Check) -> Decided:
        """Decide a check. What cannot be decided is refused."""
        caller = self._authenticated.caller
        if check.guard is Guard.ROLE and not check.guarded_by:
            return Decided(check, _NO_ROLE, broken="there is no such role")
        try:
            gathered = self._lookups.gather(caller, check, view)
        except PolicyBroken as broken:
            return Decided(check, _CLOSED, broken=str(broken))
        if gathered.shut_out:
            return Decided(check, _SHUT_OUT)
        question = policy_request(caller, check, self._global_keys())
        decision = decide(question, gathered.policies)
        names = {} if decision.outcome is Outcome.ALLOW else names_in(gathered.policies.resource, view)
        return Decided(check, decision, question, gathered.policies, names)

    def _global_keys(self) -> dict[str, ContextValue]:
        keys = self._keys
        if keys is None:
            service = self._operation.partition(":")[0]
            known = self._authenticated
            keys = self._keys = global_keys(known.caller, known.facts, self._request, service, self._now)
        return keys


_CLOSED = Decision(Outcome.IMPLICIT_DENY, Layer.IDENTITY, ())
_NO_ROLE = Decision(Outcome.IMPLICIT_DENY, Layer.TRUST, ())
_SHUT_OUT = Decision(Outcome.EXPLICIT_DENY, Layer.RESOURCE, ())


def policy_request(caller: Caller, check: Check, keys: dict[str, ContextValue]) -> PolicyRequest:
    """Return the question that a check of a caller puts to the policies; `keys` are the global condition keys."""
    account = check.account or caller.account
    context = {**check.context, **keys}
    if check.with_mfa:
        context.update(MFA_PROVED_NOW)
    if account:
        context["aws:resourceaccount"] = account
        if check.action.startswith("s3:"):
            context["s3:resourceaccount"] = account
    return PolicyRequest(
        caller.principal,
        check.action,
        check.resource,
        account,
        context,
        must_be_admitted=check.guard is Guard.ROLE,
        needs_both_sides=check.needs_both_sides,
    )


def admit(caller: Caller, operation: str, *, unsigned: bool) -> None:
    """Raise ServiceError where this kind of caller cannot call `operation` (`service:Name`) at all.

    Asked as soon as the caller is known, so that strangers hear nothing of their parameters; `authorize` asks again.
    """
    if not caller.is_anonymous:
        may_call(caller, operation)
    elif not unsigned:
        raise missing_authentication(operation.partition(":")[0])


def authorize(
    *,
    authenticated: Authenticated,
    call_checks: Sequence[Check],
    denial: Denial,
    every_caller: bool,
    unsigned: bool,
    request: Request,
    operation: str,
    view: Snapshot,
    now: datetime,
    request_id: str,
    lookups: Lookups,
) -> Allowed:
    """Return the proof that the caller may have `operation` (`service:Name`) run for it.

    Raises Denied where a check fails, and ServiceError where this kind of caller cannot call the operation at all.
    """
    admit(authenticated.caller, operation, unsigned=unsigned)
    if not call_checks and not every_caller:
        raise ServiceError("AccessDenied", "Access Denied", 403, reason=f"{operation} asked for no check")
    granted = _Granted(authenticated, request, operation, denial, now, request_id, lookups)
    for check in call_checks:
        granted.require(view, check)
    return granted


def decisions_of(allowed: Allowed) -> tuple[Decided, ...]:
    """Return every decision behind an Allowed so far, those of later `require` calls included."""
    return allowed.decisions if isinstance(allowed, _Granted) else ()
