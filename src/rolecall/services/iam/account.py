"""The account: its alias and its password policy."""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.directory.accounts import Account, PasswordPolicy, account_with_alias, put_account
from rolecall.directory.accounts import account as account_record
from rolecall.identifiers import ACCOUNT_ID
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_account
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.refusals import exists_already, invalid_input, no_such_entity
from rolecall.services.iam.table import operations
from rolecall.services.operation import NoParameters, Parameters, Result
from rolecall.store.interface import Snapshot, Transaction


class Alias(Parameters, frozen=True, kw_only=True):
    """Of CreateAccountAlias and DeleteAccountAlias."""

    account_alias: str


class AliasPage(Parameters, frozen=True, kw_only=True):
    """Of ListAccountAliases."""

    marker: str | None = None
    max_items: int | None = None


class NewPasswordPolicy(PasswordPolicy, Parameters, frozen=True, kw_only=True):
    """Of UpdateAccountPasswordPolicy: what is not said becomes the default."""


def _account(view: Snapshot, allowed: Allowed) -> Account:
    found = account_record(view, allowed.caller.account)
    if found is None:
        raise ServiceError("ServiceFailure", "The account is not known here.", 500)
    return found


@operations.write("CreateAccountAlias", Alias, on_account("CreateAccountAlias"))
def create_account_alias(allowed: Allowed, parameters: Alias, transaction: Transaction) -> Result:
    """Give the account its alias, in place of another one."""
    if account_with_alias(transaction, parameters.account_alias) is not None:
        raise exists_already(f"The account alias {parameters.account_alias} already exists.")
    if ACCOUNT_ID.fullmatch(parameters.account_alias):
        raise invalid_input("An account alias must not be 12 digits.")
    put_account(transaction, msgspec.structs.replace(_account(transaction, allowed), alias=parameters.account_alias))
    return {}


@operations.write("DeleteAccountAlias", Alias, on_account("DeleteAccountAlias"))
def delete_account_alias(allowed: Allowed, parameters: Alias, transaction: Transaction) -> Result:
    """Take the account's alias away."""
    known = _account(transaction, allowed)
    if known.alias != parameters.account_alias:
        raise no_such_entity(f"The account alias with name {parameters.account_alias} cannot be found.")
    put_account(transaction, msgspec.structs.replace(known, alias=None))
    return {}


@operations.read("ListAccountAliases", AliasPage, on_account("ListAccountAliases"))
def list_account_aliases(allowed: Allowed, parameters: AliasPage, view: Snapshot) -> Result:
    """List the account's alias, if it has one."""
    alias = _account(view, allowed).alias
    page, more = page_of([] if alias is None else [alias], str, parameters)
    return {"account_aliases": page, **more}


@operations.write("UpdateAccountPasswordPolicy", NewPasswordPolicy, on_account("UpdateAccountPasswordPolicy"))
def update_account_password_policy(allowed: Allowed, parameters: NewPasswordPolicy, transaction: Transaction) -> Result:
    """Set the account's password policy as a whole."""
    put_account(transaction, msgspec.structs.replace(_account(transaction, allowed), password_policy=parameters))
    return {}


@operations.read("GetAccountPasswordPolicy", NoParameters, on_account("GetAccountPasswordPolicy"))
def get_account_password_policy(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """Return the account's password policy, if one is set."""
    del parameters
    policy = _account(view, allowed).password_policy
    if policy is None:
        raise _no_policy(allowed)
    members: dict[str, object] = dict(msgspec.structs.asdict(policy))
    return {"password_policy": members | {"expire_passwords": policy.max_password_age is not None}}


@operations.write("DeleteAccountPasswordPolicy", NoParameters, on_account("DeleteAccountPasswordPolicy"))
def delete_account_password_policy(allowed: Allowed, parameters: NoParameters, transaction: Transaction) -> Result:
    """Remove the account's password policy."""
    del parameters
    known = _account(transaction, allowed)
    if known.password_policy is None:
        raise _no_policy(allowed)
    put_account(transaction, msgspec.structs.replace(known, password_policy=None))
    return {}


def _no_policy(allowed: Allowed) -> ServiceError:
    return no_such_entity(f"The Password Policy with domain name {allowed.caller.account} cannot be found.")
