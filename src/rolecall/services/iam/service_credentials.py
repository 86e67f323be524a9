"""Service-specific credentials of users: a name and a password for one service."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory.principals import User, user_named
from rolecall.directory.user_credentials import SERVICE_CREDENTIALS, ServiceCredential
from rolecall.identifiers import new_secret_key, new_unique_id
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_self, self_check, user_check
from rolecall.services.iam.finding import the_user, user_itself
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfSelf, OfUser
from rolecall.services.iam.refusals import no_such_entity, quota_exceeded, status_of
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

CREDENTIALS_PER_SERVICE = 2
PASSWORD_SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com")
"""Services that take a name and a password. Those that take bearer keys are not offered."""


class NewCredential(OfUser, frozen=True, kw_only=True):
    """Of CreateServiceSpecificCredential."""

    service_name: str
    credential_age_days: int | None = None


class OneCredential(OfSelf, frozen=True, kw_only=True):
    """Of ResetServiceSpecificCredential and DeleteServiceSpecificCredential."""

    service_specific_credential_id: str


class CredentialStatus(OneCredential, frozen=True, kw_only=True):
    """Of UpdateServiceSpecificCredential."""

    status: str


class CredentialPage(OfSelf, frozen=True, kw_only=True):
    """Of ListServiceSpecificCredentials."""

    service_name: str | None = None
    all_users: bool = False
    marker: str | None = None
    max_items: int | None = None


def _create_check(ask: Ask[NewCredential]) -> list[Check]:
    parameters = ask.parameters
    keys = {"iam:servicespecificcredentialservicename": parameters.service_name}
    if parameters.credential_age_days is not None:
        keys["iam:servicespecificcredentialagedays"] = str(parameters.credential_age_days)
    return [user_check(ask, "CreateServiceSpecificCredential", parameters.user_name, keys)]


CREATE: Access[NewCredential] = Access(_create_check)


def _changing(action: str) -> Access[OneCredential]:
    return Access(lambda ask: _change_check(ask, action))


def _change_check(ask: Ask[OneCredential], action: str) -> list[Check]:
    """Ask on the user, and say which service the credential is for."""
    name = ask.parameters.user_name or (ask.caller.user.name if ask.caller.user else "")
    owner = user_named(ask.view, ask.caller.account, name)
    found = _find(ask.view, owner, ask.parameters.service_specific_credential_id) if owner else None
    keys = {"iam:servicespecificcredentialservicename": found.service} if found is not None else {}
    return [self_check(ask, action, keys)]


def _find(view: Snapshot, owner: User, credential_id: str) -> ServiceCredential | None:
    return SERVICE_CREDENTIALS.get(view, owner.account, owner.user_id, credential_id)


def _the_credential(view: Snapshot, owner: User, credential_id: str) -> ServiceCredential:
    found = _find(view, owner, credential_id)
    if found is None:
        raise no_such_entity(f"No such credential {credential_id} exists")
    return found


def _shown(owner: User, credential: ServiceCredential) -> dict[str, object]:
    return {
        "user_name": owner.name,
        "status": credential.status,
        "service_user_name": credential.name,
        "create_date": credential.created,
        "expiration_date": credential.expires,
        "service_specific_credential_id": credential.credential_id,
        "service_name": credential.service,
    }


def _with_new_password(transaction: Transaction, owner: User, credential: ServiceCredential) -> Result:
    """Give a credential a password drawn now, and return what may be told of both this once."""
    password = f"{new_secret_key()}="
    SERVICE_CREDENTIALS.put(transaction, credential)
    SERVICE_CREDENTIALS.put_secret(transaction, credential, hashlib.sha256(password.encode()).digest())
    return {"service_specific_credential": _shown(owner, credential) | {"service_password": password}}


@operations.write("CreateServiceSpecificCredential", NewCredential, CREATE)
def create_service_specific_credential(allowed: Allowed, parameters: NewCredential, transaction: Transaction) -> Result:
    """Give a user a name and a password for a service. The password is told here and never again."""
    owner = the_user(transaction, allowed.caller.account, parameters.user_name)
    if parameters.service_name not in PASSWORD_SERVICES:
        raise no_such_entity(f"No such service {parameters.service_name} is supported for Service Specific Credentials")
    present = [
        one
        for one in SERVICE_CREDENTIALS.of(transaction, owner.account, owner.user_id)
        if one.service == parameters.service_name
    ]
    if len(present) >= CREDENTIALS_PER_SERVICE:
        raise quota_exceeded("ServiceSpecificCredentialsPerUser", CREDENTIALS_PER_SERVICE)
    number = f"+{len(present)}" if present else ""
    created, days = allowed.now.replace(microsecond=0), parameters.credential_age_days
    credential = ServiceCredential(
        account=owner.account,
        user_id=owner.user_id,
        credential_id=new_unique_id("ACCA", owner.account),
        created=created,
        service=parameters.service_name,
        name=f"{owner.name}{number}-at-{owner.account}",
        expires=created + timedelta(days=days) if days is not None else None,
    )
    return _with_new_password(transaction, owner, credential)


@operations.write("ResetServiceSpecificCredential", OneCredential, _changing("ResetServiceSpecificCredential"))
def reset_service_specific_credential(allowed: Allowed, parameters: OneCredential, transaction: Transaction) -> Result:
    """Replace a credential's password."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    return _with_new_password(
        transaction, owner, _the_credential(transaction, owner, parameters.service_specific_credential_id)
    )


@operations.read("ListServiceSpecificCredentials", CredentialPage, on_self("ListServiceSpecificCredentials"))
def list_service_specific_credentials(allowed: Allowed, parameters: CredentialPage, view: Snapshot) -> Result:
    """List the service-specific credentials of a user."""
    if parameters.all_users:
        raise ServiceError("ValidationError", "AllUsers is offered for services with bearer keys only.")
    owner = user_itself(view, allowed.caller, parameters.user_name)
    if parameters.service_name not in {None, *PASSWORD_SERVICES}:
        raise no_such_entity(f"No such service {parameters.service_name} is supported for Service Specific Credentials")
    found = SERVICE_CREDENTIALS.of(view, owner.account, owner.user_id)
    chosen = [one for one in found if parameters.service_name in {None, one.service}]
    page, more = page_of(chosen, lambda one: one.credential_id, parameters)
    return {"service_specific_credentials": [_shown(owner, one) for one in page], **more}


@operations.write("UpdateServiceSpecificCredential", CredentialStatus, _changing("UpdateServiceSpecificCredential"))
def update_service_specific_credential(
    allowed: Allowed, parameters: CredentialStatus, transaction: Transaction
) -> Result:
    """Make a service-specific credential active or inactive."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    old = _the_credential(transaction, owner, parameters.service_specific_credential_id)
    SERVICE_CREDENTIALS.put(transaction, msgspec.structs.replace(old, status=status_of(parameters.status)))
    return {}


@operations.write("DeleteServiceSpecificCredential", OneCredential, _changing("DeleteServiceSpecificCredential"))
def delete_service_specific_credential(allowed: Allowed, parameters: OneCredential, transaction: Transaction) -> Result:
    """Delete a service-specific credential."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    SERVICE_CREDENTIALS.remove(
        transaction, _the_credential(transaction, owner, parameters.service_specific_credential_id)
    )
    return {}
