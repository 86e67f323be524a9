"""Passwords of users, held against the account's password policy."""

from __future__ import annotations

import string

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory.accounts import PasswordPolicy
from rolecall.directory.accounts import account as account_record
from rolecall.directory.passwords import (
    LoginProfile,
    delete_login_profile,
    login_profile,
    password_matches,
    put_login_profile,
    was_used,
)
from rolecall.directory.principals import User
from rolecall.identifiers import root_arn
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.services.iam.access import on_self, on_user, user_check
from rolecall.services.iam.finding import the_user, user_itself
from rolecall.services.iam.parameters import OfSelf, OfUser
from rolecall.services.iam.refusals import exists_already, no_such_entity
from rolecall.services.iam.table import operations
from rolecall.services.operation import Parameters, Result
from rolecall.store.interface import Snapshot, Transaction

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


def _hold(view: Snapshot, account: str, profile: LoginProfile | None, password: str) -> None:
    """Raise PasswordPolicyViolation unless the account's policy, or AWS's where there is none, accepts a password."""
    record = account_record(view, account)
    policy = record.password_policy if record is not None else None
    if policy is None:
        _hold_to_default(password)
        return
    _hold_to(policy, password)
    reuse = policy.password_reuse_prevention
    if reuse and profile is not None and was_used(view, profile, password, reuse):
        raise _violation("Policy constraint violation with password reuse prevention during password change.")


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


@operations.write("CreateLoginProfile", NewLogin, on_self("CreateLoginProfile"))
def create_login_profile(allowed: Allowed, parameters: NewLogin, transaction: Transaction) -> Result:
    """Give a user a password."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    if login_profile(transaction, owner.account, owner.user_id) is not None:
        raise exists_already(f"Login Profile for user {owner.name} already exists.")
    if parameters.password is None:
        raise ServiceError("ValidationError", "A password must be specified.")
    _hold(transaction, owner.account, None, parameters.password)
    profile = LoginProfile(
        account=owner.account,
        user_id=owner.user_id,
        created=allowed.now.replace(microsecond=0),
        changed=allowed.now.replace(microsecond=0),
        reset_required=parameters.password_reset_required,
    )
    put_login_profile(transaction, profile, parameters.password)
    return {"login_profile": _shown(owner, profile)}


@operations.read("GetLoginProfile", OfSelf, on_self("GetLoginProfile"))
def get_login_profile(allowed: Allowed, parameters: OfSelf, view: Snapshot) -> Result:
    """Tell whether a user has a password, and since when."""
    owner = user_itself(view, allowed.caller, parameters.user_name)
    return {"login_profile": _shown(owner, _profile(view, owner))}


@operations.write("UpdateLoginProfile", ChangedLogin, on_user("UpdateLoginProfile"))
def update_login_profile(allowed: Allowed, parameters: ChangedLogin, transaction: Transaction) -> Result:
    """Give a user another password, or demand that it chooses one."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    old = _profile(transaction, owner)
    if parameters.password is not None:
        _hold(transaction, owner.account, old, parameters.password)
    reset = old.reset_required if parameters.password_reset_required is None else parameters.password_reset_required
    changed = old.changed if parameters.password is None else allowed.now.replace(microsecond=0)
    put_login_profile(
        transaction, msgspec.structs.replace(old, reset_required=reset, changed=changed), parameters.password
    )
    return {}


@operations.write("DeleteLoginProfile", OfSelf, on_self("DeleteLoginProfile"))
def remove_login_profile(allowed: Allowed, parameters: OfSelf, transaction: Transaction) -> Result:
    """Take a user's password away."""
    delete_login_profile(
        transaction, _profile(transaction, user_itself(transaction, allowed.caller, parameters.user_name))
    )
    return {}


@operations.write("ChangePassword", TwoPasswords, CHANGE)
def change_password(allowed: Allowed, parameters: TwoPasswords, transaction: Transaction) -> Result:
    """Change one's own password, knowing the old one."""
    caller = allowed.caller
    if caller.principal.kind is not PrincipalKind.USER or caller.user is None:
        raise ServiceError("InvalidUserType", "Only IAM users can change their password this way.")
    owner = the_user(transaction, caller.account, caller.user.name)
    old = _profile(transaction, owner)
    if not password_matches(transaction, old, parameters.old_password):
        raise ServiceError("AccessDenied", "The old password was incorrect.", 403)
    _hold(transaction, owner.account, old, parameters.new_password)
    new = msgspec.structs.replace(old, reset_required=False, changed=allowed.now.replace(microsecond=0))
    put_login_profile(transaction, new, parameters.new_password)
    return {}
