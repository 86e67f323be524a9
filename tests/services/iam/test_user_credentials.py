"""SSH public keys, signing certificates and service-specific credentials."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from tests.services.iam.account import ACCOUNT, ServedAccount, allow
from tests.services.iam.refused import refused

KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(6)]


def ssh(number: int = 0) -> str:
    return KEYS[number].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " a@b"


def pem(number: int = 0) -> str:
    return KEYS[number].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificate(number: int = 0) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEYS[number].public_key())
        .serial_number(number + 1)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(KEYS[number], hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def alice(iam: Any) -> Any:
    iam.create_user(UserName="a")
    return iam


def test_an_ssh_key_is_kept_shown_in_both_forms_and_deleted(alice: Any) -> None:
    made = alice.upload_ssh_public_key(UserName="a", SSHPublicKeyBody=ssh())["SSHPublicKey"]
    assert made["SSHPublicKeyId"].startswith("APKA")
    assert len(made["Fingerprint"]) == 47
    one = {"UserName": "a", "SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert alice.get_ssh_public_key(**one, Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"] == ssh()
    assert alice.get_ssh_public_key(**one, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"] == pem()
    alice.update_ssh_public_key(**one, Status="Inactive")
    assert [key["Status"] for key in alice.list_ssh_public_keys(UserName="a")["SSHPublicKeys"]] == ["Inactive"]
    assert refused(alice.delete_user, UserName="a")[2] == "Cannot delete entity, must remove referenced objects first."
    alice.delete_ssh_public_key(**one)
    text = f"The Public Key with id {made['SSHPublicKeyId']} cannot be found."
    assert refused(alice.delete_ssh_public_key, **one) == ("NoSuchEntity", 404, text)


def test_an_ssh_key_in_pem_is_the_same_key(alice: Any) -> None:
    made = alice.upload_ssh_public_key(UserName="a", SSHPublicKeyBody=pem())["SSHPublicKey"]
    shown = alice.get_ssh_public_key(UserName="a", SSHPublicKeyId=made["SSHPublicKeyId"], Encoding="SSH")[
        "SSHPublicKey"
    ]
    assert shown["SSHPublicKeyBody"] == ssh().removesuffix(" a@b")
    assert refused(alice.upload_ssh_public_key, UserName="a", SSHPublicKeyBody=ssh())[0] == "DuplicateSSHPublicKey"


def test_what_is_no_rsa_key_of_2048_bits_is_no_key(alice: Any) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    other = ed25519.Ed25519PrivateKey.generate().public_key()
    bodies = [key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() for key in (small, other)]
    for body in ("nonsense", "ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----", *bodies):
        assert refused(alice.upload_ssh_public_key, UserName="a", SSHPublicKeyBody=body)[:2] == (
            "InvalidPublicKey",
            400,
        )


def test_a_user_has_five_ssh_keys_and_two_certificates_at_most(alice: Any) -> None:
    for number in range(5):
        alice.upload_ssh_public_key(UserName="a", SSHPublicKeyBody=ssh(number))
    said = refused(alice.upload_ssh_public_key, UserName="a", SSHPublicKeyBody=ssh(5))
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for SSHPublicKeysPerUser: 5")
    for number in range(2):
        alice.upload_signing_certificate(UserName="a", CertificateBody=certificate(number))
    said = refused(alice.upload_signing_certificate, UserName="a", CertificateBody=certificate(2))
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for CertificatesPerUser: 2")


def test_a_certificate_is_kept_changed_and_deleted(alice: Any) -> None:
    body = certificate()
    made = alice.upload_signing_certificate(UserName="a", CertificateBody=body)["Certificate"]
    assert (made["CertificateBody"], made["Status"]) == (body, "Active")
    assert refused(alice.upload_signing_certificate, UserName="a", CertificateBody=body)[:2] == (
        "DuplicateCertificate",
        409,
    )
    one = {"UserName": "a", "CertificateId": made["CertificateId"]}
    alice.update_signing_certificate(**one, Status="Inactive")
    assert [each["Status"] for each in alice.list_signing_certificates(UserName="a")["Certificates"]] == ["Inactive"]
    alice.delete_signing_certificate(**one)
    text = f"The Certificate with id {made['CertificateId']} cannot be found."
    assert refused(alice.update_signing_certificate, **one, Status="Active") == ("NoSuchEntity", 404, text)
    assert (
        refused(alice.upload_signing_certificate, UserName="a", CertificateBody="nonsense")[0] == "MalformedCertificate"
    )


def test_a_certificate_of_a_version_that_x509_does_not_have_is_malformed_and_no_failure(alice: Any) -> None:
    der = x509.load_pem_x509_certificate(certificate().encode()).public_bytes(Encoding.DER)
    odd = base64.encodebytes(der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)).decode()
    body = f"-----BEGIN CERTIFICATE-----\n{odd}-----END CERTIFICATE-----\n"
    assert refused(alice.upload_signing_certificate, UserName="a", CertificateBody=body)[0] == "MalformedCertificate"


def test_a_service_credential_has_a_name_and_a_password_told_once(account: ServedAccount, alice: Any) -> None:
    wanted = {"UserName": "a", "ServiceName": "codecommit.amazonaws.com"}
    made = alice.create_service_specific_credential(**wanted)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"a-at-{ACCOUNT}"
    second = alice.create_service_specific_credential(**wanted)["ServiceSpecificCredential"]
    assert second["ServiceUserName"] == f"a+1-at-{ACCOUNT}"
    assert refused(alice.create_service_specific_credential, **wanted)[0] == "LimitExceeded"
    listed = alice.list_service_specific_credentials(UserName="a")["ServiceSpecificCredentials"]
    assert len(listed) == 2
    assert all("ServicePassword" not in each for each in listed)
    one = {"UserName": "a", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    again = alice.reset_service_specific_credential(**one)["ServiceSpecificCredential"]
    assert again["ServicePassword"] != made["ServicePassword"]
    stored = list(account.store.long_scan(b""))
    assert all(again["ServicePassword"].encode() not in entry.value for entry in stored)
    alice.update_service_specific_credential(**one, Status="Inactive")
    alice.delete_service_specific_credential(**one)
    said = refused(alice.delete_service_specific_credential, **one)
    assert said == ("NoSuchEntity", 404, f"No such credential {made['ServiceSpecificCredentialId']} exists")


def test_a_right_can_name_the_service_of_a_credential(account: ServedAccount, alice: Any) -> None:
    key = "iam:ServiceSpecificCredentialServiceName"
    condition = {"StringEquals": {key: "codecommit.amazonaws.com"}}
    who = account.client(who=account.user("w", allow("iam:*ServiceSpecificCredential", Condition=condition)))
    made = who.create_service_specific_credential(UserName="a", ServiceName="codecommit.amazonaws.com")
    other = {"UserName": "a", "ServiceName": "cassandra.amazonaws.com"}
    assert refused(who.create_service_specific_credential, **other)[0] == "AccessDenied"
    theirs = alice.create_service_specific_credential(**other)["ServiceSpecificCredential"][
        "ServiceSpecificCredentialId"
    ]
    mine = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    who.delete_service_specific_credential(UserName="a", ServiceSpecificCredentialId=mine)
    said = refused(who.delete_service_specific_credential, UserName="a", ServiceSpecificCredentialId=theirs)
    assert said[0] == "AccessDenied"


def test_credentials_of_somebody_else_are_not_reached_by_their_id(account: ServedAccount, alice: Any) -> None:
    """CVE-2024-24747."""
    mine = account.client(who=account.user("mine", allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/mine")))
    made = alice.upload_signing_certificate(UserName="a", CertificateBody=certificate())["Certificate"]["CertificateId"]
    for named in ({}, {"UserName": "mine"}):
        assert refused(mine.delete_signing_certificate, CertificateId=made, **named)[0] == "NoSuchEntity"
    assert refused(mine.delete_signing_certificate, CertificateId=made, UserName="a")[0] == "AccessDenied"
    assert len(alice.list_signing_certificates(UserName="a")["Certificates"]) == 1
