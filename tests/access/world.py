"""An account in a store, and calls into it by the rules: credentials looked up, checks declared, authorized, run.

Only the wire is left out: parameters come as it would parse them, answers as it would get them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rolecall.access.allowed import Allowed
from rolecall.access.audit import Happened
from rolecall.access.authenticate import NOBODY, Authenticated
from rolecall.access.authorize import Decided, Denied, authorize, decisions_of
from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.check import Check, Denial, Guard
from rolecall.access.credentials import KnownCredentials
from rolecall.access.gather import Lookups
from rolecall.clock import FixedClock
from rolecall.directory import policies, principals
from rolecall.directory.accounts import Account, put_account
from rolecall.directory.credentials import AccessKey, create_access_key
from rolecall.directory.principals import Group, Role, User
from rolecall.directory.sessions import ensure_session_keys
from rolecall.identifiers import iam_arn
from rolecall.message import Request
from rolecall.services.operation import Manner, Operations
from rolecall.sigv4.signature import Scheme
from rolecall.store.interface import Transaction
from rolecall.store.sqlite import SqliteStore

ACCOUNT = "111122223333"
OTHER = "444455556666"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

Document = Mapping[str, object]


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(principal: object, action: object = "sts:AssumeRole", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def document(*statements: Document) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class NoBody:
    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


def a_request(headers: Mapping[str, str] | None = None, *, secure: bool = False, client: str = "192.0.2.7") -> Request:
    lines = {"host": "localhost", "user-agent": "a-client/1.0", **(headers or {})}
    return Request("POST", b"/", b"", tuple(lines.items()), NoBody(), secure=secure, client=client)


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    token: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Credentials:
        given = answer["credentials"]
        return cls(given["access_key_id"], given["session_token"])


class World:
    """An account with its root user's key, and whoever is added."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = FixedClock(START)
        self.known = KnownCredentials()
        self.lookups = Lookups()
        self._numbers = itertools.count(1)
        self.change(self._begin)
        self.root = Credentials(self._key(ACCOUNT, None))

    def _begin(self, transaction: Transaction) -> None:
        for account in (ACCOUNT, OTHER):
            put_account(transaction, Account(account_id=account, created=START, canonical_id=account.zfill(64)))
        ensure_session_keys(transaction, START)

    def change(self, work: Any) -> Any:
        return self.store.write_now(work)

    def _id(self, prefix: str) -> str:
        number = next(self._numbers)
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        return prefix + "TEST" + "".join(letters[(number >> shift) & 31] for shift in range(60, -1, -5))

    def _key(self, account: str, user_id: str | None) -> str:
        key_id = self._id("AKIA")[:20]
        number = next(self._numbers)
        key_id = f"AKIA{number:016d}".translate(str.maketrans("0189", "ABCD"))
        key = AccessKey(access_key_id=key_id, account=account, user_id=user_id, created=START)
        self.change(lambda transaction: create_access_key(transaction, key, "secret" * 6))
        return key_id

    def user(
        self,
        name: str,
        *statements: Document,
        account: str = ACCOUNT,
        path: str = "/",
        tags: Mapping[str, str] | None = None,
        boundary: str | None = None,
    ) -> Credentials:
        """Add a user with an inline policy of these statements, and return its key."""
        new = User(
            user_id=self._id("AIDA"),
            account=account,
            name=name,
            path=path,
            created=START,
            tags=dict(tags or {}),
            boundary=boundary,
        )
        self.change(lambda transaction: principals.create_user(transaction, new))
        if statements:
            self.inline(new.user_id, document(*statements), account=account)
        return Credentials(self._key(account, new.user_id))

    def role(
        self,
        name: str,
        trust: Document | str,
        *statements: Document,
        account: str = ACCOUNT,
        path: str = "/",
        tags: Mapping[str, str] | None = None,
        boundary: str | None = None,
        seconds: int = 3600,
    ) -> Role:
        """Add a role with a trust policy (one statement, or a whole text) and an inline policy of these statements."""
        new = Role(
            role_id=self._id("AROA"),
            account=account,
            name=name,
            path=path,
            created=START,
            trust=trust if isinstance(trust, str) else document(trust),
            max_session_duration=seconds,
            tags=dict(tags or {}),
            boundary=boundary,
        )
        self.change(lambda transaction: principals.create_role(transaction, new))
        if statements:
            self.inline(new.role_id, document(*statements), account=account)
        return new

    def group(self, name: str, member: str, *statements: Document) -> Group:
        new = Group(group_id=self._id("AGPA"), account=ACCOUNT, name=name, created=START)
        self.change(lambda transaction: principals.create_group(transaction, new))
        self.inline(new.group_id, document(*statements))
        self.change(lambda transaction: principals.add_member(transaction, ACCOUNT, new.group_id, self.user_id(member)))
        return new

    def inline(self, owner_id: str, text: str, name: str = "inline", account: str = ACCOUNT) -> None:
        self.change(lambda transaction: policies.put_inline_policy(transaction, account, owner_id, name, text))

    def managed(self, name: str, *statements: Document, text: str | None = None, account: str = ACCOUNT) -> str:
        new = policies.ManagedPolicy(
            policy_id=self._id("ANPA"), account=account, name=name, created=START, updated=START
        )
        self.change(lambda transaction: policies.create_policy(transaction, new, text or document(*statements)))
        return new.arn

    def attach(self, owner_id: str, arn: str) -> None:
        self.change(lambda transaction: policies.attach(transaction, ACCOUNT, owner_id, arn))

    def user_id(self, name: str, account: str = ACCOUNT) -> str:
        with self.store.view() as view:
            found = principals.user_named(view, account, name)
        assert found is not None
        return found.user_id

    def caller(self, who: Credentials | None) -> Caller:
        if who is None:
            return NOBODY
        with self.store.view() as view:
            return self.known.find(view, who.access_key_id, who.token, self.clock.now()).caller

    def authenticated(self, who: Credentials | None, region: str = "eu-central-1") -> Authenticated:
        scheme = Scheme.HEADER if who is not None else None
        return Authenticated(self.caller(who), SignatureFacts(scheme, region if who else "", self.clock.now()))

    def ask(
        self,
        who: Credentials | None,
        *checks: Check,
        denial: Denial = Denial.FULL,
        every_caller: bool = False,
        unsigned: bool = False,
        operation: str = "test:Operation",
        request: Request | None = None,
    ) -> Allowed:
        """Have checks of a caller authorized."""
        with self.store.view() as view:
            return authorize(
                authenticated=self.authenticated(who),
                call_checks=checks,
                denial=denial,
                every_caller=every_caller,
                unsigned=unsigned,
                request=request or a_request(),
                operation=operation,
                view=view,
                now=self.clock.now(),
                request_id="00000000-0000-4000-8000-000000000000",
                lookups=self.lookups,
            )

    def decided(self, who: Credentials | None, check: Check, **options: Any) -> Decided:
        """Return what became of one check."""
        try:
            return decisions_of(self.ask(who, check, **options))[-1]
        except Denied as denied:
            return denied.decisions[-1]

    def call(
        self,
        table: Operations,
        who: Credentials | None,
        operation_name: str,
        /,
        request: Request | None = None,
        **parameters: object,
    ) -> dict[str, Any]:
        """Call an operation that reads or writes."""
        operation = next(one for one in table if one.name == operation_name)
        sent = request or a_request()
        call = operation.call(parameters)
        with self.store.view() as view:
            checks = call.checks(self.caller(who), sent, view, self.clock.now())
            allowed = authorize(
                authenticated=self.authenticated(who),
                call_checks=checks,
                denial=operation.denial,
                every_caller=operation.every_caller,
                unsigned=operation.unsigned,
                request=sent,
                operation=f"{operation.service}:{operation_name}",
                view=view,
                now=self.clock.now(),
                request_id="00000000-0000-4000-8000-000000000000",
                lookups=self.lookups,
            )
            assert allowed.is_for(sent, f"{operation.service}:{operation_name}")
            if call.manner is Manner.READ:
                return dict(call.read(allowed, view, None))  # type: ignore[arg-type]  # no operation here has objects
        return dict(self.change(lambda transaction: call.write(allowed, transaction)))

    def happened(self, who: Credentials | None, number: int = 1, **facts: Any) -> Happened:
        """Return what the trail hears of a request."""
        return Happened(
            request=a_request(),
            request_id=f"00000000-0000-4000-8000-{number:012d}",
            status=facts.pop("status", 200),
            account=ACCOUNT,
            service=facts.pop("service", "iam"),
            operation=facts.pop("operation", "GetUser"),
            caller=self.caller(who),
            signature=self.authenticated(who).facts,
            **facts,
        )

    def wait(self, **time: float) -> None:
        self.clock.advance(timedelta(**time))


def role_check(role: Role, action: str = "sts:AssumeRole", **context: Any) -> Check:
    return Check(action, role.arn, role.account, context, guard=Guard.ROLE, guarded_by=role.role_id)


def arn_of_user(name: str, account: str = ACCOUNT) -> str:
    return iam_arn(account, "user", "/", name)
