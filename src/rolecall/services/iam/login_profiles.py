"""Passwords of users, held against the account's password policy."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory.accounts import PasswordPolicy
from rolecall.directory.accounts import account as account_record
from rolecall.directory.passwords import (
    Hashed,
    LoginProfile,
    delete_login_profile,
    hashed,
    hashes_of,
    is_among,
    login_profile,
    put_login_profile,
)
from rolecall.directory.principals import User, user
from rolecall.identifiers import root_arn
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.services.iam.access import on_self, on_user, user_check
from rolecall.services.iam.finding import the_user, user_itself
from rolecall.services.iam.parameters import OfSelf, OfUser
from rolecall.services.iam.refusals import exists_already, no_such_entity
from rolecall.services.iam.table import operations
from rolecall.services.operation import Parameters, Result, Streams
from rolecall.store.interface import Snapshot, Transaction

_HASHING = ThreadPoolExecutor(1, thread_name_prefix="passwords")
"""One thread a process: whoever asks for many hashes waits for itself, and objects keep theirs."""

_SYMBOLS = "!@#$%^&*()_+-=[]{}|'"
_DEFAULT_LENGTH = 8
_DEFAULT_CLASSES = 3


class NewLogin(OfSelf, frozen=True, kw_only=True):
    """Of CreateLoginProfile."""

    password: str | None = None
    password_reset_required: bool = False


class ChangedLogin(OfUser, frozen=True, kw_only=True):
    """Of UpdateLoginProfile."""

    password: str | None = None
    password_reset_required: bool | None = None


class TwoPasswords(Parameters, frozen=True, kw_only=True):
    """Of ChangePassword."""

    old_password: str
    new_password: str


def _change_check(ask: Ask[TwoPasswords]) -> list[Check]:
    caller = ask.caller
    if caller.principal.kind is PrincipalKind.USER and caller.user is not None:
        return [user_check(ask, "ChangePassword", caller.user.name)]
    return [Check("iam:ChangePassword", root_arn(caller.account))]


CHANGE: Access[TwoPasswords] = Access(_change_check)


def _violation(message: str) -> ServiceError:
    return ServiceError("PasswordPolicyViolation", message)


def _hold(view: Snapshot, account: str, password: str) -> int:
    """Return how many of the passwords before it a new one must not be.

    Raises PasswordPolicyViolation unless the account's policy, or AWS's where there is none, accepts it.
    """
    record = account_record(view, account)
    policy = record.password_policy if record is not None else None
    if policy is None:
        _hold_to_default(password)
        return 0
    _hold_to(policy, password)
    return policy.password_reuse_prevention or 0


async def _hashed(password: str, used: Sequence[Hashed]) -> Hashed:
    """Hash a new password, which must be none of those `used`.

    It takes a tenth of a second for each: beside the loop, and outside of the transaction that all others wait for.
    """
    if await _is_among(used, password):
        raise _violation("Policy constraint violation with password reuse prevention during password change.")
    return await asyncio.get_running_loop().run_in_executor(_HASHING, hashed, password)


async def _is_among(known: Sequence[Hashed], password: str) -> bool:
    return await asyncio.get_running_loop().run_in_executor(_HASHING, is_among, known, password)


def _as_it_was(transaction: Transaction, owner: User, known: Sequence[Hashed]) -> LoginProfile:
    """Return the profile of the very user, whose passwords must still be the `known` ones. Raises ServiceError."""
    found = login_profile(transaction, owner.account, owner.user_id)
    if user(transaction, owner.account, owner.user_id) is None or found is None:
        raise no_such_entity(f"Login Profile for User {owner.name} cannot be found.")
    if hashes_of(transaction, found) != known:
        message = "The password was changed meanwhile. Please try again."
        raise ServiceError("EntityTemporarilyUnmodifiable", message, 409)
    return found


def _classes(password: str) -> dict[str, bool]:
    return {
        "uppercase letter": any(letter in string.ascii_uppercase for letter in password),
        "lowercase letter": any(letter in string.ascii_lowercase for letter in password),
        "number": any(letter in string.digits for letter in password),
        "symbol": any(letter in _SYMBOLS for letter in password),
    }


def _hold_to_default(password: str) -> None:
    if len(password) < _DEFAULT_LENGTH:
        raise _violation(f"Password should have a minimum length of {_DEFAULT_LENGTH}")
    if sum(_classes(password).values()) < _DEFAULT_CLASSES:
        raise _violation(
            "Password should have a minimum of three of the following mix of character types: uppercase, lowercase,"
            " numbers, and non-alphanumeric character"
        )


def _hold_to(policy: PasswordPolicy, password: str) -> None:
    if len(password) < policy.minimum_password_length:
        raise _violation(f"Password should have a minimum length of {policy.minimum_password_length}")
    required = {
        "uppercase letter": policy.require_uppercase_characters,
        "lowercase letter": policy.require_lowercase_characters,
        "number": policy.require_numbers,
        "symbol": policy.require_symbols,
    }
    for name, present in _classes(password).items():
        if required[name] and not present:
            raise _violation(f"Password should have at least one {name}")


def _profile(view: Snapshot, owner: User) -> LoginProfile:
    found = login_profile(view, owner.account, owner.user_id)
    if found is None:
        raise no_such_entity(f"Login Profile for User {owner.name} cannot be found.")
    return found


def _shown(owner: User, profile: LoginProfile) -> dict[str, object]:
    return {
        "user_name": owner.name,
        "create_date": profile.created,
        "password_reset_required": profile.reset_required,
    }


def _refuse_second(view: Snapshot, owner: User) -> None:
    if login_profile(view, owner.account, owner.user_id) is not None:
        raise exists_already(f"Login Profile for user {owner.name} already exists.")


@operations.stream("CreateLoginProfile", NewLogin, on_self("CreateLoginProfile"))
async def create_login_profile(allowed: Allowed, parameters: NewLogin, streams: Streams) -> Result:
    """Give a user a password."""
    with streams.store.view() as view:
        owner = user_itself(view, allowed.caller, parameters.user_name)
        _refuse_second(view, owner)
        if parameters.password is None:
            raise ServiceError("ValidationError", "A password must be specified.")
        _hold(view, owner.account, parameters.password)
    new = await _hashed(parameters.password, ())
    now = allowed.now.replace(microsecond=0)
    profile = LoginProfile(
        account=owner.account,
        user_id=owner.user_id,
        created=now,
        changed=now,
        reset_required=parameters.password_reset_required,
    )

    def work(transaction: Transaction) -> None:
        if user(transaction, owner.account, owner.user_id) is None:
            raise no_such_entity(f"The user with name {owner.name} cannot be found.")
        _refuse_second(transaction, owner)
        put_login_profile(transaction, profile, new)

    await streams.store.write(work)
    return {"login_profile": _shown(owner, profile)}


@operations.read("GetLoginProfile", OfSelf, on_self("GetLoginProfile"))
def get_login_profile(allowed: Allowed, parameters: OfSelf, view: Snapshot) -> Result:
    """Tell whether a user has a password, and since when."""
    owner = user_itself(view, allowed.caller, parameters.user_name)
    return {"login_profile": _shown(owner, _profile(view, owner))}


@operations.stream("UpdateLoginProfile", ChangedLogin, on_user("UpdateLoginProfile"))
async def update_login_profile(allowed: Allowed, parameters: ChangedLogin, streams: Streams) -> Result:
    """Give a user another password, or demand that it chooses one."""
    with streams.store.view() as view:
        owner = the_user(view, allowed.caller.account, parameters.user_name)
        known = hashes_of(view, _profile(view, owner))
        reuse = 0 if parameters.password is None else _hold(view, owner.account, parameters.password)
    new = None if parameters.password is None else await _hashed(parameters.password, known[:reuse])

    def work(transaction: Transaction) -> None:
        old = _as_it_was(transaction, owner, known)
        reset = parameters.password_reset_required
        changed = msgspec.structs.replace(
            old,
            reset_required=old.reset_required if reset is None else reset,
            changed=old.changed if new is None else allowed.now.replace(microsecond=0),
        )
        put_login_profile(transaction, changed, new)

    await streams.store.write(work)
    return {}


@operations.write("DeleteLoginProfile", OfSelf, on_self("DeleteLoginProfile"))
def remove_login_profile(allowed: Allowed, parameters: OfSelf, transaction: Transaction) -> Result:
    """Take a user's password away."""
    delete_login_profile(
        transaction, _profile(transaction, user_itself(transaction, allowed.caller, parameters.user_name))
    )
    return {}


@operations.stream("ChangePassword", TwoPasswords, CHANGE)
async def change_password(allowed: Allowed, parameters: TwoPasswords, streams: Streams) -> Result:
    """Change one's own password, knowing the old one."""
    caller = allowed.caller
    if caller.principal.kind is not PrincipalKind.USER or caller.user is None:
        raise ServiceError("InvalidUserType", "Only IAM users can change their password this way.")
    with streams.store.view() as view:
        owner = the_user(view, caller.account, caller.user.name)
        known = hashes_of(view, _profile(view, owner))
    if not await _is_among(known[:1], parameters.old_password):
        raise ServiceError("AccessDenied", "The old password was incorrect.", 403)
    with streams.store.view() as view:
        reuse = _hold(view, owner.account, parameters.new_password)
    new = await _hashed(parameters.new_password, known[:reuse])

    def work(transaction: Transaction) -> None:
        old = _as_it_was(transaction, owner, known)
        changed = msgspec.structs.replace(old, reset_required=False, changed=allowed.now.replace(microsecond=0))
        put_login_profile(transaction, changed, new)

    await streams.store.write(work)
    return {}
