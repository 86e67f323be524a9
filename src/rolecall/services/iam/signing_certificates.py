"""X.509 signing certificates of users."""

from __future__ import annotations

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from rolecall.access.allowed import Allowed
from rolecall.directory.principals import User
from rolecall.directory.user_credentials import CERTIFICATES, SigningCertificate
from rolecall.identifiers import new_unique_id
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_self
from rolecall.services.iam.finding import user_itself
from rolecall.services.iam.paging import page_of
from rolecall.services.iam.parameters import OfSelf
from rolecall.services.iam.refusals import no_such_entity, quota_exceeded, status_of
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot, Transaction

CERTIFICATES_PER_USER = 2


class NewCertificate(OfSelf, frozen=True, kw_only=True):
    """Of UploadSigningCertificate."""

    certificate_body: str


class OneCertificate(OfSelf, frozen=True, kw_only=True):
    """Of DeleteSigningCertificate."""

    certificate_id: str


class CertificateStatus(OneCertificate, frozen=True, kw_only=True):
    """Of UpdateSigningCertificate."""

    status: str


class CertificatePage(OfSelf, frozen=True, kw_only=True):
    """Of ListSigningCertificates."""

    marker: str | None = None
    max_items: int | None = None


def _fingerprint(body: str) -> str:
    try:
        return x509.load_pem_x509_certificate(body.encode()).fingerprint(SHA256()).hex()
    except (ValueError, x509.InvalidVersion):
        raise ServiceError("MalformedCertificate", f"Certificate Body is invalid. {body[:64]}") from None


def _the_certificate(view: Snapshot, owner: User, certificate_id: str) -> SigningCertificate:
    found = CERTIFICATES.get(view, owner.account, owner.user_id, certificate_id)
    if found is None:
        raise no_such_entity(f"The Certificate with id {certificate_id} cannot be found.")
    return found


def _shown(owner: User, certificate: SigningCertificate) -> dict[str, object]:
    return {
        "user_name": owner.name,
        "certificate_id": certificate.credential_id,
        "certificate_body": certificate.body,
        "status": certificate.status,
        "upload_date": certificate.created,
    }


@operations.write("UploadSigningCertificate", NewCertificate, on_self("UploadSigningCertificate"))
def upload_signing_certificate(allowed: Allowed, parameters: NewCertificate, transaction: Transaction) -> Result:
    """Give a user another signing certificate."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    fingerprint = _fingerprint(parameters.certificate_body)
    present = CERTIFICATES.of(transaction, owner.account, owner.user_id)
    if any(known.fingerprint == fingerprint for known in present):
        raise ServiceError("DuplicateCertificate", "The certificate is already associated with the user.", 409)
    if len(present) >= CERTIFICATES_PER_USER:
        raise quota_exceeded("CertificatesPerUser", CERTIFICATES_PER_USER)
    certificate = SigningCertificate(
        account=owner.account,
        user_id=owner.user_id,
        credential_id=new_unique_id("ASCA", owner.account) + new_unique_id("", owner.account)[:11],
        created=allowed.now.replace(microsecond=0),
        body=parameters.certificate_body,
        fingerprint=fingerprint,
    )
    CERTIFICATES.put(transaction, certificate)
    return {"certificate": _shown(owner, certificate)}


@operations.read("ListSigningCertificates", CertificatePage, on_self("ListSigningCertificates"))
def list_signing_certificates(allowed: Allowed, parameters: CertificatePage, view: Snapshot) -> Result:
    """List the signing certificates of a user."""
    owner = user_itself(view, allowed.caller, parameters.user_name)
    found = CERTIFICATES.of(view, owner.account, owner.user_id)
    page, more = page_of(found, lambda one: one.credential_id, parameters)
    return {"certificates": [_shown(owner, one) for one in page], **more}


@operations.write("UpdateSigningCertificate", CertificateStatus, on_self("UpdateSigningCertificate"))
def update_signing_certificate(allowed: Allowed, parameters: CertificateStatus, transaction: Transaction) -> Result:
    """Make a signing certificate active or inactive."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    old = _the_certificate(transaction, owner, parameters.certificate_id)
    CERTIFICATES.put(transaction, msgspec.structs.replace(old, status=status_of(parameters.status)))
    return {}


@operations.write("DeleteSigningCertificate", OneCertificate, on_self("DeleteSigningCertificate"))
def delete_signing_certificate(allowed: Allowed, parameters: OneCertificate, transaction: Transaction) -> Result:
    """Delete a signing certificate."""
    owner = user_itself(transaction, allowed.caller, parameters.user_name)
    CERTIFICATES.remove(transaction, _the_certificate(transaction, owner, parameters.certificate_id))
    return {}
